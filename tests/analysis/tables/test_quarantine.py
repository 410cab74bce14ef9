"""Doubtful scores are in no table, and every report says so."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_tables import Made, make

from flexmore.analysis.inputs import read_inputs
from flexmore.analysis.tables.collecting import collect, collect_scores
from flexmore.analysis.tables.quarantine import quarantine, with_chance_alarms
from flexmore.errors import FlexmoreError
from flexmore.report.page.sections.certainty import quarantined
from flexmore.steps.use.report import report

UNREAD = "37 of 100 answers are empty or not parsed"


def rows(scores: dict[str, dict[str, float]], alarms: dict[tuple[str, str], str] | None = None) -> pd.DataFrame:
    """Mixtures `sweep-x` by task; `public` is the baseline."""
    found: list[dict[str, Any]] = [
        {
            "sweep": mixture.split("-")[0], "mixture": mixture, "kind": "baseline" if mixture == "public" else "pair",
            "task": task, "group": "MC9", "score": score, "n": 100, "chance": 0.25,
            "alarm": (alarms or {}).get((mixture, task), ""),
        }
        for mixture, tasks in scores.items() for task, score in tasks.items()
    ]  # fmt: skip
    return pd.DataFrame(found)


def test_without_alarms_nothing_is_left_out() -> None:
    given = rows({"public": {"a": 0.3, "b": 0.9}, "math-1": {"a": 0.5, "b": 0.8}})
    kept, doubtful = quarantine(given)
    assert kept.equals(given)
    assert doubtful.empty


def test_a_mixture_that_is_broken_on_most_tasks_goes() -> None:
    scores = {name: dict.fromkeys("abcd", 0.8) for name in ("public", "math-1", "math-2", "news-1")}
    kept, doubtful = quarantine(rows(scores, {("math-2", task): "NaN" for task in "abc"}))
    assert set(kept["mixture"]) == {"public", "math-1", "news-1"}
    assert set(kept["task"]) == set("abcd")
    assert list(doubtful["left_out"]) == ["mixture"] * 3


def test_a_task_that_is_broken_for_most_mixtures_goes_and_never_the_baseline() -> None:
    scores = {name: dict.fromkeys("abcd", 0.8) for name in ("public", "math-1", "math-2", "news-1")}
    kept, doubtful = quarantine(rows(scores, {(name, "b"): UNREAD for name in ("public", "math-1")}))
    assert set(kept["task"]) == set("acd")
    assert len(set(kept["mixture"])) == 4
    assert list(doubtful["left_out"]) == ["task", "task"]
    kept, _ = quarantine(rows(scores, {("public", "a"): UNREAD}))
    assert "public" in set(kept["mixture"])
    assert set(kept["task"]) == set("bcd")
    with pytest.raises(FlexmoreError, match="every task is quarantined, first public on a: NaN"):
        quarantine(rows(scores, {("public", task): "NaN" for task in "abcd"}))


def test_a_task_at_chance_everywhere_is_doubtful_and_one_that_an_expert_cannot_do_is_not() -> None:
    guess, good = {"a": 0.26, "b": 0.24}, {"a": 0.26, "b": 0.7}
    given = rows({"public": guess, "math-1": guess, "math-2": good, "news-1": guess})
    reasons = with_chance_alarms(given)
    assert set(reasons[given["task"] == "a"]) == {"every mixture of the study is at chance"}
    assert set(reasons[given["task"] == "b"]) == {""}


def test_a_sweep_that_lost_what_public_can_do_is_doubtful() -> None:
    guess, good = {"a": 0.26, "b": 0.26}, {"a": 0.8, "b": 0.26}
    given = rows({"public": good, "math-1": guess, "math-2": guess, "news-1": good})
    reasons = with_chance_alarms(given)
    lost = given[(given["task"] == "a") & (reasons != "")]
    assert set(lost["mixture"]) == {"math-1", "math-2"}
    assert set(reasons[lost.index]) == {
        "every mixture of sweep math is at chance on every task, the public model is not"
    }


def test_an_expert_that_lost_a_foreign_task_is_a_finding_and_no_alarm() -> None:
    guess, good = {"a": 0.26, "b": 0.7}, {"a": 0.8, "b": 0.8}
    assert set(with_chance_alarms(rows({"public": good, "math-1": guess, "math-2": guess, "news-1": good}))) == {""}


def test_tables_and_report_say_what_is_left_out(tmp_path: Path) -> None:
    files, recipes = make(Made(), tmp_path)
    whole, _, none = collect(files, recipes)
    assert none.empty
    path = files["math-r4"]
    content = json.loads(path.read_text())
    broken = list(content["tasks"])[:3]
    for task in broken:
        content["tasks"][task] |= {"score": None, "stderr": None, "items": [], "alarm": "the logits are NaN"}
    path.write_text(json.dumps(content))
    collect_scores(files, recipes, tmp_path / "mine" / "tables")
    found = read_inputs(tmp_path / "mine" / "tables")
    assert found.quarantine is not None
    assert list(found.quarantine["task"]) == broken
    assert set(whole["mixture"]) - set(found.scores["mixture"]) == {"math-r4"} | set(
        whole.loc[whole["kind"] == "control", "mixture"]
    )
    assert set(found.scores["task"]) == set(whole["task"])
    report(tmp_path / "mine")
    page = (tmp_path / "mine" / "README.md").read_text()
    assert "## Doubtful scores" in page
    assert "3 scores are doubtful and no table has them" in page
    assert "| the logits are NaN | the mixture, on every task |" in page


def test_what_is_only_listed_stays_in_the_tables_but_for_what_has_no_score() -> None:
    given = rows({name: dict.fromkeys("abcd", 0.8) for name in ("public", "math-1")}, {("math-1", "a"): UNREAD})
    kept, doubtful = quarantine(given, leave_out=False)
    assert kept.equals(given)
    assert list(doubtful["left_out"]) == [""]
    assert "the configuration says `quarantine: false`" in quarantined(doubtful)
    given.loc[given["task"] == "b", ["score", "alarm"]] = [float("nan"), "NaN"]
    kept, _ = quarantine(given, leave_out=False)
    assert set(kept["task"]) == set("acd")


def test_many_mixtures_are_a_line() -> None:
    scores = {f"math-{i}": {"a": 0.8, "b": 0.8} for i in range(9)} | {"public": {"a": 0.8, "b": 0.8}}
    alarms = {(f"math-{i}", "a"): f"{30 + i} of 100 answers are empty or not parsed" for i in range(9)}
    _, doubtful = quarantine(rows(scores, alarms))
    text = quarantined(doubtful)
    assert "| `a` | 9 mixtures | of all answers are empty or not parsed | the task, for every mixture |" in text
    assert quarantined(None) == quarantined(doubtful.iloc[:0]) == ""
