"""The embedded family: an honest FlexOlmo in miniature, a positive control of the method and of this software."""
