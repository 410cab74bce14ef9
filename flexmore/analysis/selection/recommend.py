"""The recommendation of a rank for each expert under a parameter budget, and how far to believe it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.additivity import additivity, adds_up
from flexmore.analysis.selection.budget import Choices, choices_of, front_of, within
from flexmore.analysis.selection.evidence import evidence_from_table
from flexmore.analysis.selection.selections import selected_ranks, selections
from flexmore.analysis.statistics.gains import gains
from flexmore.analysis.statistics.item_scores import SALTS, ItemScores
from flexmore.analysis.statistics.pair_bootstrap import bootstrap_gains
from flexmore.analysis.statistics.resampling import percentile_interval
from flexmore.analysis.statistics.scopes import DIGITS, Scopes, scopes_of
from flexmore.config.analysis import AnalysisSettings

FRONT_ROWS = 6
"""Points of the front that `describe` lists."""


@dataclass(frozen=True)
class Recommendation:
    """Hold the ranks recommended for a budget, and what speaks for and against them.

    Attributes:
        ranks: expert -> rank of the highest predicted sum of pair gains.
        parameters: of their joint mixture.
        gain: the sum of pair gains, with its interval (`low`, `high`) over items for these ranks.
        held_out: the sum, chosen on one half of the items and judged on the other; None without items.
        uniform: the largest uniform rank within the budget, its parameters and sum of gains; None if none fits.
        errors: as `adds_up` returns them: how far mixtures of unequal ranks support the assumption.
        front: the Pareto front up to the budget.
    """

    budget: int
    ranks: Mapping[str, str]
    parameters: int
    gain: float
    low: float
    high: float
    held_out: float | None
    uniform: tuple[str, int, float] | None
    errors: tuple[float, float] | None
    front: pd.DataFrame

    @property
    def prefers_uniform(self) -> bool:
        """Tell whether mixtures of unequal ranks speak against adding gains up."""
        return self.errors is not None and self.uniform is not None and self.errors[0] >= self.errors[1]


def recommend_ranks(inputs: Inputs, budget: int, settings: AnalysisSettings) -> Recommendation:
    """Recommend the ranks for a budget of parameters.

    Raises:
        FlexmoreError: no pairs or no joint mixture in the table, or the smallest mixture is larger than the budget.
    """
    scores, scopes, item_scores = inputs.scores, scopes_of(inputs.scores), inputs.item_scores()
    gained = gains(scores, inputs.items, settings.confidence, clusters=inputs.clusters)
    choices = choices_of(gained)
    evidence = evidence_from_table(scores, inputs.items, inputs.spectra, settings, inputs.clusters)
    chosen = selections(evidence, item_scores, scopes)
    tested = additivity(gained, choices, selected_ranks(chosen))
    front = front_of(choices)
    ranks = within(front, budget, choices)
    samples = bootstrap_gains(scores, inputs.items, settings, inputs.clusters)
    over_items, _ = samples.of(choices.mixtures(ranks), "average", "average")
    low, high = (float(end) for end in percentile_interval(over_items.sum(axis=1), settings.confidence))
    return Recommendation(
        budget=budget, ranks=ranks, parameters=choices.parameters(ranks), gain=choices.gain(ranks), low=low, high=high,
        held_out=_held_out(budget, choices, item_scores, scopes), uniform=_largest_uniform(budget, choices),
        errors=adds_up(tested), front=front[front["parameters"] <= budget].reset_index(drop=True),
    )  # fmt: skip


def _largest_uniform(budget: int, choices: Choices) -> tuple[str, int, float] | None:
    """Return the largest uniform rank within the budget, its parameters and sum of gains; None if none fits."""
    affordable = {rank: given for rank, given in choices.uniform().items() if choices.parameters(given) <= budget}
    if not affordable:
        return None
    rank = max(affordable, key=lambda name: choices.parameters(affordable[name]))
    return rank, choices.parameters(affordable[rank]), choices.gain(affordable[rank])


def _held_out(budget: int, choices: Choices, item_scores: ItemScores | None, scopes: Scopes) -> float | None:
    """Return the mean sum of gains on the halves of the items that did not choose; None without items.

    Args:
        item_scores: of the baseline and the pairs, the baseline first.
    """
    if item_scores is None or min(value.shape[1] for value in item_scores.values) < 2:
        return None
    gained = item_scores.minus(item_scores.names[0]).only(list(choices.table["mixture"]))
    average = scopes.only(["average"]).weights[0]
    found = []
    for salt in SALTS:
        dealt = gained.deal(salt)
        halves = [gained.part(dealt, half).means() @ average for half in (0, 1)]
        for chooser, judge in (halves, halves[::-1]):
            given = Choices(choices.table.assign(gain=np.round(chooser, DIGITS)), choices.base)
            ranks = within(front_of(given), budget, given)
            found.append(Choices(choices.table.assign(gain=judge), choices.base).gain(ranks))
    return float(np.mean(found))


def as_dict(found: Recommendation) -> dict[str, object]:
    """Return the recommendation as it is written to JSON; gains are shares."""
    uniform = None
    if found.uniform:
        uniform = dict(zip(("rank", "parameters", "gain"), found.uniform, strict=True))
    return {
        "budget": found.budget, "recommended": "uniform" if found.prefers_uniform else "ranks",
        "ranks": dict(found.ranks), "parameters": found.parameters, "gain": found.gain,
        "low": found.low, "high": found.high,
        "held_out": found.held_out, "uniform": uniform,
        "error_from_sum_of_gains": found.errors[0] if found.errors else None,
        "error_from_parameters": found.errors[1] if found.errors else None,
        "front": found.front.to_dict("records"),
    }  # fmt: skip


def describe(found: Recommendation, family: str) -> str:
    """Return the recommendation in words."""
    lines = [f"{family}, budget {found.budget:,} parameters"]
    if found.prefers_uniform and found.uniform:
        rank, parameters, _ = found.uniform
        lines.append(f"recommended: rank {rank} for every expert, {parameters:,} parameters")
        lines.append("not the ranks below: on the measured mixtures gains did not add up well enough (last line)")
    lines += [f"  {expert:12} {rank}" for expert, rank in found.ranks.items()]
    lines.append(f"  {found.parameters:,} parameters")
    lines.append(
        f"sum of the pairs' gains: {100 * found.gain:+.2f} points, {100 * found.low:+.2f} to {100 * found.high:+.2f}"
    )
    if found.held_out is not None:
        lines.append(f"  chosen on half of the items and judged on the other: {100 * found.held_out:+.2f}")
    if found.uniform:
        rank, parameters, gain = found.uniform
        lines.append(f"largest uniform rank within it: {rank}, {parameters:,} parameters, sum {100 * gain:+.2f}")
    lines.append(_assumption(found))
    some = found.front.iloc[np.unique(np.linspace(0, len(found.front) - 1, FRONT_ROWS).round().astype(int))]
    lines.append(f"Pareto front up to the budget, {len(some)} of its {len(found.front)} points (--json has all):")
    for row in some.to_dict("records"):
        ranks = ", ".join(f"{expert} {row[expert]}" for expert in found.ranks)
        lines.append(f"  {row['parameters']:>14,}  {100 * row['gain']:+6.2f}  {ranks}")
    return "\n".join(lines)


def _assumption(found: Recommendation) -> str:
    """Say whether the assumption that gains add up was tested, and with what result."""
    start = "that gains add up over experts is an assumption"
    if found.errors is None:
        return f"{start}, and no joint mixture of unequal ranks was measured to test it"
    by_sum, by_size = (100 * error for error in found.errors)
    worse = "worse than or as badly as" if by_sum >= by_size else "better than"
    return (
        f"{start}: it predicts the measured mixtures of unequal ranks {worse} uniform ranks of as many parameters do "
        f"(mean error {by_sum:.2f} against {by_size:.2f} points)"
    )
