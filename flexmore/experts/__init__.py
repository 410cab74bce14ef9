"""Experts of a study: brought into their folders, checked and described; the sizes of their models."""
