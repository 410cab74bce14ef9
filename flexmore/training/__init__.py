"""Training: the loop and its resumable state, the branch of an expert beside a frozen model, fitted router rows."""
