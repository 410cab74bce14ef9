"""The wild cluster bootstrap."""

import numpy as np

from flexmore.analysis.statistics.wild_bootstrap import wild_p


def test_the_wild_bootstrap_enumerates_all_signs() -> None:
    """Two clusters have four sign vectors: p is a quarter's multiple, and 1 where there is no effect at all."""
    design = np.column_stack([np.kron(np.eye(2), np.ones((3, 1))), np.tile([0.0, 1.0, 2.0], 2)])
    clusters = np.repeat([0, 1], 3)
    values = np.array([0, 1, 2.1, 0, 1.1, 2])
    assert wild_p(values, design, 2, clusters) in (0.25, 0.5, 0.75, 1.0)
    assert wild_p(np.array([0, 1, 0, 1, 2, 1.0]), design, 2, clusters) == 1.0
    assert np.isnan(wild_p(values[:3], design[:3, [0, 2]], 1, clusters[:3]))
