"""Models of mixtures: transformers' own classes, their experts at the recipe's ranks."""

from flexmore.modeling.experts import ExpertWeights
from flexmore.modeling.sweep import SweepModel

__all__ = ["ExpertWeights", "SweepModel"]
