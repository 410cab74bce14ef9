"""Mixtures: which a study has, their recipes and fingerprints, what they weigh, which experts run dense; no torch."""
