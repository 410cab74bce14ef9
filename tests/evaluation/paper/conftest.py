"""All tasks of the paper, over made-up data sets."""

from paper_fixtures import _there, hub, prepared  # noqa: F401
