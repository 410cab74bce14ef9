"""The findings of the study, a table or two each."""
