"""r95 and the rank of half the gain, on curves whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_tables import LADDER, Made

from flexmore.analysis.findings import recovery
from flexmore.analysis.findings.recovery import curve, recover
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.gains import gains
from flexmore.analysis.statistics.isotonic import monotone
from flexmore.config.analysis import AnalysisSettings


def _gains(points: dict[str, float], *, low: float = 0.01, capacity: int = 64) -> pd.DataFrame:
    """One expert's gains on the average, by rank label."""
    rows = [
        {
            "mixture": f"a-{rank}", "kind": "pair", "experts": "a", "rank": rank, "scope": "average",
            "effective_rank": rank if rank == "full" else str(min(int(rank), capacity)),
            "active": 2, "parameters": 1, "name": "average", "tasks": 1, "score": 0.5 + gain, "public": 0.5,
            "gain": gain, "stderr": 0.01, "low": low, "high": gain + 0.02, "paired": True,
        }
        for rank, gain in points.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _found(points: dict[str, float], **options: float) -> pd.Series:
    return recover(_gains(points, **options)).iloc[0]  # type: ignore[arg-type]


def test_planted_ranks_are_found_again(study_of: object) -> None:
    made = Made(items=200, extras=(3, 6, 12, 24, 48))
    found = recover(gains(*_scores(study_of(made))))  # type: ignore[operator]
    own = found[found["scope"] == "domain"].set_index("expert")
    ranks = sorted({*LADDER[:7], *made.extras})
    for expert, midpoint in made.midpoints.items():
        assert own.loc[expert, "half_rank"] == pytest.approx(midpoint, rel=0.05)
        rounded = [round(made.items * (0.2 + 0.6 * made.recovered(expert, r))) - 40 for r in ranks]
        truth = next(r for r, gain in zip(ranks, rounded, strict=True) if gain >= 0.95 * 120)
        assert own.loc[expert, "r95"] == str(truth)
        assert own.loc[expert, "ranks"] == len(ranks)


def _scores(study: Inputs) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    return study.scores, study.items


def test_a_hand_solved_curve() -> None:
    found = _found({"1": 0.0, "2": 0.1, "4": 0.3, "8": 0.39, "16": 0.4, "full": 0.4})
    assert found["r95"] == "8"
    assert found["half_rank"] == pytest.approx(2**1.5)


def test_the_share_is_the_one_asked_for() -> None:
    table = _gains({"1": 0.0, "2": 0.37, "4": 0.385, "8": 0.4, "full": 0.4})
    assert [recover(table, AnalysisSettings(recovery=share))["r95"].iloc[0] for share in (0.9, 0.95, 1.0)] == [
        "2",
        "4",
        "8",
    ]


def test_noise_is_pooled_before_it_is_read() -> None:
    """A lucky rank 4 is pooled with the worse rank 8: both 0.35, below 0.38."""
    assert _found({"1": 0.0, "4": 0.4, "8": 0.3, "16": 0.4, "full": 0.4})["r95"] == "16"


def test_saturated_ranks_are_one_point() -> None:
    """Counted thrice, the last rank would pull the pooled level up to its own."""
    found = _found({"32": 0.3, "64": 0.4, "128": 0.4, "256": 0.4, "full": 0.4})
    assert found["ranks"] == 2
    assert found["r95"] == "64"


def test_a_rank_that_no_smaller_one_reaches_is_full() -> None:
    found = _found({"1": 0.0, "2": 0.1, "full": 0.4})
    assert (found["r95"], found["half_reason"]) == ("full", recovery.ABOVE_ALL)
    assert np.isnan(found["half_rank"])


def test_what_cannot_be_said_has_its_reason() -> None:
    cases = {
        recovery.NO_GAIN: _found({"1": 0.0, "full": 0.1}, low=-0.01),
        recovery.NO_FULL: _found({"1": 0.0, "2": 0.1}),
        recovery.NO_RANKS: _found({"full": 0.4}),
        recovery.ONE_RANK: _found({"1": 0.3, "full": 0.4}),
    }
    for reason, found in cases.items():
        assert (found["r95"], found["r95_reason"], found["half_reason"]) == ("", reason, reason)
    assert _found({"1": 0.3, "2": 0.3, "full": 0.4})["half_reason"] == recovery.BELOW_ALL


def test_only_the_own_domain_is_listed(study: Inputs) -> None:
    found = recover(gains(study.scores, study.items))
    domains = found[found["scope"] == "domain"]
    assert list(domains["name"]) == list(domains["expert"]) == sorted(Made().midpoints)
    lost = found[(found["name"] == "BBH") & (found["expert"] != "math")]
    assert set(lost["r95_reason"]) == {recovery.NO_GAIN}


def test_the_curve_joins_extras_by_rank(study: Inputs) -> None:
    points = curve(gains(study.scores, study.items), "news", "domain", "news")
    assert list(points["effective_rank"]) == [1, 2, 3, 4, 6, 8, 12, 16, 32, 64]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_the_fit_is_monotone_and_keeps_the_mean(values: list[float]) -> None:
    fit = monotone(np.array(values))
    assert (np.diff(fit) >= 0).all()
    assert fit.mean() == pytest.approx(np.mean(values), abs=1e-12)
    assert monotone(np.sort(values)) == pytest.approx(np.sort(values))
