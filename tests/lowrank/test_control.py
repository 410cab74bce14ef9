"""The random delta of a control."""

import torch
from deltas import delta_of

from flexmore.lowrank.control import random_delta


def test_a_random_delta_has_the_same_spectrum_and_nothing_else() -> None:
    delta = delta_of("falling", 20, 12, 5)
    s = torch.linalg.svdvals(delta)
    other = random_delta(s, (20, 12), torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.linalg.svdvals(other), s, rtol=1e-6, atol=1e-12)
    cosine = (other * delta).sum() / delta.norm() / other.norm()
    assert abs(float(cosine)) < 0.3
