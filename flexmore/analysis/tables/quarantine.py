"""The quarantine: which scores are doubtful, and what must be left out of the tables with each.

A mean over tasks compares mixtures only where all have the same tasks. So of a quarantined score either its task or its
mixture is left out as a whole: repeatedly, the task or mixture with the largest share of quarantined scores (a mixture
where two are equal), until no such score is left. The public baseline is never left out, since every gain is over it.
"""

from collections.abc import Iterator

import pandas as pd

from flexmore.analysis.statistics.chance import at_chance
from flexmore.errors import FlexmoreError

QUARANTINE = ("mixture", "task", "group", "score", "reason", "left_out")
"""Columns, a row per quarantined score; `left_out` is what the tables leave out: `task`, `mixture` or nothing."""


def with_chance_alarms(rows: pd.DataFrame) -> pd.Series:
    """Return the reason why each row's score is doubtful, empty for the others.

    To the reasons of evaluation it adds two, for tasks whose chance is known: every mixture of the study is at chance
    on the task; or every mixture of a sweep is at chance on all tasks, although the public model is not. An expert that
    is at chance on one foreign task is a finding and no alarm.

    Args:
        rows: columns sweep, kind, task, score, n, chance (missing where nothing is chosen) and alarm (the reason that
            evaluation gave, or empty).
    """
    reasons = rows["alarm"].copy()
    chosen = rows[rows["chance"].notna() & (rows["alarm"] == "")]
    for _, own in chosen.groupby("task", sort=False):
        if _guess(own):
            reasons[own.index] = "every mixture of the study is at chance"
    chosen = chosen[reasons[chosen.index] == ""]
    able = {task for task, own in chosen[chosen["kind"] == "baseline"].groupby("task") if not _guess(own)}
    for sweep, some in chosen[chosen["kind"] != "baseline"].groupby("sweep", sort=False):
        if able.intersection(some["task"]) and all(_guess(own) for _, own in some.groupby("task")):
            reasons[some.index] = f"every mixture of sweep {sweep} is at chance on every task, the public model is not"
    return reasons


def _guess(rows: pd.DataFrame) -> bool:
    """Tell whether the scores of one task are at chance."""
    first = rows.iloc[0]
    return at_chance(list(rows["score"]), int(first["n"]), float(first["chance"]))


def quarantine(rows: pd.DataFrame, leave_out: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split rows into those that tables take and those that are quarantined (columns `QUARANTINE`).

    Args:
        rows: as for `with_chance_alarms`, with mixture and group.
        leave_out: whether doubtful scores are left out too, not only those without a value; all are listed.

    Raises:
        FlexmoreError: no task is left.
    """
    reasons = with_chance_alarms(rows)
    kept, left_out = rows, pd.Series("", index=rows.index)
    for what, name in _leave(rows, (reasons != "") & (leave_out | rows["score"].isna())):
        gone = kept[what] == name
        left_out[kept.index[gone]] = what
        kept = kept[~gone]
    doubtful = rows.assign(reason=reasons, left_out=left_out)[reasons != ""]
    if kept.empty and not rows.empty:
        raise FlexmoreError(
            f"every task is quarantined, first {doubtful.iloc[0]['mixture']} on {doubtful.iloc[0]['task']}: "
            f"{doubtful.iloc[0]['reason']}; see what was answered (flexmore inspect) before anything is concluded"
        )
    return kept, doubtful[list(QUARANTINE)].reset_index(drop=True)


def _leave(rows: pd.DataFrame, doubtful: pd.Series) -> Iterator[tuple[str, str]]:
    """Yield what is left out, one after another: `task` or `mixture`, and its name."""
    baselines = set(rows.loc[rows["kind"] == "baseline", "mixture"])
    cells = rows[["mixture", "task"]].assign(doubtful=doubtful)
    while cells["doubtful"].any():
        shares = [
            (share, what, str(name))
            for what in ("mixture", "task")
            for name, share in cells.groupby(what, sort=False)["doubtful"].mean().items()
            if not (what == "mixture" and name in baselines)
        ]
        _, what, name = max(shares, key=lambda found: (found[0], found[1] == "mixture"))
        yield what, name
        cells = cells[cells[what] != name]
