"""The bytes of a sweep's weights, and how many GPUs hold them."""

from dataclasses import replace

import pytest

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.weight_bytes import weigh_sweep

PAPER = ModelSizes(hidden=4096, ffn=11008, layers=32, vocabulary=100352, heads=32, key_value_heads=32)
NAMES = ("code", "creative", "math", "news", "pes2o", "reddit")
FULL, FACTORS = 8.657, 5.94
"""GB of an expert in bf16: its own weights, its factors at rank 2048."""


def mixture(rank: Rank, names: tuple[str, ...] = NAMES) -> Mixture:
    return Mixture(f"r{rank}", "joint", names, (rank,) * len(names), min(4, 1 + len(names)), str(rank))


def total(*mixtures: Mixture) -> float:
    return weigh_sweep(PAPER, mixtures, 2).total / 1e9


def test_what_the_papers_sweeps_hold() -> None:
    """The published sizes: public has 14.6 GB, the mixture of seven full-size experts 66.5 GB."""
    math = ("math",)
    assert total(Mixture("public", "baseline", (), (), 1, "0")) == pytest.approx(14.6, abs=0.05)
    assert total(mixture("full", math)) == pytest.approx(14.6 + FULL, abs=0.05)
    assert total(mixture(16, math)) == pytest.approx(14.6 + 0.046, abs=0.05)
    assert total(mixture("full")) == pytest.approx(66.5, abs=0.1)
    assert total(mixture(2048), mixture("full")) == pytest.approx(66.5 + 6 * FACTORS, abs=0.1)
    assert total(mixture(8192, math), mixture(4096, math)) == pytest.approx(14.6 + FULL, abs=0.05)


def test_dense_weights_are_kept_up_to_the_limit_and_one_more() -> None:
    pair = [mixture(rank, ("math",)) for rank in (4096, "full")]
    assert weigh_sweep(PAPER, pair, 2).dense == pytest.approx(2 * FULL * 1e9, rel=1e-3)
    assert weigh_sweep(PAPER, pair, 2, dense_limit=10).dense == pytest.approx(FULL * 1e9, rel=1e-3)
    joint = [mixture(rank) for rank in (4096, "full")]
    assert weigh_sweep(PAPER, joint, 2).dense == pytest.approx(6 * FULL * 1e9, rel=1e-3)


def test_a_control_is_dense_at_any_rank() -> None:
    control = replace(mixture(16, ("math",)), kind="control", rank="random")
    found = weigh_sweep(PAPER, [control], 2)
    assert found.adapted == found.dense == pytest.approx(FULL * 1e9, rel=1e-3)
    assert found.factors == found.full == 0
