"""Honest selection: ranks chosen on some items and judged on others.

The highest of several noisy scores is too high, and the rank that has it is judged by the very items that chose it.
Here a hash deals the items into two halves; ranks are chosen on one half and judged on the other, and the reverse, so
every item judges a choice in which it had no part. Leaving out a group asks more: whether ranks chosen on some groups
do well on another.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexmore.analysis.selection.evidence import MIXTURE_COLUMNS, Evidence, evidence_from_items
from flexmore.analysis.selection.rules import RULES, Rule
from flexmore.analysis.statistics.errors import scope_errors
from flexmore.analysis.statistics.item_scores import SALTS, ItemScores
from flexmore.analysis.statistics.scopes import DIGITS, Array, Scopes, interval, scopes_of
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

COLUMNS = [
    "rule", "expert", "rank", "held_out_ranks", "naive", "naive_low", "naive_high", "held_out", "held_out_low",
    "held_out_high", "optimism", "optimism_low", "optimism_high", "other_groups", "transfer_loss",
]  # fmt: skip


def cross_fit(
    scores: pd.DataFrame,
    item_scores: ItemScores | None,
    spectra: pd.DataFrame | None,
    settings: AnalysisSettings,
    rules: Collection[str] = tuple(RULES),
    salts: Sequence[int] = SALTS,
) -> pd.DataFrame:
    """Measure every rule's gain over public on the items that chose the ranks, and on others.

    Args:
        scores: the tidy table.
        item_scores: of the baseline and all pairs; None where no items are known.
        spectra: singular values, which some rules read; or None.
        settings: section `analysis` of the configuration.
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
    enough = item_scores is not None and min(value.shape[1] for value in item_scores.values) > 1
    if item_scores is None or not enough or not about["rank"].str.isdigit()[1:].any():
        return pd.DataFrame(columns=COLUMNS)
    evidence = _gather(scores, item_scores.only(list(about["mixture"])), about, spectra, settings, salts)
    tables = []
    for name in rules:
        try:
            choices = _choose(RULES[name], evidence)
        except FlexmoreError:
            continue  # the table `selections` says why
        tables.append(_judge(name, choices, evidence, settings.confidence))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


@dataclass(frozen=True)
class _SplitEvidence:
    """Hold what rules choose from: all items, each half of them, the items of all groups but one.

    Attributes:
        gained: gains over public of the baseline and the pairs, item by item.
        scope: the average alone.
        naive: the evidence of all items.
        halves: for each way of dealing: which half each item is in, the half held out, the evidence of the other.
        other_groups: for each group: its weights over tasks, the evidence of all other groups.
    """

    gained: ItemScores
    scope: Scopes
    naive: Evidence
    halves: list[tuple[list[NDArray[np.int64]], int, Evidence]]
    other_groups: list[tuple[Array, Evidence]]


@dataclass(frozen=True)
class _Choices:
    """Hold the pair of every expert (expert -> mixture) that a rule chooses.

    Attributes:
        naive: on all items.
        halves: on each of `_SplitEvidence.halves`.
        other_groups: on each of `_SplitEvidence.other_groups`.
    """

    naive: dict[str, str]
    halves: list[dict[str, str]]
    other_groups: list[dict[str, str]]


def _gather(
    scores: pd.DataFrame,
    own: ItemScores,
    about: pd.DataFrame,
    spectra: pd.DataFrame | None,
    settings: AnalysisSettings,
    salts: Sequence[int],
) -> _SplitEvidence:
    """Gather the evidence of all items and of every split of them."""
    scope = scopes_of(scores).only(["average"])
    halves = [
        (dealt, half, evidence_from_items(own.part(dealt, 1 - half), about, scope, spectra, settings))
        for dealt in (own.deal(salt) for salt in salts)
        for half in (0, 1)
    ]
    groups = scopes_of(scores).only(["group"])
    others = []
    for i, weights in enumerate(groups.weights if len(groups.index) > 1 else ()):
        rest = np.delete(groups.weights, i, axis=0).mean(axis=0, keepdims=True)
        average = Scopes(pd.DataFrame([("average", "average")], columns=["scope", "name"]), rest, groups.tasks)
        others.append((weights, evidence_from_items(own, about, average, spectra, settings)))
    gained = own.minus(str(about.loc[about["kind"] == "baseline", "mixture"].iloc[0]))
    return _SplitEvidence(gained, scope, evidence_from_items(own, about, scope, spectra, settings), halves, others)


def _choose(rule: Rule, evidence: _SplitEvidence) -> _Choices:
    """Apply a rule to all items and to every split; a rule that reads spectra alone chooses the same each time."""
    naive = _mixtures(evidence.naive, rule.choose(evidence.naive))
    fixed = naive if rule.reads == "spectra" else None
    return _Choices(
        naive,
        [fixed or _mixtures(own, rule.choose(own)) for _, _, own in evidence.halves],
        [fixed or _mixtures(own, rule.choose(own)) for _, own in evidence.other_groups],
    )


def _mixtures(evidence: Evidence, ranks: Mapping[str, int]) -> dict[str, str]:
    """Return the pair of each expert that has the chosen rank."""
    found = evidence.candidates
    rows = found[found["rank"] == found["expert"].map(ranks)]
    return {str(expert): str(mixture) for expert, mixture in zip(rows["expert"], rows["mixture"], strict=True)}


def _judge(rule: str, choices: _Choices, evidence: _SplitEvidence, confidence: float) -> pd.DataFrame:
    """Make the rows of one rule."""
    gained, scope, candidates = evidence.gained, evidence.scope, evidence.naive.candidates
    rank_of = dict(zip(candidates["mixture"], candidates["rank"], strict=True))
    experts = list(choices.naive)
    names = (*experts, ALL)
    with_mean = np.concatenate([np.eye(len(experts)), np.full((1, len(experts)), 1 / len(experts))])
    naive_gain = gained.only([choices.naive[expert] for expert in experts]).contrast(with_mean, names)
    held_gain = _held_out_gain(choices, evidence).contrast(with_mean, names)
    columns: dict[str, object] = {"rule": rule, "expert": names}
    for key, items in (("naive", naive_gain), ("held_out", held_gain), ("optimism", naive_gain.less(held_gain))):
        error, freedom = scope_errors(items, scope)
        value = np.round(items.means() @ scope.weights.T, DIGITS)
        low, high = interval(value, error, freedom, confidence)
        columns |= {key: value[:, 0], f"{key}_low": low[:, 0], f"{key}_high": high[:, 0]}
    transferred = _transferred_gain(choices, evidence)
    times = [Counter(rank_of[mixtures[expert]] for mixtures in choices.halves) for expert in experts]
    return pd.DataFrame(columns).assign(
        rank=[*(str(rank_of[choices.naive[expert]]) for expert in experts), ""],
        held_out_ranks=[*(_counted(counts) for counts in times), ""],
        other_groups=transferred,
        transfer_loss=np.round(columns["naive"] - transferred, DIGITS),  # type: ignore[operator]
    )[COLUMNS]


def _held_out_gain(choices: _Choices, evidence: _SplitEvidence) -> ItemScores:
    """Return each expert's gain on every item, of the ranks chosen where that item was held out.

    It is the mean over all ways of dealing.
    """
    gained = evidence.gained
    place = {name: i for i, name in enumerate(gained.names)}
    found = [np.zeros((len(choices.naive), value.shape[1])) for value in gained.values]
    for (dealt, half, _), mixtures in zip(evidence.halves, choices.halves, strict=True):
        rows = [place[mixtures[expert]] for expert in choices.naive]
        for out, value, own in zip(found, gained.values, dealt, strict=True):
            out[:, own == half] += 2 * value[rows][:, own == half] / len(evidence.halves)
    return replace(gained, names=tuple(choices.naive), values=tuple(found))


def _transferred_gain(choices: _Choices, evidence: _SplitEvidence) -> Array:
    """Return the mean over groups of the gain on each, of the ranks that the other groups chose.

    The last value is the mean over experts.
    """
    experts = list(choices.naive)
    if not choices.other_groups:
        return np.full(len(experts) + 1, math.nan)
    means = dict(zip(evidence.gained.names, evidence.gained.means(), strict=True))
    gains = np.array(
        [
            [means[mixtures[expert]] @ weights for expert in experts]
            for (weights, _), mixtures in zip(evidence.other_groups, choices.other_groups, strict=True)
        ]
    )
    each = np.round(gains.mean(axis=0), DIGITS)
    return np.append(each, np.round(each.mean(), DIGITS))


def _counted(counts: Counter[int]) -> str:
    """Return ranks with how often each was chosen."""
    return ", ".join(f"{rank} ({count})" for rank, count in sorted(counts.items()))
