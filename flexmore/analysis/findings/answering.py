"""How tasks were answered: unread answers, prompts that were cut, tasks on which every mixture guesses.

Nothing is left out because of these: they are counted, so that a score can be judged.
"""

import pandas as pd

from flexmore.analysis.statistics.chance import at_chance

UNREAD_COLUMNS = ["mixture", "task", "group", "unread", "n", "share", "cut"]
CUT_COLUMNS = ["task", "group", "cut", "n", "share"]
CHANCE_COLUMNS = ["task", "group", "chance", "n", "lowest", "highest", "at_chance"]


def unread_answers(scores: pd.DataFrame) -> pd.DataFrame:
    """List where answers are unread: empty, or with none found in them. They are wrong in every score.

    Returns:
        Columns `UNREAD_COLUMNS`, a row per mixture and task with unread answers; `share` of its n items; `cut`: how
        many prompts of the task were cut.
    """
    rows = scores[scores["unread"].fillna(0) > 0]
    return rows.assign(share=rows["unread"].astype("float64") / rows["n"])[UNREAD_COLUMNS].reset_index(drop=True)


def cut_prompts(scores: pd.DataFrame) -> pd.DataFrame:
    """List the tasks of which prompts were longer than the context and lost their beginning.

    Returns:
        Columns `CUT_COLUMNS`: for how many items, the most of any mixture, and their share.
    """
    most = scores.groupby(["task", "group"], sort=False, as_index=False)[["cut", "n"]].max()
    rows = most[most["cut"].fillna(0) > 0]
    return rows.assign(share=rows["cut"].astype("float64") / rows["n"])[CUT_COLUMNS].reset_index(drop=True)


def chance_of_tasks(scores: pd.DataFrame) -> pd.DataFrame:
    """Compare the scores on each task of choices with guessing.

    Returns:
        Columns `CHANCE_COLUMNS`; `at_chance` is `yes` where no mixture can be told from guessing
        (`flexmore.analysis.statistics.chance`).
    """
    rows = []
    for (task, group), own in scores[scores["chance"].notna()].groupby(["task", "group"], sort=False):
        chance, n, found = float(own["chance"].iloc[0]), int(own["n"].min()), own["score"]
        guessed = "yes" if at_chance(list(found), n, chance) else "no"
        rows.append((task, group, chance, n, found.min(), found.max(), guessed))
    return pd.DataFrame(rows, columns=CHANCE_COLUMNS)
