"""Predictions are judged both ways, from tables alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_tables import Made

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.findings.answers_and_facts import chosen_before_written
from flexmore.analysis.findings.predictions import Evidence, held, judge
from flexmore.analysis.findings.recovery import recover
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.gains import gains
from flexmore.config.analysis import AnalysisSettings

FACTS = {"math": 200, "news": 400, "pes2o": 800}
GOOD = Made(midpoints={"math": 2.8, "news": 5.6, "pes2o": 11.3}, control_gain=0.0, joint_share=0.95)
WORDS = {
    "gains": "full gains at least 20 points",
    "partial": "ladder ranks recover",
    "retained": "joint",
    "rises": "number of facts",
    "control": "random delta",
    "foreign": "foreign tasks",
}
SETTINGS = AnalysisSettings(bootstrap_samples=200)


def _judged(inputs: Inputs, facts: dict[str, int]) -> pd.DataFrame:
    gained, controls = gains(inputs.scores, inputs.items), None
    if inputs.controls is not None and len(inputs.controls):
        baseline = inputs.scores[inputs.scores["kind"] == "baseline"]
        controls = gains(pd.concat([baseline, inputs.controls]), inputs.items)
    return judge(Evidence(inputs.scores, gained, recover(gained), controls, inputs.items), facts)


def _verdicts(inputs: Inputs, facts: dict[str, int], about: str) -> set[str]:
    table = _judged(inputs, facts)
    rows = table[table["prediction"].str.contains(WORDS[about])]
    assert len(rows)
    return set(rows["holds"])


def test_all_hold_where_they_were_planted(study_of: Any) -> None:
    inputs = study_of(GOOD)
    for about in WORDS:
        assert _verdicts(inputs, FACTS, about) == {"yes"}, about


@pytest.mark.parametrize(
    ("about", "change"),
    [
        ("gains", {"gain": 0.15}),
        ("partial", {"midpoints": {"math": 0.05, "news": 0.05, "pes2o": 0.05}}),
        ("retained", {"joint_share": 0.5}),
        ("control", {"control_gain": 0.2}),
        ("foreign", {"foreign": 0.0}),
    ],
)
def test_each_fails_where_its_opposite_was_planted(study_of: Any, about: str, change: dict[str, Any]) -> None:
    assert _verdicts(study_of(replace(GOOD, **change)), FACTS, about) == {"no"}


def test_facts_in_the_wrong_order(study_of: Any) -> None:
    inputs = study_of(GOOD)
    assert _verdicts(inputs, {"math": 800, "news": 400, "pes2o": 200}, "rises") == {"no"}
    assert _verdicts(inputs, {"math": 800}, "rises") == {"not measured"}


def test_what_was_not_measured_is_not_judged(study_of: Any) -> None:
    bare = Made(domains=False, controls=False, active=(), full=False, extras=())
    table = _judged(study_of(bare), FACTS)
    assert set(table[table["number"] < 11]["holds"]) == {"not measured"}


def _judge_scores(scores: pd.DataFrame, **more: pd.DataFrame) -> pd.DataFrame:
    gained = gains(scores, None)
    return judge(Evidence(scores, gained, recover(gained), **more), FACTS)


@pytest.mark.parametrize(("late", "verdict"), [("written", "yes"), ("chosen", "no")])
def test_choosing_needs_a_lower_rank_than_writing(study_of: Any, late: str, verdict: str) -> None:
    """The same answers on half of the tasks, later by some ranks."""
    scores = study_of(replace(GOOD, groups=("MC9", "Gen5"), items=100)).scores
    scores = scores.assign(answer=scores["group"].map({"MC9": "chosen", "Gen5": "written"}))
    slow = (scores["answer"] == late) & scores["effective_rank"].isin([str(rank) for rank in (1, 2, 3, 4, 6, 8, 12)])
    table = _judge_scores(scores.assign(score=scores["score"].mask(slow & (scores["domain"] != ""), 0.2)))
    rows = table[table["number"] == 7]
    assert set(rows["subject"]) == set(FACTS)
    assert set(rows["holds"]) == {verdict}
    assert all("chosen" in measured and "written" in measured for measured in rows["measured"])


def test_a_fact_asked_three_times_is_one_piece_of_evidence(study_of: Any) -> None:
    inputs = study_of(GOOD)
    gained = gains(inputs.scores, inputs.items)
    names = [str(number) for number in range(GOOD.items)]
    tasks = inputs.scores["task"].unique()
    # the same answers in all tasks: a fact is known or it is not
    first = inputs.items.groupby("mixture")["items"].transform("first")
    for items, verdict in ((inputs.items.assign(items=first), "yes"), (inputs.items, "no")):
        clusters = pd.DataFrame({"task": tasks, "clusters": [names] * len(tasks)})
        if verdict == "no":  # all items differ
            clusters["clusters"] = [[f"{task} {name}" for name in names] for task in tasks]
        evidence = Evidence(inputs.scores, gained, recover(gained), None, items, clusters)
        table = judge(evidence, FACTS)
        rows = table[table["number"] == 8]
        assert set(rows["subject"]) == set(FACTS)
        assert set(rows["holds"]) == {verdict}


def test_the_error_with_facts_as_evidence_is_that_of_statsmodels(study_of: Any) -> None:
    import statsmodels.api as sm

    inputs = study_of(GOOD)
    about = {task: [f"{number % 17}" for number in range(GOOD.items)] for task in inputs.scores["task"].unique()}
    clusters = pd.DataFrame({"task": list(about), "clusters": list(about.values())})
    gained = gains(inputs.scores, inputs.items)
    table = judge(Evidence(inputs.scores, gained, recover(gained), None, inputs.items, clusters), {"news": 400})
    values = inputs.items.set_index(["mixture", "task"])["items"]
    tasks = inputs.scores.loc[inputs.scores["domain"] == "news", "task"].unique()
    whole = _full_name(inputs, "news")
    gain = [np.subtract(values[whole, task], values["public", task], dtype=float) for task in tasks]
    dummies = np.kron(np.eye(len(tasks)), np.ones((GOOD.items, 1)))
    fit = sm.OLS(np.concatenate(gain), dummies)
    weights = np.full(len(tasks), 1 / len(tasks))
    groups = pd.factorize(np.concatenate([about[task] for task in tasks]))[0]
    robust = fit.fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}).cov_params()
    plain = fit.fit(cov_type="HC0").cov_params()
    ratio = np.sqrt(weights @ robust @ weights / (weights @ plain @ weights))
    assert table[table["number"] == 8]["measured"].item() == f"{ratio:.2f} times"


def _full_name(inputs: Inputs, expert: str) -> str:
    scores = inputs.scores
    rows = scores[(scores["kind"] == "pair") & (scores["rank"] == "full") & (scores["experts"] == expert)]
    return str(rows["mixture"].iloc[0])


@pytest.mark.parametrize(("called", "verdict"), [("no", "yes"), ("yes", "no")])
def test_an_optimum_over_all_experts_is_not_expected(study_of: Any, called: str, verdict: str) -> None:
    optima = pd.DataFrame(
        [["all", "average", "average", 32, called], ["math", "average", "average", 8, "yes"]],
        columns=["expert", "scope", "name", "rank", "optimum"],
    )
    rows = _judge_scores(study_of(GOOD).scores, optima=optima).query("number == 9")
    assert rows["holds"].tolist() == [verdict]
    assert rows["measured"].item() == ("average at rank 32" if called == "yes" else "none of 1 scopes")


@pytest.mark.parametrize(("call", "verdict"), [("not told apart", "yes"), ("higher", "no"), ("lower", "no")])
def test_reasoning_and_knowledge_are_not_expected_to_be_told_apart(study_of: Any, call: str, verdict: str) -> None:
    calls = pd.DataFrame([["math", "higher"], ["all", call]], columns=["expert", "call"])
    rows = _judge_scores(study_of(GOOD).scores, skill_ranks=calls).query("number == 10")
    assert rows["holds"].tolist() == [verdict]


def test_the_calls_of_the_analysis_are_what_is_judged(tables: dict[str, pd.DataFrame]) -> None:
    judged = tables["predictions"].set_index("number")
    called = (tables["optima"].query("expert == 'all'")["optimum"] == "yes").any()
    call = tables["skill_ranks"].query("expert == 'all'")["call"].item()
    assert judged.loc[9, "holds"] == ("no" if called else "yes")
    assert judged.loc[10, "measured"] == f"called: {call}"


def test_what_is_so_by_construction_is_a_check_and_no_prediction_that_held(study_of: Any) -> None:
    scores = study_of(GOOD).scores
    check = _judge_scores(scores).query("number == 11")
    assert held(check) == "check passed"
    above = (scores["kind"] == "pair") & (scores["rank"] == "256")
    broken = scores.assign(score=scores["score"].mask(above, 0.123))
    assert held(_judge_scores(broken).query("number == 11")) == "check failed"


def test_a_fall_on_the_own_tasks_is_not_foreign(study_of: Any) -> None:
    """Where full falls on its own domain alone, nothing foreign has fallen."""
    table = _judged(study_of(replace(GOOD, gain=-0.15, foreign=0.0)), FACTS)
    row = table[table["prediction"].str.contains("foreign")].iloc[0]
    assert row["measured"].startswith("0 of 18 cells; lowest")
    assert row["holds"] == "no"


def test_nothing_is_predicted_of_another_family(study: Inputs) -> None:
    assert analyze(study, SETTINGS, {})["predictions"].empty


def test_a_domain_that_is_asked_in_one_way_alone_says_nothing_of_choosing_and_writing(study: Inputs) -> None:
    scores = study.scores.assign(answer=study.scores["answer"].mask(study.scores["domain"] == "news", "chosen"))
    found = {name: (measured, holds) for _, name, measured, holds in chosen_before_written(scores, ["math", "news"])}
    assert found["news"] == ("no rank of half the gain", "not measured")
    assert found["math"][1] in ("yes", "no")
