"""Sentences on how sure the findings are: predictions, the noise floor, training seeds, gaps."""

import pandas as pd

from flexmore.analysis.findings.predictions import PLANTED, held
from flexmore.analysis.findings.seeds import DOMAIN_GAIN, HOLDS
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import count, listing, plural, score

NAMED = 6
"""Up to this many tasks a line names; of more it says how many."""


def say_predictions(tables: Tables) -> list[str]:
    """Say whether what was planted was found again, and which predictions failed."""
    table = tables["predictions"]
    if table.empty:
        return []
    verdicts = {str(place): held(own) for place, own in table.groupby("number")}
    planted = {str(place): verdicts.get(str(place)) for place in PLANTED}
    failed = [place for place, verdict in verdicts.items() if verdict == "no"]
    found = []
    if set(planted.values()) == {"yes"}:
        found.append(
            "What was planted is found again: the rank of half the gain rises with the number of facts, and random "
            "deltas gain nothing."
        )
    elif "no" in planted.values():
        missed = listing(f"prediction {place}" for place in planted if place in failed)
        found.append(f"**What was planted is not all found again**: {missed} failed.")
    could_fail = sum(verdict in ("yes", "no") for verdict in verdicts.values())
    text = f"Of {could_fail} predictions that could fail {could_fail - len(failed)} held."
    for place in failed:
        own = table[(table["number"].astype(str) == place) & (table["holds"] == "no")]
        each = [f"{what}: {', '.join(measured(rows))}" for what, rows in own.groupby("prediction", sort=False)]
        text += f" Prediction {place} failed ({'; '.join(each)})."
    return [*found, text]


def measured(rows: pd.DataFrame) -> list[str]:
    """Return what was measured of each subject of a prediction."""
    pairs = zip(rows["subject"], rows["measured"], strict=True)
    return [found if subject == "all" else f"{subject} {found}" for subject, found in pairs]


def say_noise(tables: Tables) -> list[str]:
    """Say how large the noise floor is."""
    noise = tables["noise"]
    rows = noise[noise["scope"] == "average"]
    if rows.empty:
        return []
    largest = rows.iloc[int(rows["difference"].abs().argmax())]
    differ, items = int(rows["differ"].sum()), int(rows["items"].sum())
    return [
        f"Rank {largest['rank']} is the full expert but for rounding: {count(differ)} of {count(items)} answers "
        f"differ ({100 * differ / items:.1f} %), and the averages by at most "
        f"{score(abs(largest['difference']), 2)} points. That is the noise floor.{_above_noise(rows)}"
    ]


def _above_noise(rows: pd.DataFrame) -> str:
    """Say of which experts the largest rank and full, the same adapter, differ by more than their items explain."""
    apart = rows[(rows["low"] > 0) | (rows["high"] < 0)]
    if apart.empty:
        return ""
    return (
        f" For {listing(apart['expert'])} the interval of that difference does not hold zero, though the two are one "
        "adapter: differences of that size between ranks are not to be trusted, whatever their intervals."
    )


def say_main_seed(tables: Tables) -> list[str]:
    """Say which training the page is about, where there are several."""
    seeds = list(tables["seeds"]["seed"].unique())
    if len(seeds) < 2:
        return []
    return [
        f'All numbers on this page are of training seed {seeds[0]}, except in "Training seeds" and where a line names '
        "other seeds."
    ]


def say_seeds(tables: Tables) -> list[str]:
    """Say how many trainings the report rests on."""
    seeds = list(tables["seeds"]["seed"].unique())
    if len(seeds) < 2:
        return [
            "There is one training seed. Intervals are over items (and tasks) for this one family; how far another "
            "training would have come out elsewhere is not known."
        ]
    return [
        f"There are {plural(len(seeds), 'training seed')} ({listing(seeds)}). Intervals are over items (and tasks) and "
        "do not hold the spread between seeds.",
    ]


def say_spread(tables: Tables) -> list[str]:
    """Say how far the training seeds agree."""
    seeds = tables["seeds"]
    runs = seeds["seed"].nunique()
    if runs < 2:
        return []
    gains = seeds[seeds["quantity"] == DOMAIN_GAIN].groupby("subject", sort=False)["value"]
    apart = (gains.max() - gains.min()).dropna()
    found = []
    if len(apart):
        found.append(
            f"Between the seeds full's gain on its own domain differs by up to {score(apart.max())} points "
            f"({apart.idxmax()})."
        )
    judged = seeds[(seeds["quantity"] == HOLDS) & seeds["text"].isin(["yes", "no"])]
    held = (judged["text"] == "yes").groupby(judged["subject"], sort=False).sum()
    if len(held):
        less = [f"prediction {name} for {times} of {runs}" for name, times in held.items() if times < runs]
        but = f"; {listing(less)}" if less else ""
        found.append(
            f"Of the {len(held)} predictions that could fail {int((held == runs).sum())} held for every seed{but}."
        )
    return found


def say_gaps(tables: Tables) -> list[str]:
    """Say what is missing."""
    table = tables["gaps"]
    if table.empty:
        return []
    return [f"**This report is partial**: {plural(len(table), 'mixture')} of a complete grid are missing (below)."]


def say_unread(tables: Tables) -> list[str]:
    """Say how many answers are unread, and that they count."""
    table = tables["unread"]
    if table.empty:
        return ["No answer is known to be unread (empty, or with none found in it)."]
    places = f"{plural(len(table), 'score')} of {plural(table['mixture'].nunique(), 'mixture')}"
    return [
        f"{count(table['unread'].sum())} answers are unread (empty, or with none found in them), in {places} on "
        f"{plural(table['task'].nunique(), 'task')}. They are wrong, and every number counts them so: "
        "`tables/unread.csv`."
    ]


def say_cut(tables: Tables) -> list[str]:
    """Say which prompts were cut."""
    table = tables["cut"]
    if table.empty:
        return []
    each = listing(f"{row['task']} {count(row['cut'])} of {count(row['n'])}" for _, row in table.head(NAMED).iterrows())
    more = f", and {len(table) - NAMED} more tasks" if len(table) > NAMED else ""
    return [f"Prompts longer than the context lost their beginning ({each}{more}): `tables/cut.csv`."]


def say_chance(tables: Tables) -> list[str]:
    """Say on which tasks every mixture guesses, and what the averages are without them."""
    table = tables["at_chance"]
    guessed = list(table.loc[table["at_chance"] == "yes", "task"])
    if not guessed:
        return []
    named = listing(guessed) if len(guessed) <= NAMED else f"`tables/at_chance.csv` lists them, first {guessed[0]}"
    averages = tables["averages"]
    public = averages[averages["kind"] == "baseline"].iloc[0]
    rest = public["average_above_chance"]
    without = "" if pd.isna(rest) else f"; without them it is {score(rest)} for the public model, not"
    told = f"{without} {score(public['average'])}" if without else ""
    return [
        f"On {plural(len(guessed), 'task')} no mixture can be told from guessing ({named}). They are in the average"
        f"{told} (`average_above_chance` in `tables/averages.csv`)."
    ]
