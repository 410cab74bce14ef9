"""Steps that look at a configuration, a mixture or an answer and write no result."""
