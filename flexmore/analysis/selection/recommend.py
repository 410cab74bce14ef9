"""`flexmore recommend`: a rank for each expert under a parameter budget, and how far to believe it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexmore.analysis.selection.budget import Choices, adds_up, front_of, within
from flexmore.analysis.statistics.items import ItemScores
from flexmore.analysis.statistics.pair_draws import PairDraws, ends
from flexmore.analysis.statistics.scopes import Scopes
from flexmore.config.analysis import AnalysisSettings

SALTS = range(10)
FRONT_ROWS = 6
"""Points of the front that `describe` lists."""


@dataclass(frozen=True)
class Recommendation:
    """An answer to a budget.

    Attributes:
        ranks: expert -> rank of the highest predicted sum of pair gains.
        parameters: of their joint mixture.
        gain: the sum of pair gains, with its interval (`low`, `high`) over items for these ranks.
        held_out: the sum, chosen on one half of the items and judged on the other; None without items.
        uniform: the largest uniform rank within the budget, its parameters and sum of gains; None if none fits.
        errors: of `budget.adds_up`: what the measured mixtures of unequal ranks say of the assumption.
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
        """Whether the measured mixtures speak against adding gains up."""
        return self.errors is not None and self.uniform is not None and self.errors[0] >= self.errors[1]


def recommend(
    budget: int,
    choices: Choices,
    draws: PairDraws,
    answers: ItemScores | None,
    scopes: Scopes,
    tested: pd.DataFrame,
    settings: AnalysisSettings,
) -> Recommendation:
    """The ranks for a budget.

    Args:
        answers: of the baseline and the pairs; None where no items are known.
        scopes: of the table.
        tested: of `budget.additivity`.

    Raises:
        FlexmoreError: the smallest mixture is larger than the budget.
    """
    front = front_of(choices)
    ranks = within(front, budget, choices)
    sums = draws.of(choices.mixtures(ranks), "average", "average")[0].sum(axis=1)
    low, high = (float(end) for end in ends(sums, settings.confidence))
    affordable = {rank: given for rank, given in choices.uniform().items() if choices.parameters(given) <= budget}
    uniform = None
    if affordable:
        rank = max(affordable, key=lambda name: choices.parameters(affordable[name]))
        uniform = (rank, choices.parameters(affordable[rank]), choices.gain(affordable[rank]))
    return Recommendation(
        budget=budget, ranks=ranks, parameters=choices.parameters(ranks), gain=choices.gain(ranks), low=low, high=high,
        held_out=_held_out(budget, choices, answers, scopes), uniform=uniform, errors=adds_up(tested),
        front=front[front["parameters"] <= budget].reset_index(drop=True),
    )  # fmt: skip


def _held_out(budget: int, choices: Choices, answers: ItemScores | None, scopes: Scopes) -> float | None:
    """The mean sum of gains on the halves that did not choose."""
    if answers is None or min(value.shape[1] for value in answers.values) < 2:
        return None
    mixtures = list(choices.table["mixture"])
    gained = answers.minus(answers.names[0]).only(mixtures)
    average = scopes.only(["average"]).weights[0]
    found = []
    for salt in SALTS:
        dealt = gained.deal(salt)
        halves = [gained.part(dealt, half).means() @ average for half in (0, 1)]
        for chooser, judge in (halves, halves[::-1]):
            given = Choices(choices.table.assign(gain=np.round(chooser, 12)), choices.base)
            ranks = within(front_of(given), budget, given)
            found.append(Choices(choices.table.assign(gain=judge), choices.base).gain(ranks))
    return float(np.mean(found))


def as_dict(found: Recommendation) -> dict[str, object]:
    """The recommendation as JSON has it; gains are shares."""
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
    """The recommendation in words."""
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
    start = "that gains add up over experts is an assumption"
    if found.errors is None:
        return f"{start}, and no joint mixture of unequal ranks was measured to test it"
    by_sum, by_size = (100 * error for error in found.errors)
    worse = "worse than or as badly as" if by_sum >= by_size else "better than"
    return (
        f"{start}: it predicts the measured mixtures of unequal ranks {worse} uniform ranks of as many parameters do "
        f"(mean error {by_sum:.2f} against {by_size:.2f} points)"
    )
