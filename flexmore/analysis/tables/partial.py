"""The part of an unfinished study in which every mixture has every task, and what is left out of it.

A mean over tasks compares mixtures only where all have the same tasks. So where a mixture lacks a task, one of the two
is left out as a whole: again and again the one that lacks the largest share (the mixture where two are equal). The
public baseline is never left out, since every gain is over it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from flexmore.errors import FlexmoreError

LEFT_OUT_COLUMNS = ("what", "name", "missing", "of")
"""A row per `mixture` or `task` that is left out: how many scores it lacks, of how many."""


def complete_part(
    scores: pd.DataFrame, mixtures: Sequence[str], tasks: Sequence[str], baseline: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of a table without those that are left out, and what is left out (`LEFT_OUT_COLUMNS`).

    Args:
        scores: columns mixture and task, a row per score that there is.
        mixtures: that the whole study has.
        tasks: that the whole study has.
        baseline: the name of the public baseline.

    Raises:
        FlexmoreError: nothing is left.
    """
    there = pd.crosstab(scores["mixture"], scores["task"]).reindex(
        index=list(mixtures), columns=list(tasks), fill_value=0
    )
    missing = there.to_numpy() == 0
    rows, columns = np.ones(len(mixtures), dtype=bool), np.ones(len(tasks), dtype=bool)
    public = list(mixtures).index(baseline)
    left_out: list[tuple[str, str, int, int]] = []
    while (part := missing[np.ix_(rows, columns)]).any():
        by_row, by_column = np.zeros(len(mixtures)), np.zeros(len(tasks))
        by_row[rows], by_column[columns] = part.mean(axis=1), part.mean(axis=0)
        by_row[public] = 0
        row, column = int(by_row.argmax()), int(by_column.argmax())
        if by_row[row] >= by_column[column]:
            left_out.append(("mixture", mixtures[row], int(missing[row].sum()), len(tasks)))
            rows[row] = False
        else:
            left_out.append(("task", tasks[column], int(missing[:, column].sum()), len(mixtures)))
            columns[column] = False
    kept = [name for name, keep in zip(mixtures, rows, strict=True) if keep]
    asked = [name for name, keep in zip(tasks, columns, strict=True) if keep]
    if not asked or kept == [baseline]:
        raise FlexmoreError(
            "no tables can be made of this study yet: there must be the public model's score and another mixture's on "
            f"one task at least, and of {len(mixtures)} mixtures on {len(tasks)} tasks there are {len(scores)} scores"
        )
    found = scores[scores["mixture"].isin(kept) & scores["task"].isin(asked)]
    return found, pd.DataFrame(left_out, columns=list(LEFT_OUT_COLUMNS))
