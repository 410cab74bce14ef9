"""Sentences on how sure the findings are: predictions, the noise floor, training seeds, gaps."""

import pandas as pd

from flexmore.analysis.findings.predictions import PLANTED, held
from flexmore.analysis.findings.seeds import DOMAIN_GAIN, HOLDS
from flexmore.report.page.content import Quarantines, Tables
from flexmore.report.page.formatting import count, listing, plural, score


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
        f"differ, and the averages by at most {score(abs(largest['difference']), 2)} points. That is the noise floor."
    ]


def say_main_seed(tables: Tables) -> list[str]:
    """Say which training the page is about, where there are several."""
    seeds = list(tables["seeds"]["seed"].unique())
    if len(seeds) < 2:
        return []
    return [
        f'All numbers on this page are of training seed {seeds[0]}, except in "Training seeds" and where a line names '
        "other seeds."
    ]


def say_seeds(tables: Tables, elsewhere: Quarantines) -> list[str]:
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
        *_say_left_out(elsewhere),
    ]


def _say_left_out(elsewhere: Quarantines) -> list[str]:
    """Say what quarantine took from the other seeds."""
    each = []
    for seed, rows in elsewhere.items():
        counts = [
            plural(int(rows.loc[rows["left_out"] == what, what].nunique()), what)
            for what in ("task", "mixture")
            if (rows["left_out"] == what).any()
        ]
        if counts:
            each.append(f"{listing(counts)} of seed {seed}")
    if not each:
        return []
    return [
        f"Quarantine left out {', '.join(each)} (`seeds/<seed>/tables/quarantine.csv`): the spread is over what is "
        "left of each seed, so it mixes training and tasks."
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
