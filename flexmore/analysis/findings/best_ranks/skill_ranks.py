"""Whether reasoning's best rank is higher than knowledge's: the paper's claim, with a test of its own.

On one half of the items the best rank of reasoning (r_R) and of knowledge (r_K) is chosen. On the other half two
differences are looked at: what reasoning loses at knowledge's rank, R(r_R) - R(r_K), and what knowledge loses at
reasoning's, K(r_K) - K(r_R). `higher` is called only where r_R > r_K and both are above zero, each at one-sided 2.5 %
(an intersection-union test, Berger 1982); `lower` likewise. A skill that does not respond to rank makes one of them
zero, and nothing is called.
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from flexmore.analysis.findings.best_ranks.subjects import Subject, subjects
from flexmore.analysis.statistics.cross_fit import Estimate
from flexmore.analysis.statistics.held_out_pairs import HeldOutPairs
from flexmore.analysis.statistics.holm import holm
from flexmore.analysis.statistics.isotonic import highest
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings

COLUMNS = [
    "expert", "reasoning_rank", "knowledge_rank", "reasoning_term", "reasoning_low", "reasoning_high", "reasoning_p",
    "knowledge_term", "knowledge_low", "knowledge_high", "knowledge_p", "p_higher", "p_lower", "detectable",
    "tasks_call", "plateau", "call",
]  # fmt: skip
HIGHER, LOWER, UNTOLD = "higher", "lower", "not told apart"
REASONING, KNOWLEDGE = "reasoning", "knowledge"
POWER = 0.8


def compare_best_ranks(held: HeldOutPairs | None, settings: AnalysisSettings) -> pd.DataFrame:
    """Compare the best ranks of reasoning and knowledge, for every expert and over all.

    Returns:
        Columns `COLUMNS`: the best ranks on all items; both terms in the direction that the folds favour, with interval
        and one-sided p; p of either call, Holm's correction over single experts; the smallest true difference that
        would be told in 80 % of repeats, the larger of both terms' (`detectable`); the call on halves of the tasks;
        which skill's best rank is followed by no fall on held-out items (`plateau`); and the call.
    """
    if held is None or min(held.scope("skill", name) for name in (REASONING, KNOWLEDGE)) < 0:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.DataFrame([_compare(subject, settings) for subject in subjects(held)])
    alone = (table["expert"] != ALL).to_numpy()
    for column in ("p_higher", "p_lower"):
        table.loc[alone, column] = holm(table.loc[alone, column])
    level = (1 - settings.confidence) / 2
    calls = np.select([table["p_higher"] < level, table["p_lower"] < level], [HIGHER, LOWER], UNTOLD)
    by_tasks = {subject.name: _call(subject, settings) for subject in subjects(held, held.tasks)}
    return table.assign(call=calls, tasks_call=table["expert"].map(by_tasks))[COLUMNS]


def _terms(subject: Subject, direction: int) -> tuple[tuple[Estimate, float], tuple[Estimate, float]]:
    """Estimate both terms where the folds choose ranks in one direction (1: reasoning's is higher); 0 in the others."""
    scopes = {name: subject.held.scope("skill", name) for name in (REASONING, KNOWLEDGE)}
    places = {name: subject.places(scope) for name, scope in scopes.items()}
    sign = np.sign(places[REASONING] - places[KNOWLEDGE])
    best = {name: subject.at(own) for name, own in places.items()}

    def weight(expert: int) -> NDArray[np.int64]:
        found: NDArray[np.int64] = (sign[expert] == direction).astype(np.int64)
        return found

    reasoning = subject.difference(scopes[REASONING], best[REASONING], best[KNOWLEDGE], weight)
    knowledge = subject.difference(scopes[KNOWLEDGE], best[KNOWLEDGE], best[REASONING], weight)
    return reasoning, knowledge


def _p(terms: tuple[tuple[Estimate, float], tuple[Estimate, float]]) -> float:
    """Return the p of a call in one direction: the larger of both terms'; 1 where a term is unknown."""
    return max(p if math.isfinite(found.value) else 1.0 for found, p in terms)


def _call(subject: Subject, settings: AnalysisSettings) -> str:
    """Return the call on one kind of halves."""
    level = (1 - settings.confidence) / 2
    if _p(_terms(subject, 1)) < level:
        return HIGHER
    return LOWER if _p(_terms(subject, -1)) < level else UNTOLD


def _compare(subject: Subject, settings: AnalysisSettings) -> dict[str, object]:
    """Make the row of one subject, without the calls."""
    level = (1 - settings.confidence) / 2
    scopes = {name: subject.held.scope("skill", name) for name in (REASONING, KNOWLEDGE)}
    best = {name: int(highest(subject.curve(scope))) for name, scope in scopes.items()}
    up, down = _terms(subject, 1), _terms(subject, -1)
    shown = up if best[REASONING] >= best[KNOWLEDGE] else down
    row: dict[str, object] = {"expert": subject.name, "p_higher": _p(up), "p_lower": _p(down)}
    detectable = []
    for name, (found, p) in zip((REASONING, KNOWLEDGE), shown, strict=True):
        low, high = found.interval(settings.confidence)
        row |= {f"{name}_rank": subject.held.labels[best[name]], f"{name}_term": found.value}
        row |= {f"{name}_low": low, f"{name}_high": high, f"{name}_p": p}
        detectable.append((stdtrit(found.freedom, 1 - level) + ndtri(POWER)) * found.error)
    stays = []
    for name, scope in scopes.items():
        falls = subject.difference(scope, subject.at(subject.places(scope)), subject.rank(-1))
        gains = subject.difference(scope, subject.at(subject.places(scope)), subject.public)
        if gains[1] < level and not falls[1] < level:
            stays.append(name)
    return row | {"detectable": float(np.max(detectable)), "plateau": " and ".join(stays)}
