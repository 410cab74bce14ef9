"""The analysis: from the tidy table of scores to every other table."""
