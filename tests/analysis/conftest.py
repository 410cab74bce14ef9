"""Made-up studies whose truth is known."""

from table_fixtures import seed_tables, study, study_of, tables  # noqa: F401
