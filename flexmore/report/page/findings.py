"""What was found, in sentences computed from the tables. "Helps" and "harms" need an interval that leaves zero out;
"best", "higher" and "significant" need a test that is corrected for how many were made."""

from collections.abc import Mapping

import pandas as pd

from flexmore.analysis.findings.predictions import PLANTED, held
from flexmore.analysis.findings.recovery import NO_GAIN
from flexmore.analysis.findings.seeds import DOMAIN_GAIN, HALF, HOLDS
from flexmore.analysis.findings.skills import ALL
from flexmore.analysis.ranks import full
from flexmore.analysis.statistics.gains import HARMS, HELPS
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.page.words import TIMES, count, gain, listing, number, plural, points, probability, score, span

LITTLE = 0.05
"""A gain that is said to be little."""

Tables = Mapping[str, pd.DataFrame]
Elsewhere = Mapping[str, pd.DataFrame]
"""Other training seeds: the scores that quarantine took from each (`quarantine.QUARANTINE`)."""


def full_experts(tables: Tables) -> pd.DataFrame:
    """The full pairs where each is asked about what it was trained for: its domain's tasks, else the average."""
    pairs = full(tables["gains"][tables["gains"]["kind"] == "pair"])
    own = pairs[(pairs["scope"] == "domain") & (pairs["name"] == pairs["experts"])]
    return own if len(own) else pairs[pairs["scope"] == "average"]


def where(tables: Tables) -> str:
    """What `full_experts` is about, in words."""
    rows = full_experts(tables)
    return "their own domain's tasks" if len(rows) and rows["scope"].iloc[0] == "domain" else "the average"


def say_gains(tables: Tables) -> list[str]:
    """Whether experts help at all."""
    own = full_experts(tables)
    if own.empty:
        return ["No full expert was evaluated, so nothing can be said of what rank keeps."]
    helping = own[own["verdict"] == HELPS]
    each = ", ".join(f"{row['experts']} {gain(row)}" for _, row in own.iterrows())
    found = [f"{len(helping)} of {plural(len(own), 'full expert')} help on {where(tables)}: {each} points over public."]
    pairs = full(tables["gains"][tables["gains"]["kind"] == "pair"])
    cells = pairs[pairs["scope"] == "group"]
    if len(cells):
        kinds = cells["verdict"].value_counts()
        found.append(
            f"Over all expert {TIMES} group cells ({len(cells)}) they help in {kinds.get(HELPS, 0)}, harm in "
            f"{kinds.get(HARMS, 0)}, and the data cannot tell in "
            f"{len(cells) - kinds.get(HELPS, 0) - kinds.get(HARMS, 0)}."
        )
    controls = tables["gains"][tables["gains"]["kind"] == "control"]
    controls = controls[(controls["scope"] == "domain") & (controls["name"] == controls["experts"])]
    if len(controls):
        ends = controls.sort_values("gain", kind="stable").iloc[[0, -1]]
        least, most = (f"{points(row['gain'])} points ({row['experts']})" for _, row in ends.iterrows())
        found.append(
            f"Random deltas with the same singular values, in the experts' places, gain from {least} to {most} on "
            f"their domains' tasks; {_lucky(controls)}."
        )
    return found


def _lucky(controls: pd.DataFrame) -> str:
    """Which random deltas gain and which harm."""
    lucky, worse = (list(controls.loc[controls["verdict"] == verdict, "experts"]) for verdict in (HELPS, HARMS))
    said = []
    if lucky:
        little = " a little" if controls["gain"].max() < LITTLE else ""
        said.append(f"{_deltas(lucky)} gain{'s' if len(lucky) == 1 else ''}{little}")
    else:
        said.append("none of them helps")
    if worse:
        said.append(f"{_deltas(worse)} harm{'s' if len(worse) == 1 else ''}")
    return ", ".join(said)


def _deltas(experts: list[str]) -> str:
    return f"{experts[0]}'s random delta" if len(experts) == 1 else f"the random deltas of {listing(experts)}"


def say_recovery(tables: Tables) -> list[str]:
    """Which rank suffices."""
    rows = tables["r95"]
    rows = rows[rows["scope"] == ("domain" if (rows["scope"] == "domain").any() else "average")]
    known, unknown = rows[rows["r95"] != ""], rows[rows["r95"] == ""]
    share = f"{100 * float(rows['recovery'].iloc[0]):.0f} %" if len(rows) else "95 %"
    found = []
    if len(known):
        each = ", ".join(
            f"{row['expert']} {row['r95']} ({span(row['r95_low'], row['r95_high'])})" for _, row in known.iterrows()
        )
        found.append(f"The smallest rank that keeps {share} of full's gain on {where(tables)} (r95): {each}.")
    for reason, own in unknown.groupby("r95_reason", sort=False):
        what = "there is nothing to recover, at any rank" if reason == NO_GAIN else "r95 is not defined"
        found.append(f"For {listing(own['expert'])} {what}: {reason}.")
    return found


def say_facts(tables: Tables, facts: Mapping[str, int]) -> list[str]:
    """The pocket's planted truth: more facts need a higher rank."""
    rows = tables["r95"]
    rows = rows[(rows["scope"] == "domain") & rows["expert"].isin(list(facts))].copy()
    rows = rows.assign(facts=rows["expert"].map(dict(facts))).sort_values("facts", kind="stable")
    if len(rows) < 2:
        return []
    each = ", ".join(
        f"{row['expert']} with {row['facts']} facts at rank {number(row['half_rank'])} "
        f"({number(row['half_low'])} to {number(row['half_high'])})"
        for _, row in rows.iterrows()
    )
    rises = _rises(rows["half_rank"])
    apart = bool((rows["half_low"].to_numpy()[1:] > rows["half_high"].to_numpy()[:-1]).all())
    others = [str(seed) for seed, rose in _seeds_that_rise(tables, facts).items() if rose != rises]
    verdict = ("it rises" if rises else "it does not rise") + " with the number of facts"
    verdict = verdict if rises and not others else f"on this seed {verdict}"
    sure = ", and neighbouring intervals do not overlap" if rises and apart else ""
    but = f"; on {_seeds(others)} it does{' not' if rises else ''}" if others else ""
    return [f"Half of the gain is reached by {each}: {verdict}{sure}{but}."]


def _rises(halves: pd.Series) -> bool:
    """Whether ranks of half the gain, by rising numbers of facts, rise."""
    return bool((halves.diff().dropna() > 0).all()) and not halves.isna().any()


def _seeds_that_rise(tables: Tables, facts: Mapping[str, int]) -> dict[object, bool]:
    """Of each training seed, whether its ranks of half the gain rise with the number of facts."""
    rows = tables["seeds"]
    rows = rows[(rows["quantity"] == HALF) & rows["subject"].isin(list(facts))]
    rows = rows.assign(facts=rows["subject"].map(dict(facts))).sort_values("facts", kind="stable")
    return {seed: _rises(own["value"]) for seed, own in rows.groupby("seed", sort=False)}


def _seeds(names: list[str]) -> str:
    return f"seed{'s' if len(names) > 1 else ''} {listing(names)}"


def say_skills(tables: Tables, settings: AnalysisSettings) -> list[str]:
    """Reasoning against knowledge."""
    table = tables["skills"]
    row = table[(table["expert"] == ALL) & (table["measure"] == "arrival")]
    if row.empty or not row["n_experts"].iloc[0] > 0:
        return ["Reasoning and knowledge cannot be compared: no expert gains in both."]
    one = row.iloc[0]
    experts = int(one["n_experts"])
    way = "later" if one["difference"] > 0 else "earlier"
    each = table[(table["expert"] != ALL) & (table["measure"] == "arrival") & table["difference"].notna()]
    spans = one["tasks_low"] <= 0 <= one["tasks_high"]
    reversible = ", which spans zero: other tasks of the same kind could reverse it" if spans else ""
    who = f"{plural(experts, 'expert')} that gain{'s' if experts == 1 else ''} in both ({listing(each['expert'])})"
    text = (
        f"In the {who}, the gain comes {number(abs(one['difference']))} doublings of rank {way} on reasoning than on "
        f"knowledge: {number(one['difference'])} in the mean of log2 rank, each rise of the monotone fit weighted by "
        f"its height (interval over items {number(one['low'])} to {number(one['high'])}; over tasks "
        f"{number(one['tasks_low'])} to {number(one['tasks_high'])}{reversible}). "
        f"By log2 of r95 it is {_r95_difference(table)}."
    )
    if experts < 2:
        return [f"{text} One expert allows no test over experts."]
    verdict = "significant" if one["p"] < 1 - settings.confidence else "not significant"
    test = f"The difference is {verdict} over items and experts ({probability(one['p'])})."
    return [text, test]


def _r95_difference(table: pd.DataFrame) -> str:
    row = table[(table["expert"] == ALL) & (table["measure"] == "r95")].iloc[0]
    return f"{number(row['difference'])} (over items {number(row['low'])} to {number(row['high'])})"


def say_predictions(tables: Tables) -> list[str]:
    """Whether what was planted was found again, and every prediction that failed."""
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
    """What was measured of each subject of a prediction."""
    pairs = zip(rows["subject"], rows["measured"], strict=True)
    return [found if subject == "all" else f"{subject} {found}" for subject, found in pairs]


def say_noise(tables: Tables) -> list[str]:
    """The noise floor."""
    noise = tables["noise"]
    rows = noise[noise["scope"] == "average"]
    if rows.empty:
        return []
    largest = rows.iloc[int(rows["difference"].abs().argmax())]
    differ, items = int(rows["differ"].sum()), int(rows["items"].sum())
    return [
        f"Rank {largest['rank']} is the full expert but for rounding: {count(differ)} of {count(items)} answers "
        "differ, and "
        f"the averages by at most {score(abs(largest['difference']), 2)} points. That is the noise floor."
    ]


def say_main_seed(tables: Tables) -> list[str]:
    """Which training the page is about, where there are several."""
    seeds = list(tables["seeds"]["seed"].unique())
    if len(seeds) < 2:
        return []
    return [
        f'All numbers on this page are of training seed {seeds[0]}, except in "Training seeds" and where a line names '
        "other seeds."
    ]


def say_seeds(tables: Tables, elsewhere: Elsewhere) -> list[str]:
    """How many trainings all of this rests on."""
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


def _say_left_out(elsewhere: Elsewhere) -> list[str]:
    """What quarantine took from the other seeds."""
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
    """How far the training seeds agree."""
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
    """What is missing."""
    table = tables["gaps"]
    if table.empty:
        return []
    return [f"**This report is partial**: {plural(len(table), 'mixture')} of a complete grid are missing (below)."]
