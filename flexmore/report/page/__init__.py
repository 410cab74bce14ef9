"""Pages made from tables alone: the report that a person reads, and the one to explore. No sentence is written by hand
that holds a number, so none can be stale."""
