"""The tiny family on a local hub."""

from hub_fixtures import hub, study  # noqa: F401
