"""The primary statement: the rank chosen on half of the items, and its gain over public and full on the others."""

import math
from collections import Counter

import numpy as np
import pandas as pd

from flexmore.analysis.findings.best_ranks.subjects import Subject, subjects
from flexmore.analysis.statistics.held_out_pairs import PUBLIC, HeldOutPairs
from flexmore.analysis.statistics.holm import holm
from flexmore.analysis.statistics.isotonic import highest, monotone, reach
from flexmore.config.analysis import AnalysisSettings

COLUMNS = [
    "expert", "scope", "name", "rank", "held_out_ranks", "over_public", "over_public_low", "over_public_high",
    "p_public", "p_public_holm", "over_full", "over_full_low", "over_full_high", "p_full", "p_full_holm",
    "tasks_public", "tasks_public_low", "tasks_public_high", "tasks_full", "tasks_full_low", "tasks_full_high", "r95",
    "verdict",
]  # fmt: skip
BOTH, PUBLIC_ONLY, NOTHING = "beats public and full", "beats public", "no rank beats public"
SCOPES = ("average", "skill", "answer")


def judge_chosen(held: HeldOutPairs | None, recovery: pd.DataFrame, settings: AnalysisSettings) -> pd.DataFrame:
    """Judge the chosen rank of every expert, and of all, on the average, the skills, and each kind of answer.

    Args:
        recovery: as `recovery.recover` returns it, for r95.

    Returns:
        Columns `COLUMNS`: the best rank on all items; how often each was chosen on halves; the held-out gains with
        intervals and one-sided p, alone and after Holm's correction (over the experts and names of a kind of scope);
        the same gains with ranks chosen on half of the tasks and judged on the others; r95, empty where full does not
        gain; and the verdict at the settings' confidence. Full is compared where all of the subject's experts have it.
    """
    if held is None:
        return pd.DataFrame(columns=COLUMNS)
    r95 = {(row["expert"], row["scope"], row["name"]): row["r95"] for row in recovery.to_dict("records")}
    over_tasks = {subject.name: subject for subject in subjects(held, held.tasks)}
    rows = []
    for subject in subjects(held):
        for scope, (kind, name) in enumerate(zip(held.scopes.index["scope"], held.scopes.index["name"], strict=True)):
            if kind in SCOPES:
                row = {"expert": subject.name, "scope": kind, "name": name}
                row["r95"] = (
                    r95.get((subject.name, kind, name), "") if subject.alone else mean_r95(subject, scope, settings)
                )
                rows.append(row | _judge(subject, over_tasks[subject.name], scope, settings))
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    family = table["scope"] + "/" + (table["expert"].isin(held.experts)).astype(str)
    for side in ("public", "full"):
        for _, own in table.groupby(family, sort=False):
            known = own.index[own[f"p_{side}"].notna()]
            if len(known):
                table.loc[known, f"p_{side}_holm"] = holm(table.loc[known, f"p_{side}"])
    level = (1 - settings.confidence) / 2
    above = {side: table[f"p_{side}_holm"] < level for side in ("public", "full")}
    verdict = np.select([above["public"] & above["full"], above["public"]], [BOTH, PUBLIC_ONLY], NOTHING)
    return table.assign(verdict=verdict)


def mean_r95(subject: Subject, scope: int, settings: AnalysisSettings) -> str:
    """Return r95 of the mean curve over a subject's experts; empty where full does not gain or is unknown."""
    held = subject.held
    wholes = held.wholes[list(subject.experts)]
    if (wholes < 0).any():
        return ""
    found, p = subject.difference(scope, subject.whole, subject.public)
    if not p < (1 - settings.confidence) / 2:
        return ""
    fit = monotone(subject.curve(scope) - held.items.whole[scope][PUBLIC])
    place = int(reach(fit, np.asarray(settings.recovery * found.value)))
    return held.labels[place] if place < len(held.labels) else "full"


def _judge(subject: Subject, over_tasks: Subject, scope: int, settings: AnalysisSettings) -> dict[str, object]:
    """Make the columns of one subject on one scope that need no correction."""
    labels = subject.held.labels
    places = subject.places(scope)
    counts = Counter(places[list(subject.experts)].ravel().tolist())
    row: dict[str, object] = {
        "rank": labels[int(highest(subject.curve(scope)))],
        "held_out_ranks": ", ".join(f"{labels[place]} ({count})" for place, count in sorted(counts.items())),
    }
    full_known = all(subject.held.wholes[expert] >= 0 for expert in subject.experts)
    for key, who in (("over", subject), ("tasks", over_tasks)):
        best = who.at(who.places(scope))
        for side, other in (("public", who.public), ("full", who.whole)):
            if side == "full" and not full_known:
                continue
            found, p = who.difference(scope, best, other)
            low, high = found.interval(settings.confidence)
            row |= {f"{key}_{side}": found.value, f"{key}_{side}_low": low, f"{key}_{side}_high": high}
            if key == "over":
                row[f"p_{side}"] = p if math.isfinite(found.value) else math.nan
    return row
