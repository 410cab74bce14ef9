"""Render the command line."""
