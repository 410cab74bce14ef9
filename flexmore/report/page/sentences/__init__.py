"""The sentences of a report, computed from the tables, so that no number is written by hand.

"Helps" and "harms" need an interval that leaves zero out; "best", "higher" and "significant" need a test that is
corrected for the number of tests.
"""
