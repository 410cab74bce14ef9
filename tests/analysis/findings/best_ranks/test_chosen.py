"""The primary statement, and the comparison of best ranks."""

import numpy as np
import pytest
from simulated import RANKS, Design

from flexmore.analysis.findings.best_ranks.chosen import BOTH, NOTHING, PUBLIC_ONLY, judge_chosen
from flexmore.analysis.findings.best_ranks.skill_ranks import HIGHER, LOWER, UNTOLD, compare_best_ranks
from flexmore.analysis.findings.recovery import recover
from flexmore.analysis.statistics.gains import gains
from flexmore.analysis.statistics.held_out_pairs import HeldOutPairs, held_out_pairs
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings(reasoning=["BBH"], knowledge=["MMLU"])
DESIGN = Design(("a", "b", "c", "d"), {"MMLU": 4, "BBH": 4}, items=200)


def _study(knowledge: list[float], reasoning: list[float], seed: int = 1) -> tuple[HeldOutPairs, object, object]:
    shares = np.stack([knowledge] * 4 + [reasoning] * 4)
    gain = np.broadcast_to(shares[:, None, :], (8, len(DESIGN.experts), len(RANKS) + 1))
    scores, items, item_scores = DESIGN.draw(gain, np.random.default_rng(seed))
    held = held_out_pairs(scores, item_scores, SETTINGS)
    assert held is not None
    return held, scores, items


def test_the_chosen_rank_is_judged_from_public_and_from_full() -> None:
    saturating = [0.0, 0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3]
    damaged = [0.1, 0.15, 0.1, 0.0, -0.1, -0.1, -0.2, -0.2]
    held, scores, items = _study(damaged, saturating)
    table = judge_chosen(held, recover(gains(scores, items, skills=SETTINGS.skills)), SETTINGS)  # type: ignore[arg-type]
    table = table.set_index(["expert", "scope", "name"])
    knowledge, reasoning = (table.loc[(ALL, "skill", name)] for name in ("knowledge", "reasoning"))
    assert (knowledge["rank"], knowledge["verdict"], knowledge["r95"]) == ("2", BOTH, "")  # full does not gain
    assert knowledge["over_public"] == pytest.approx(0.15, abs=0.04)
    assert knowledge["over_full"] == pytest.approx(0.35, abs=0.04)
    assert (reasoning["verdict"], reasoning["r95"]) == (PUBLIC_ONLY, "8")
    assert reasoning["over_full"] == pytest.approx(0, abs=0.03)
    assert reasoning["over_public_low"] < reasoning["over_public"] < reasoning["over_public_high"]
    assert reasoning["tasks_public"] == pytest.approx(reasoning["over_public"], abs=0.03)
    assert table.loc[("a", "skill", "knowledge"), "verdict"] == BOTH
    assert (table["p_public"] <= table["p_public_holm"]).all()


def test_where_no_rank_beats_public_it_says_so() -> None:
    nothing = [0.0] * 8
    held, scores, items = _study([-0.05 * place for place in range(8)], nothing)
    table = judge_chosen(held, recover(gains(scores, items, skills=SETTINGS.skills)), SETTINGS)  # type: ignore[arg-type]
    assert set(table["verdict"]) == {NOTHING}


def test_the_order_of_best_ranks_is_called_in_both_directions_and_not_without_response() -> None:
    early, late = [0.1, 0.4, 0.1, 0.0, -0.1, -0.1, -0.1, -0.1], [0.0, 0.0, 0.1, 0.2, 0.4, 0.1, 0.0, 0.0]
    found = compare_best_ranks(_study(early, late)[0], SETTINGS).set_index("expert")
    assert set(found["call"]) == {HIGHER}
    assert (found.loc[ALL, "reasoning_rank"], found.loc[ALL, "knowledge_rank"]) == ("16", "2")
    assert found.loc[ALL, "reasoning_term"] == pytest.approx(0.4, abs=0.05)
    assert found.loc[ALL, "knowledge_term"] == pytest.approx(0.5, abs=0.05)
    assert found.loc[ALL, "tasks_call"] == HIGHER
    assert 0 < found.loc[ALL, "detectable"] < 0.1
    assert set(compare_best_ranks(_study(late, early)[0], SETTINGS)["call"]) == {LOWER}
    flat = compare_best_ranks(_study(early, [0.2] * 8, seed=3)[0], SETTINGS).set_index("expert")
    assert set(flat["call"]) == {UNTOLD}  # reasoning loses nothing at knowledge's rank
    assert flat.loc[ALL, "plateau"] == "reasoning"
