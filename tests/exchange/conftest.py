"""A tiny model and suite whose results are imported."""

from model_fixtures import suite, words  # noqa: F401
