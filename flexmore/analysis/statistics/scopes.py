"""The scopes, each of which is what a number is the mean over.

A scope is a task, a group, the tasks of a domain, the groups of a skill (reasoning, knowledge), the tasks whose answers
are chosen or written, or the average of all group means.

Every scope is a row of weights over tasks that sum to one, so scores, gains and their standard errors on any
scope are one matrix product: mean = W @ x, variance = W**2 @ se**2, since tasks have different items.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from flexmore.analysis.tables.columns import ANSWERS

Array = NDArray[np.float64]
DIGITS = 12
"""Digits kept of means: those behind depend on the order of summation, and equal scores must gain exactly zero."""


@dataclass(frozen=True)
class Scopes:
    """Hold all scopes of a table.

    Attributes:
        index: a row per scope; columns scope, name, tasks (how many).
        weights: scopes x tasks.
        tasks: the names of the columns of `weights`.
    """

    index: pd.DataFrame
    weights: Array
    tasks: list[str]

    def only(self, kinds: Collection[str]) -> "Scopes":
        """Return the scopes of `kinds`."""
        rows = self.index["scope"].isin(kinds).to_numpy()
        return Scopes(self.index[rows].reset_index(drop=True), self.weights[rows], self.tasks)


def scopes_of(scores: pd.DataFrame, skills: Mapping[str, Sequence[str]] | None = None) -> Scopes:
    """Return all scopes of a table's tasks.

    The average is the unweighted mean over the means of the groups that are there (with all six it is the paper's); a
    skill is the same over its groups; groups and domains are unweighted means over their tasks. Chosen and written
    answers are the same as the average, over the tasks (and groups) that have such answers; they are scopes where a
    table has both.

    Args:
        scores: the tidy table.
        skills: name (reasoning, knowledge) -> its groups; a skill without any group in the table is left out.
    """
    about = scores[["task", "group", "domain"]].drop_duplicates("task").reset_index(drop=True)
    rows: list[tuple[str, str]] = []
    weights: list[Array] = []
    for scope, column in (("group", "group"), ("domain", "domain"), ("task", "task")):
        for name in about[column].unique():
            if name:
                member = (about[column] == name).to_numpy(dtype=np.float64)
                rows.append((scope, name))
                weights.append(member / member.sum())
    groups = {name: weight for (scope, name), weight in zip(rows, weights, strict=True) if scope == "group"}
    first, means = [("average", "average")], [np.mean(list(groups.values()), axis=0)]
    for skill, names in (skills or {}).items():
        if members := [groups[name] for name in names if name in groups]:
            first.append(("skill", skill))
            means.append(np.mean(members, axis=0))
    for answer, weight in _answers(scores, about).items():
        first.append(("answer", answer))
        means.append(weight)
    index = pd.DataFrame([*first, *rows], columns=["scope", "name"])
    matrix = np.stack([*means, *weights])
    return Scopes(index.assign(tasks=(matrix > 0).sum(axis=1)), matrix, list(about["task"]))


def _answers(scores: pd.DataFrame, about: pd.DataFrame) -> dict[str, Array]:
    """Return the weights of the tasks of each kind of answer; nothing where there are not both kinds."""
    if "answer" not in scores.columns:
        return {}
    answer = scores.drop_duplicates("task")["answer"].to_numpy()
    kinds = [kind for kind in ANSWERS if (answer == kind).any()]
    found = {}
    for kind in kinds if len(kinds) == len(ANSWERS) else []:
        own = about["group"].where(answer == kind)
        sizes = own.map(own.value_counts())
        found[kind] = np.nan_to_num(1 / sizes.to_numpy(dtype=np.float64)) / own.nunique()
    return found


def matrix(scores: pd.DataFrame, column: str, tasks: list[str]) -> pd.DataFrame:
    """Return `column` as mixtures x tasks; mixtures keep the table's order."""
    wide = scores.pivot(index="mixture", columns="task", values=column)
    return wide.loc[scores["mixture"].unique(), tasks]


def spread(scopes: Scopes, stderr: Array, freedom: Array) -> tuple[Array, Array]:
    """Return standard errors on every scope and their degrees of freedom (Welch-Satterthwaite).

    Args:
        stderr: mixtures x tasks.
        freedom: mixtures x tasks, n - 1 of each task's mean.

    Returns:
        Two arrays of mixtures x scopes. Freedom is infinite where the standard error is zero.
    """
    squared = scopes.weights**2
    variance = _weighted(stderr**2, squared)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = _weighted(stderr**4 / freedom, squared**2)
        degrees = np.where(below > 0, variance**2 / below, np.where(np.isnan(below), np.nan, np.inf))
    return np.sqrt(variance), degrees


def _weighted(values: Array, weights: Array) -> Array:
    """Return values @ weights.T, where an unknown value (NaN) counts only in the scopes that it has a weight in."""
    unknown = np.isnan(values)
    sums: Array = np.where(unknown, 0, values) @ weights.T
    sums[(unknown.astype(np.float64) @ weights.T) > 0] = np.nan
    return sums


def interval(value: Array, stderr: Array, freedom: Array, confidence: float) -> tuple[Array, Array]:
    """Return the two-sided interval of Student's t around `value`."""
    half = student.ppf((1 + confidence) / 2, freedom) * stderr
    return value - half, value + half


def averages(scores: pd.DataFrame, guessed: Collection[str] = ()) -> pd.DataFrame:
    """Return a row per mixture: its description, the mean of each group, `average` and `average_above_chance`.

    Args:
        guessed: the tasks on which every mixture is at chance: `average_above_chance`, a second number that never
            replaces the first, is the average over the others; missing where there are none.
    """
    scopes = scopes_of(scores)
    values = matrix(scores, "score", scopes.tasks).to_numpy() @ scopes.weights.T
    about = scores[["mixture", "kind", "experts", "rank", "effective_rank", "active", "parameters"]].drop_duplicates(
        "mixture"
    )
    groups = scopes.index["scope"] == "group"
    means = pd.DataFrame(values[:, groups], columns=list(scopes.index["name"][groups]))
    table = pd.concat([about.reset_index(drop=True), means], axis=1).assign(average=values[:, 0])
    rest = scores[~scores["task"].isin(list(guessed))]
    if len(rest) == len(scores) or rest.empty:
        return table.assign(average_above_chance=np.nan if rest.empty else table["average"])
    others = scopes_of(rest)
    told = matrix(rest, "score", others.tasks).to_numpy() @ others.weights[0]
    return table.assign(average_above_chance=told)
