"""Predictions about answers and facts: choosing needs a lower rank than writing; a fact is one piece of evidence."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.statistics.isotonic import crossing, monotone

WIDER = 1.15
"""How many times larger an error is at least where a fact is one piece of evidence, however often it is asked."""
NOT_MEASURED = "not measured"


def word(holds: bool) -> str:
    """Return `yes` or `no`."""
    return "yes" if holds else "no"


def chosen_before_written(scores: pd.DataFrame, responding: Sequence[str]) -> list[list[str]]:
    """Judge prediction 7: choosing an answer needs a lower rank than writing it.

    Args:
        scores: the tidy table, with the column `answer`.
        responding: the experts whose gain is large enough to be read.

    Returns:
        Rows as `predictions.judge` makes them, without the number.
    """
    text = "half of the gain is reached at a lower rank where answers are chosen than where they are written"
    if "answer" not in scores or not {"chosen", "written"} <= set(scores["answer"]):
        return [[text, "all", "it is not known which answers were chosen", NOT_MEASURED]]
    rows = []
    for name in responding:
        tasks = scores[scores["domain"] == name]
        chosen, written = (_half_rank(tasks[tasks["answer"] == answer], name) for answer in ("chosen", "written"))
        if np.isnan(chosen) or np.isnan(written):
            rows.append([text, name, "no rank of half the gain", NOT_MEASURED])
        else:
            rows.append([text, name, f"{chosen:.1f} chosen, {written:.1f} written", word(chosen < written)])
    return rows or [[text, "all", "no expert responds", NOT_MEASURED]]


def _half_rank(tasks: pd.DataFrame, expert: str) -> float:
    """Return the rank at which a pair reaches half of full's gain on the mean of `tasks`; NaN where it does not."""
    if tasks.empty:
        return np.nan
    means = tasks.groupby(["mixture", "kind", "experts", "rank", "effective_rank"], sort=False)["score"].mean()
    public = float(means.xs("baseline", level="kind").mean())
    pairs = means.rename("gain").sub(public).reset_index()
    pairs = pairs[pairs["kind"].isin(["pair", "extra"]) & (pairs["experts"] == expert)]
    points, whole = numbered(pairs), full(pairs)["gain"]
    if points.empty or whole.empty or not whole.iloc[0] > 0:
        return np.nan
    ranks = np.log2(points["effective_rank"].to_numpy(dtype=np.float64))
    half = float(crossing(ranks, monotone(points["gain"].to_numpy(dtype=np.float64)), np.asarray(whole.iloc[0] / 2)))
    return float(2**half) if np.isfinite(half) else np.nan


def wider_errors(
    scores: pd.DataFrame, items: pd.DataFrame | None, clusters: pd.DataFrame | None, facts: Mapping[str, int]
) -> list[list[str]]:
    """Judge prediction 8: a fact is one piece of evidence, however often it is asked.

    Args:
        scores: the tidy table.
        items: per-item values, or None.
        clusters: what each item of a task is about, columns task and clusters, or None.
        facts: expert -> number of facts; only these experts are looked at.

    Returns:
        Rows as `predictions.judge` makes them, without the number: of each expert the error of full's gain on the mean
        of its tasks with items of the same fact summed first, over that with independent items.
    """
    text = f"the error of full's gain is at least {WIDER} times as large where each fact counts once, not each item"
    if items is None or clusters is None:
        return [[text, "all", "no items, or not known what they are about", NOT_MEASURED]]
    about = clusters.set_index("task")["clusters"]
    values = items.set_index(["mixture", "task"])["items"]
    public = str(scores.loc[scores["kind"] == "baseline", "mixture"].iloc[0])
    whole = full(scores[scores["kind"] == "pair"]).drop_duplicates("experts").set_index("experts")["mixture"]
    rows = []
    for name in (name for name in facts if name in whole.index):
        tasks = [task for task in scores.loc[scores["domain"] == name, "task"].unique() if task in about.index]
        parts = []
        for task in tasks:
            gained = np.asarray(values[whole[name], task], float) - np.asarray(values[public, task], float)
            parts.append(pd.Series((gained - gained.mean()) / len(gained), index=list(about[task])))
        if parts:
            each = pd.concat(parts)
            alone, together = (float(np.square(one).sum() ** 0.5) for one in (each, each.groupby(level=0).sum()))
            rows.append([text, name, f"{together / alone:.2f} times", word(together >= WIDER * alone)])
    return rows or [[text, "all", "no expert of facts whose tasks say what they ask about", NOT_MEASURED]]
