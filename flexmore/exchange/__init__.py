"""Exchange with other software: mixtures written for it, and its experts and results read."""
