"""Ranks from singular values, on spectra whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection import spectrum_rules as rules
from flexmore.analysis.selection.evidence import Evidence
from flexmore.analysis.selection.selections import select
from flexmore.errors import FlexmoreError


def test_flat_and_single_spectra() -> None:
    flat, single, nothing = np.ones(16), np.array([3.0, 0, 0, 0]), np.zeros(4)
    for rule in (rules.effective, rules.stable):
        assert rule(flat) == pytest.approx(16)
        assert rule(single) == pytest.approx(1)
        assert rule(nothing) == 0
    assert rules.energy(flat, 0.75) == 12
    assert rules.energy(single, 0.99) == 1
    assert rules.energy(nothing, 0.9) == 0


def test_hand_solved() -> None:
    sigma = np.array([4.0, 3.0, 1.0])
    share = sigma / 8
    assert rules.effective(sigma) == pytest.approx(np.prod(share**-share))
    assert rules.stable(sigma) == pytest.approx(26 / 16)
    assert rules.energy(sigma, 0.9) == 2
    assert rules.energy(sigma, 25 / 26) == 2


def test_tiny_values_are_dropped() -> None:
    sigma = np.concatenate([np.ones(4), np.full(5000, 1e-4)])
    assert rules.truncated_effective(sigma) == pytest.approx(4)
    assert rules.effective(sigma) > 4.5


def test_gavish_donoho_finds_the_planted_rank() -> None:
    """Four strong components in noise of unknown level; omega is 2.858 for a square matrix (their table)."""
    generator = np.random.default_rng(0)
    left, right = (np.linalg.qr(generator.normal(size=(side, 4)))[0] for side in (120, 300))
    matrix = left @ np.diag([40, 35, 30, 25]) @ right.T + 0.5 * generator.normal(size=(120, 300))
    assert rules.gavish_donoho(np.linalg.svd(matrix, compute_uv=False), 300) == 4
    square = np.array([2.87, *[1.0] * 20])
    assert rules.gavish_donoho(square, 21) == 1
    assert rules.gavish_donoho(np.array([2.84, *[1.0] * 20]), 21) == 0


def test_the_largest_projection_counts_and_is_rounded_up_to_the_ladder(study: Inputs) -> None:
    assert study.spectra is not None
    flat = study.spectra.assign(value=1.0)
    one = (flat["expert"] == "math") & (flat["layer"] == 1) & (flat["projection"] == "up_proj")
    few = flat.assign(value=np.where(~one & (flat["index"] >= 1), 0.0, 1.0))
    wide = few.assign(value=np.where(one & (few["index"] >= 9), 0.0, few["value"]))
    chosen = select("effective", study.scores, study.items, wide)
    assert chosen == {"math": 16, "news": 1, "pes2o": 1}
    assert select("stable", study.scores, study.items, flat) == dict.fromkeys(("math", "news", "pes2o"), 64)


def test_the_longer_side_is_read_from_parameters() -> None:
    """An adapter has 3 * layers * (short + long) parameters a unit of rank."""
    candidates = pd.DataFrame({"expert": "a", "rank": [1, 8], "effective_rank": [1, 8]})
    candidates = candidates.assign(parameters=1000 + candidates["rank"] * 3 * 2 * (21 + 63), mixture="m")
    sigma = np.array([2.3, *[1.0] * 20])
    spectra = pd.concat(
        pd.DataFrame({"expert": "a", "layer": layer, "projection": p, "index": range(21), "value": sigma})
        for layer in (0, 1)
        for p in ("gate_proj", "up_proj", "down_proj")
    )
    evidence = Evidence(candidates, pd.DataFrame(columns=["expert", "gain", "low"]), spectra)
    beta = 1 / 3
    omega = 0.56 * beta**3 - 0.95 * beta**2 + 1.82 * beta + 1.43
    assert omega < 2.3
    assert rules.rank_needed("gavish_donoho", evidence) == {"a": 1}
    single = Evidence(candidates.head(1), evidence.whole, spectra)
    with pytest.raises(FlexmoreError, match="a single rank of a"):
        rules.rank_needed("gavish_donoho", single)


def test_missing_spectra_are_named(study: Inputs) -> None:
    assert study.spectra is not None
    with pytest.raises(FlexmoreError, match="no singular values of news"):
        select("energy", study.scores, study.items, study.spectra[study.spectra["expert"] != "news"])
    with pytest.raises(FlexmoreError, match="'effective' reads singular values, and there are none"):
        select("effective", study.scores, study.items)
