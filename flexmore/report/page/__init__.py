"""The pages made from tables alone: the report that a person reads, and the one to explore."""
