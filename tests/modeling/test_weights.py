"""The weights of one expert: controls."""

from typing import Any

import torch

from flexmore.checkpoints.reader import Checkpoint
from flexmore.factors.store import FactorStore
from flexmore.modeling import ExpertWeights


def test_a_control_has_the_spectrum_of_the_expert_and_depends_on_the_seed(composed: Any) -> None:
    checkpoint, store = Checkpoint(composed.paths.expert("math")), FactorStore(composed.paths.factors("math"))
    one, again, other = (ExpertWeights("math", checkpoint, store, seed) for seed in (1, 1, 2))
    public = checkpoint.expert_weight(0, 0, "up_proj")
    deltas = [expert.weight(0, "up_proj", 16, "random") - public for expert in (one, again, other)]
    assert torch.equal(deltas[0], deltas[1])
    assert not torch.allclose(deltas[0], deltas[2])
    expected = store.singular_values(0, "up_proj")
    torch.testing.assert_close(torch.linalg.svdvals(deltas[2]), expected, rtol=1e-4, atol=1e-5)
