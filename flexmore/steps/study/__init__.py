"""Steps of the study, in the order in which the workflow runs them."""
