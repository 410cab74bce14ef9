"""The experts of one layer: their weights, which tokens chose them, and how their outputs are computed."""
