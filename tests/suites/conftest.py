"""Data sets, made up, in a folder that stands in for the hub."""

from paper_fixtures import _there, hub, prepared  # noqa: F401
