"""Pure tensor mathematics of low rank: factors of a delta, and the orthonormal basis that they come from."""
