"""The predictions of `reports/pocket/PREDICTIONS.md`, written before the study was run, judged from its tables.

The pocket family plants a truth; these are the places where the study must find it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from flexmore.analysis.findings.answers_and_facts import NOT_MEASURED, chosen_before_written, wider_errors, word
from flexmore.analysis.ranks import full, numbered

COLUMNS = ["number", "prediction", "subject", "measured", "holds"]
GAIN, GAIN_LOW = 0.20, 0.10
"""A domain responds when full gains at least 20 points, with its interval above 10."""
PARTIAL = (0.10, 0.90)
PARTIAL_RANKS = 2
RETAINED = 0.85
NOTHING = 0.10
"""Share of the expert's gain below which a random delta counts as gaining nothing."""
PASSED, BROKEN = "check passed", "check failed"
"""The verdicts on what is so by construction: it is not counted among the predictions that could fail."""
PLANTED = (4, 5)
"""The numbers of the predictions about what was planted: facts and rank, random deltas."""


@dataclass(frozen=True)
class Evidence:
    """Hold the tables that predictions are judged from.

    Attributes:
        scores: the tidy table; it says which tasks are foreign to an expert: those not of its domain.
        gains: as `gains.gains` returns them, without controls.
        recovery: as `recovery.recover` returns it.
        controls: gains of the controls, or None.
        items: per-item values, or None.
        clusters: what each item of a task is about, columns task and clusters, or None.
        optima: the calls of optima (`optima.csv`), or None.
        skill_ranks: the calls of reasoning's rank against knowledge's (`skill_ranks.csv`), or None.
    """

    scores: pd.DataFrame
    gains: pd.DataFrame
    recovery: pd.DataFrame
    controls: pd.DataFrame | None = None
    items: pd.DataFrame | None = None
    clusters: pd.DataFrame | None = None
    optima: pd.DataFrame | None = None
    skill_ranks: pd.DataFrame | None = None


def judge(evidence: Evidence, facts: Mapping[str, int], confidence: float = 0.95) -> pd.DataFrame:
    """Judge every prediction from the tables alone.

    Args:
        evidence: the tables.
        facts: expert -> number of facts that it memorised; procedures are not in it.
        confidence: level of the intervals that are made here.

    Returns:
        Columns `COLUMNS`: what was predicted, of which expert (or `all`), what was measured (in points, per
        cent or ranks, as text) and whether it holds: yes, no, not measured; of what is so by construction
        whether the check passed.
    """
    gains = evidence.gains
    pairs = gains[gains["kind"].isin(["pair", "extra"])]
    own = pairs[(pairs["scope"] == "domain") & (pairs["name"] == pairs["experts"])]
    whole = full(own).set_index("experts")
    responding = [str(expert) for expert, row in whole.iterrows() if row["gain"] >= GAIN and row["low"] > GAIN_LOW]
    judged = (
        _gains(whole, responding),
        _partial(own, whole, responding),
        _retained(gains, whole, responding),
        _rises(evidence.recovery, facts),
        _controls(evidence.controls, whole),
        [_foreign(pairs, evidence.scores, confidence)],
        chosen_before_written(evidence.scores, responding),
        wider_errors(evidence.scores, evidence.items, evidence.clusters, facts),
        [_optima(evidence.optima)],
        [_skills(evidence.skill_ranks)],
        [_saturated(evidence.scores)],
    )
    rows = [[number, *row] for number, found in enumerate(judged, start=1) for row in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def held(rows: pd.DataFrame) -> str:
    """Return the verdict on one prediction.

    It is that on `all` where there is one, else `no` if it fails for any expert.
    """
    whole = rows[rows["subject"] == "all"]
    words = set((whole if len(whole) else rows)["holds"])
    return "no" if "no" in words else "yes" if "yes" in words else sorted(words)[0]


def _points(row: pd.Series) -> str:
    """Return a gain with its interval, in points."""
    return f"{100 * row['gain']:+.1f} points, {100 * row['low']:+.1f} to {100 * row['high']:+.1f}"


def _gains(whole: pd.DataFrame, responding: list[str]) -> list[list[str]]:
    """Judge prediction 1: full experts gain on their own domain."""
    text = "full gains at least 20 points on its own domain, interval above 10"
    rows = [[text, str(name), _points(row), word(name in responding)] for name, row in whole.iterrows()]
    if len(whole) == 0:
        return [[text, "all", "no expert has a domain and a full mixture", NOT_MEASURED]]
    needed = max(len(whole) - 1, 1)
    verdict = word(len(responding) >= needed)
    return [
        *rows,
        [
            f"{text}: at least {needed} of {len(whole)} experts",
            "all",
            f"{len(responding)} of {len(whole)} experts",
            verdict,
        ],
    ]


def _partial(own: pd.DataFrame, whole: pd.DataFrame, responding: list[str]) -> list[list[str]]:
    """Judge prediction 2: some ranks recover a part of the gain."""
    text = f"at least {PARTIAL_RANKS} ladder ranks recover between 10 % and 90 % of full's gain"
    rows = []
    for name in responding:
        ladder = numbered(own[own["experts"] == name], kinds=("pair",))
        within = ladder[(ladder["gain"] / float(whole["gain"][name])).between(*PARTIAL)]
        ranks = ", ".join(str(rank) for rank in within["effective_rank"])
        rows.append([text, name, f"ranks {ranks or 'none'}", word(len(within) >= PARTIAL_RANKS)])
    return rows or [[text, "all", "no expert responds", NOT_MEASURED]]


def _retained(gains: pd.DataFrame, whole: pd.DataFrame, responding: list[str]) -> list[list[str]]:
    """Judge prediction 3: joint mixtures keep most of each gain."""
    joint = full(gains[(gains["kind"] == "joint") & (gains["scope"] == "domain")])
    counts = sorted({int(joint["active"].min()), int(joint["active"].max())}) if len(joint) else []
    rows = []
    for active in counts:
        text = (
            f"joint with {active} active, no joint training: keeps at least {100 * RETAINED:.0f} % of the pair's gain"
        )
        for name in responding:
            gain = joint[(joint["active"] == active) & (joint["name"] == name)]["gain"]
            share = float(gain.iloc[0]) / float(whole["gain"][name])
            rows.append([text, name, f"{100 * share:.0f} %", word(share >= RETAINED)])
    text = f"the joint mixtures keep at least {100 * RETAINED:.0f} % of each pair's gain, with no joint training"
    return rows or [[text, "all", "no full joint mixture, or no expert responds", NOT_MEASURED]]


def _rises(recovery: pd.DataFrame, facts: Mapping[str, int]) -> list[list[str]]:
    """Judge prediction 4: more facts need a higher rank."""
    text = "the rank of half the gain rises with the number of facts"
    halves = recovery[recovery["scope"] == "domain"].set_index("expert")["half_rank"]
    order = [name for name in sorted(facts, key=lambda name: facts[name]) if name in halves.index]
    measured = "; ".join(f"{name} ({facts[name]} facts) {halves[name]:.1f}" for name in order)
    if len(order) < 2:
        return [[text, "all", "fewer than two experts of facts", NOT_MEASURED]]
    values = halves[order]
    if values.isna().any():
        missing = ", ".join(str(name) for name in values.index[values.isna()])
        return [[text, "all", f"no rank of half the gain for {missing}", NOT_MEASURED]]
    return [[text, "all", measured, word(bool((values.diff().dropna() > 0).all()))]]


def _controls(controls: pd.DataFrame | None, whole: pd.DataFrame) -> list[list[str]]:
    """Judge prediction 5: random deltas gain nothing."""
    text = "a random delta of the same spectrum gains under a tenth of the expert's gain, or nothing for certain"
    if controls is None or controls.empty:
        return [[text, "all", "no controls", NOT_MEASURED]]
    rows = controls[(controls["scope"] == "domain") & (controls["name"] == controls["experts"])]
    rows = rows[rows["experts"].isin(whole.index)]
    nothing = (rows["low"] <= 0) | (rows["gain"] < NOTHING * rows["experts"].map(whole["gain"]).astype(float))
    return [
        [text, row["experts"], _points(row), word(bool(gained_nothing))]
        for (_, row), gained_nothing in zip(rows.iterrows(), nothing, strict=True)
    ] or [[text, "all", "no control of an expert with a domain", NOT_MEASURED]]


def _foreign(pairs: pd.DataFrame, scores: pd.DataFrame, confidence: float) -> list[str]:
    """Judge prediction 6: an expert falls below public on foreign tasks."""
    text = "at least one full expert falls below public on a group's foreign tasks, its whole interval below zero"
    tasks = full(pairs[pairs["scope"] == "task"])[["experts", "name", "gain", "stderr"]]
    about = scores[["task", "group", "domain"]].drop_duplicates("task").rename(columns={"task": "name"})
    foreign = tasks.merge(about, on="name").query("domain != experts")
    if foreign.empty or not (about["domain"] != "").any():
        return [text, "all", "no full expert, or no domains", NOT_MEASURED]
    cells = foreign.groupby(["experts", "group"], sort=False).agg(
        gain=("gain", "mean"), error=("stderr", lambda e: np.sqrt(np.square(e).sum()) / len(e))
    )
    half = norm.ppf((1 + confidence) / 2) * cells["error"]
    cells = cells.assign(low=cells["gain"] - half, high=cells["gain"] + half).sort_values("gain", kind="stable")
    below = cells[cells["high"] < 0]
    worst = (cells if below.empty else below).reset_index().iloc[0]
    lowest = f"lowest {worst['experts']} on {worst['group']}: {_points(worst)}"
    return [text, "all", f"{len(below)} of {len(cells)} cells; {lowest}", word(not below.empty)]


def _optima(optima: pd.DataFrame | None) -> list[str]:
    """Judge prediction 9: the pocket's gains level off, so no optimum is called over the experts."""
    text = "no rank is called an optimum over all experts, on any scope"
    rows = pd.DataFrame() if optima is None else optima[optima["expert"] == "all"]
    if rows.empty:
        return [text, "all", "no calls over all experts", NOT_MEASURED]
    called = rows[rows["optimum"] == "yes"]
    where = ", ".join(f"{row['name']} at rank {row['rank']}" for row in called.to_dict("records"))
    return [text, "all", where or f"none of {len(rows)} scopes", word(called.empty)]


def _skills(skill_ranks: pd.DataFrame | None) -> list[str]:
    """Judge prediction 10: the best ranks of reasoning and knowledge are not told apart over the experts."""
    text = "the best ranks of reasoning and knowledge are not told apart over all experts"
    rows = pd.DataFrame() if skill_ranks is None else skill_ranks[skill_ranks["expert"] == "all"]
    if rows.empty:
        return [text, "all", "no call over all experts", NOT_MEASURED]
    call = str(rows["call"].iloc[0])
    return [text, "all", f"called: {call}", word(call == "not told apart")]


def _saturated(scores: pd.DataFrame) -> list[str]:
    """Check 11: ranks above the width of the model change nothing."""
    text = "ranks above the model's width change nothing (by construction: they are one adapter, evaluated once)"
    pairs = scores[(scores["kind"] == "pair") & scores["rank"].str.isdigit()]
    above = pairs[pairs["rank"] != pairs["effective_rank"]]
    keys = ["experts", "effective_rank", "task"]
    both = above.merge(pairs[pairs["rank"] == pairs["effective_rank"]], on=keys, suffixes=("", "_at_width"))
    if both.empty:
        return [text, "all", "no rank above the width", NOT_MEASURED]
    same = both["score"] == both["score_at_width"]
    return [text, "all", f"{same.sum()} of {len(same)} scores are equal", PASSED if same.all() else BROKEN]
