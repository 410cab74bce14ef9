"""Sentences on single experts: whether they help, which rank suffices, reasoning against knowledge."""

from collections.abc import Mapping

import pandas as pd

from flexmore.analysis.findings.seeds import HALF
from flexmore.analysis.ranks import full
from flexmore.analysis.statistics.gains import HARMS, HELPS
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import TIMES, gain, listing, number, plural, points, probability, span

LITTLE = 0.05
"""A gain below this share is called little."""


def full_experts(tables: Tables) -> pd.DataFrame:
    """Select the full pairs on what each was trained for: the tasks of its domain, else the average."""
    pairs = full(tables["gains"][tables["gains"]["kind"] == "pair"])
    own = pairs[(pairs["scope"] == "domain") & (pairs["name"] == pairs["experts"])]
    return own if len(own) else pairs[pairs["scope"] == "average"]


def where(tables: Tables) -> str:
    """Return what `full_experts` is about, in words."""
    rows = full_experts(tables)
    return "their own domain's tasks" if len(rows) and rows["scope"].iloc[0] == "domain" else "the average"


def say_gains(tables: Tables) -> list[str]:
    """Say whether experts help at all."""
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
            f"{len(cells) - kinds.get(HELPS, 0) - kinds.get(HARMS, 0)}{_own_included(tables)}."
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
    """Say which random deltas gain and which harm."""
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
    """Name the random deltas of experts."""
    return f"{experts[0]}'s random delta" if len(experts) == 1 else f"the random deltas of {listing(experts)}"


def say_recovery(tables: Tables) -> list[str]:
    """Say which rank suffices."""
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
        found.append(f"For {listing(own['expert'])} r95 is not defined on {where(tables)}: {reason}.")
    return found


def say_facts(tables: Tables, facts: Mapping[str, int]) -> list[str]:
    """Say whether more facts need a higher rank, as was planted in the pocket."""
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
    """Tell whether ranks of half the gain, by rising numbers of facts, rise."""
    return bool((halves.diff().dropna() > 0).all()) and not halves.isna().any()


def _seeds_that_rise(tables: Tables, facts: Mapping[str, int]) -> dict[object, bool]:
    """Tell of each training seed whether its ranks of half the gain rise with the number of facts."""
    rows = tables["seeds"]
    rows = rows[(rows["quantity"] == HALF) & rows["subject"].isin(list(facts))]
    rows = rows.assign(facts=rows["subject"].map(dict(facts))).sort_values("facts", kind="stable")
    return {seed: _rises(own["value"]) for seed, own in rows.groupby("seed", sort=False)}


def _seeds(names: list[str]) -> str:
    """Name training seeds."""
    return f"seed{'s' if len(names) > 1 else ''} {listing(names)}"


def _own_included(tables: Tables) -> str:
    """Say that a group holds the expert's own tasks too, where tasks have domains."""
    if not (tables["gains"]["scope"] == "domain").any():
        return ""
    return ", each group with the expert's own tasks in it, which can hide a loss on foreign ones"


def say_skills(tables: Tables, settings: AnalysisSettings) -> list[str]:
    """Say how reasoning compares with knowledge."""
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
        f"knowledge: {number(one['difference'])} in the mean log2 rank at which it comes, the last rank less the area "
        f"under gain over full's gain (interval over items {number(one['low'])} to {number(one['high'])}; over tasks "
        f"{number(one['tasks_low'])} to {number(one['tasks_high'])}{reversible}). "
        f"By log2 of r95 it is {_r95_difference(table)}."
    )
    if experts < 2:
        return [f"{text} One expert allows no test over experts."]
    verdict = "significant" if one["p"] < 1 - settings.confidence else "not significant"
    test = f"The difference is {verdict} over items and experts ({probability(one['p'])})."
    return [text, test]


def _r95_difference(table: pd.DataFrame) -> str:
    """Return the mean difference in log2 of r95, with its interval over items."""
    row = table[(table["expert"] == ALL) & (table["measure"] == "r95")].iloc[0]
    return f"{number(row['difference'])} (over items {number(row['low'])} to {number(row['high'])})"
