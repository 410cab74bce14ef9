"""Honest selection: ranks chosen on some items and judged on others.

The highest of several noisy scores is too high, and the rank that has it is judged by the very items that chose it.
Here the items are dealt into two halves by a hash; ranks are chosen on one half and judged on the other, and the
reverse, so every item judges a choice in which it had no part. Leave-one-group-out asks more: whether ranks chosen on
some groups serve another.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexmore.analysis.selection.evidence import MIXTURE_COLUMNS, Evidence, evidence_from_items
from flexmore.analysis.selection.rules import RULES
from flexmore.analysis.statistics.items import ItemScores
from flexmore.analysis.statistics.scopes import Array, Scopes, interval, scopes_of, spread
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

ALL = "all"
SALTS = range(10)
"""Ways in which the items are dealt into halves; what is reported is the mean over all."""
COLUMNS = [
    "rule", "expert", "rank", "held_out_ranks", "naive", "naive_low", "naive_high", "held_out", "held_out_low",
    "held_out_high", "optimism", "optimism_low", "optimism_high", "other_groups", "transfer_loss",
]  # fmt: skip


def cross_fit(
    scores: pd.DataFrame,
    answers: ItemScores | None,
    spectra: pd.DataFrame | None,
    settings: AnalysisSettings,
    rules: Collection[str] = tuple(RULES),
    salts: Sequence[int] = SALTS,
) -> pd.DataFrame:
    """Every rule's gain over public as the items that chose say it, and as others do.

    Args:
        answers: of the baseline and all pairs; None where no items are known.
        rules: names in `RULES`.
        salts: ways of dealing the items into halves.

    Returns:
        Columns `COLUMNS`, a row per rule and expert, and `all`, the mean over experts: the rank chosen on all items;
        the ranks chosen on halves, with how often; the gain `naive` and `held_out`, with paired intervals; their
        difference `optimism`; the gain on each group of the rank chosen on the others, averaged (`other_groups`), and
        what is lost by that against the naive choice (`transfer_loss`). Empty where there are no items, no pairs or
        a task with a single item.
    """
    about = scores.loc[scores["kind"].isin(["baseline", "pair"]), MIXTURE_COLUMNS].drop_duplicates("mixture")
    scope = scopes_of(scores).only(["average"])
    if answers is None or min(v.shape[1] for v in answers.values) < 2 or not about["rank"].str.isdigit()[1:].any():
        return pd.DataFrame(columns=COLUMNS)
    baseline = str(about.loc[about["kind"] == "baseline", "mixture"].iloc[0])
    own = answers.only(list(about["mixture"]))
    gained = own.minus(baseline)
    naive = evidence_from_items(own, about, scope, spectra, settings)
    halves = [
        (dealt, half, evidence_from_items(own.part(dealt, 1 - half), about, scope, spectra, settings))
        for dealt in (own.deal(salt) for salt in salts)
        for half in (0, 1)
    ]
    others = _other_groups(scores, own, about, spectra, settings)
    tables = []
    for name, rule in ((name, RULES[name]) for name in rules):
        try:
            chosen = _mixtures(naive, rule.choose(naive))
            # what spectra say does not depend on the items
            fixed = chosen if rule.reads == "spectra" else None
            held = [(dealt, half, fixed or _mixtures(e, rule.choose(e))) for dealt, half, e in halves]
            left_out = [(weights, fixed or _mixtures(e, rule.choose(e))) for weights, e in others]
        except FlexmoreError:
            continue  # `selections` says why
        tables.append(_judged(name, chosen, held, left_out, gained, scope, naive, settings))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _other_groups(
    scores: pd.DataFrame, own: ItemScores, about: pd.DataFrame, spectra: pd.DataFrame | None, settings: AnalysisSettings
) -> list[tuple[Array, Evidence]]:
    """For each group its weights over tasks, and the evidence of all other groups."""
    scopes = scopes_of(scores).only(["group"])
    if len(scopes.index) < 2:
        return []
    found = []
    for i, weights in enumerate(scopes.weights):
        rest = np.delete(scopes.weights, i, axis=0).mean(axis=0, keepdims=True)
        average = Scopes(pd.DataFrame([("average", "average")], columns=["scope", "name"]), rest, scopes.tasks)
        found.append((weights, evidence_from_items(own, about, average, spectra, settings)))
    return found


def _mixtures(evidence: Evidence, ranks: Mapping[str, int]) -> dict[str, str]:
    """Expert -> the pair that has the chosen rank."""
    found = evidence.candidates
    rows = found[found["rank"] == found["expert"].map(ranks)]
    return {str(expert): str(mixture) for expert, mixture in zip(rows["expert"], rows["mixture"], strict=True)}


def _judged(
    rule: str,
    chosen: dict[str, str],
    held: list[tuple[list[NDArray[np.int64]], int, dict[str, str]]],
    left_out: list[tuple[Array, dict[str, str]]],
    gained: ItemScores,
    scope: Scopes,
    naive: Evidence,
    settings: AnalysisSettings,
) -> pd.DataFrame:
    place = {name: i for i, name in enumerate(gained.names)}
    rank_of = dict(zip(naive.candidates["mixture"], naive.candidates["rank"], strict=True))
    experts = list(chosen)
    before = gained.only([chosen[expert] for expert in experts])
    after = [np.zeros_like(value) for value in before.values]
    for dealt, half, mixtures in held:
        rows = [place[mixtures[expert]] for expert in experts]
        for out, value, halves in zip(after, gained.values, dealt, strict=True):
            out[:, halves == half] += 2 * value[rows][:, halves == half] / len(held)
    names = (*experts, ALL)
    with_mean = np.concatenate([np.eye(len(experts)), np.full((1, len(experts)), 1 / len(experts))])
    naive_gain = before.contrast(with_mean, names)
    held_gain = ItemScores(before.names, before.tasks, tuple(after)).contrast(with_mean, names)
    pairs = zip(naive_gain.values, held_gain.values, strict=True)
    optimism = ItemScores(names, before.tasks, tuple(a - b for a, b in pairs))
    columns: dict[str, object] = {"rule": rule, "expert": names}
    for key, values in (("naive", naive_gain), ("held_out", held_gain), ("optimism", optimism)):
        error, freedom = spread(scope, *values.errors())
        value = np.round(values.means() @ scope.weights.T, 12)
        low, high = interval(value, error, freedom, settings.confidence)
        columns |= {key: value[:, 0], f"{key}_low": low[:, 0], f"{key}_high": high[:, 0]}
    transferred = _transferred(left_out, gained, experts, place)
    times = [Counter(rank_of[mixtures[expert]] for _, _, mixtures in held) for expert in experts]
    return pd.DataFrame(columns).assign(
        rank=[*(str(rank_of[chosen[expert]]) for expert in experts), ""],
        held_out_ranks=[*(_counted(counts) for counts in times), ""],
        other_groups=transferred,
        transfer_loss=np.round(columns["naive"] - transferred, 12),  # type: ignore[operator]
    )[COLUMNS]


def _transferred(
    left_out: list[tuple[Array, dict[str, str]]], gained: ItemScores, experts: list[str], place: dict[str, int]
) -> Array:
    """The mean over groups of the gain there of the ranks that the other groups chose; the last is over experts."""
    if not left_out:
        return np.full(len(experts) + 1, math.nan)
    means = gained.means()
    gains = np.array([[means[place[mixtures[e]]] @ weights for e in experts] for weights, mixtures in left_out])
    each = np.round(gains.mean(axis=0), 12)
    return np.append(each, np.round(each.mean(), 12))


def _counted(counts: Counter[int]) -> str:
    return ", ".join(f"{rank} ({count})" for rank, count in sorted(counts.items()))
