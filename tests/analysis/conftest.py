"""Made-up studies whose truth is known."""

from table_fixtures import study, study_of  # noqa: F401
