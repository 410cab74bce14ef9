"""The suites that a study evaluates: which tasks they have, written out for evaluation, and their data sets."""
