"""The basis in fp32: used where it is certified, and nowhere else."""

import pytest
import torch
from deltas import KINDS, check_every_rank, delta_of

from flexmore.lowrank import basis
from flexmore.lowrank.svd import Factors, factorize


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("out", "in_"), [(512, 700), (700, 512)])
def test_fp32_is_kept_only_where_it_suffices(kind: str, out: int, in_: int) -> None:
    """At these sizes the solver's rounding shows: without a certificate fp32 misses the bound on steep spectra."""
    delta = delta_of(kind, out, in_, 7).float()
    found = factorize(delta)
    ranks = [0, 1, 3, 60, 200, 350, 450, 500, 508, 510, 511, 512]
    check_every_rank(delta.double(), Factors(found.a.float(), found.b.float(), found.s), ranks)
    if kind in ("flat", "slow"):
        assert found.a.dtype == torch.float32, "no second run in fp64"
    if kind in ("falling", "steep", "rows"):
        assert found.a.dtype == torch.float64


@pytest.mark.parametrize("kind", ["falling", "rows"])
def test_the_certificate_is_needed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it fp32 keeps wrong directions, which the test above detects."""
    monkeypatch.setattr(basis, "_TOO_STEEP", float("-inf"))
    monkeypatch.setattr(basis, "_is_certified", lambda *_: True)
    delta = delta_of(kind, 512, 700, 7).float()
    found = factorize(delta)
    assert found.a.dtype == torch.float32
    with pytest.raises(AssertionError):
        check_every_rank(delta.double(), found, range(400, 513, 20))
