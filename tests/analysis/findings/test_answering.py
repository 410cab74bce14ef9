"""Unread answers, cut prompts and tasks at chance: listed, counted, and left out of nothing."""

import pandas as pd
import pytest

from flexmore.analysis.findings.answering import chance_of_tasks, cut_prompts, unread_answers
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.scopes import averages


def table(scores: dict[str, dict[str, float]], **changed: object) -> pd.DataFrame:
    """A table of mixtures by task, group MC9 for tasks of one letter, BBH for others."""
    rows = [
        {
            "mixture": mixture, "kind": "baseline" if mixture == "public" else "pair", "experts": "", "rank": "1",
            "effective_rank": "1", "active": 2, "parameters": 1, "domain": "", "task": task,
            "group": "MC9" if len(task) == 1 else "BBH", "score": score, "n": 200, "chance": 0.25,
            "unread": 0, "cut": 0,
        }
        for mixture, tasks in scores.items() for task, score in tasks.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"unread": "Int64", "cut": "Int64"}).assign(**changed)


def test_rows_with_unread_answers_are_listed() -> None:
    scores = table({"public": {"a": 0.5, "b": 0.5}, "math-1": {"a": 0.0, "b": 0.5}})
    scores.loc[2, ["unread", "cut"]] = [150, 4]
    scores.loc[3, "unread"] = pd.NA
    found = unread_answers(scores)
    assert found.to_dict("records") == [
        {"mixture": "math-1", "task": "a", "group": "MC9", "unread": 150, "n": 200, "share": 0.75, "cut": 4}
    ]
    assert unread_answers(scores.assign(unread=pd.array([pd.NA] * 4, dtype="Int64"))).empty


def test_tasks_with_cut_prompts_are_listed_once() -> None:
    scores = table({"public": {"a": 0.5, "b": 0.5}, "math-1": {"a": 0.0, "b": 0.5}})
    scores.loc[[0, 2], "cut"] = 5
    assert cut_prompts(scores).to_dict("records") == [{"task": "a", "group": "MC9", "cut": 5, "n": 200, "share": 0.025}]


def test_a_task_is_at_chance_where_every_mixture_is() -> None:
    scores = table({"public": {"a": 0.26, "b": 0.24, "ab": 0.9}, "math-1": {"a": 0.23, "b": 0.7, "ab": 0.25}})
    scores.loc[scores["task"] == "ab", "chance"] = float("nan")  # written
    found = chance_of_tasks(scores)
    assert list(found["task"]) == ["a", "b"]
    assert list(found["at_chance"]) == ["yes", "no"]
    assert found.loc[0, ["lowest", "highest"]].tolist() == [0.23, 0.26]


def test_the_average_above_chance_stands_beside_the_average() -> None:
    scores = table({"public": {"a": 0.2, "b": 0.6, "ab": 0.8}, "math-1": {"a": 0.2, "b": 0.8, "ab": 1.0}})
    found = averages(scores, ["a"]).set_index("mixture")
    assert found["average"].to_dict() == pytest.approx({"public": 0.6, "math-1": 0.75})
    assert found["average_above_chance"].to_dict() == pytest.approx({"public": 0.7, "math-1": 0.9})
    assert found["MC9"].to_dict() == pytest.approx({"public": 0.4, "math-1": 0.5})
    whole = averages(scores)
    pd.testing.assert_series_equal(whole["average"], whole["average_above_chance"], check_names=False, check_exact=True)
    group_gone = averages(scores, ["ab"])
    assert list(group_gone["average_above_chance"]) == pytest.approx([0.4, 0.5])
    assert averages(scores, ["a", "b", "ab"])["average_above_chance"].isna().all()


def test_every_mixture_of_a_study_is_in_the_averages(study: Inputs) -> None:
    assert set(averages(study.scores)["mixture"]) == set(study.scores["mixture"])
