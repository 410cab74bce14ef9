"""The tables: which there are, the tidy table of scores and its checks, reading and writing."""
