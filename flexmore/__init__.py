"""FlexMoRE: mixtures of experts of different ranks, from FlexOlmo experts to the analysis of what rank costs."""

__version__ = "0.1.0"
