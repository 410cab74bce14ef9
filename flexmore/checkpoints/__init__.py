"""Checkpoints on disk: read, written, identified, and checked to belong to one family."""
