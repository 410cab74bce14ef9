"""The selections: rules that choose ranks, how good their choices are, and ranks under a budget."""
