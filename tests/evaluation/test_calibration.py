"""The public model against published scores: what is allowed, in which metric, and what a wrong setting says."""

import math
from typing import Any

import pytest

from flexmore.config.calibration import CalibrationSettings
from flexmore.errors import FlexmoreError
from flexmore.evaluation.calibration import check_groups, render_table


def record(group: str, score: float, stderr: float | None, metric: str = "acc", **others: float) -> dict[str, Any]:
    named = {name: {"score": value, "stderr": 0.01} for name, value in others.items()}
    counted = {"unread": 3 if group == "Gen5" else 0, "cut": 1}
    told = {"group": group, "metric": metric, "score": score, "stderr": stderr, **counted}
    return {**told, **({"others": named} if others else {})}


TASKS = {
    "a": record("MMLU", 0.50, 0.03),
    "b": record("MMLU", 0.60, 0.04),
    "c": record("Gen5", 0.30, 0.01, "exact_match,none", f1=0.45),
}


def settings(**reference: float) -> CalibrationSettings:
    return CalibrationSettings(reference=reference)


def test_a_group_is_the_mean_of_its_tasks_with_their_errors_combined() -> None:
    [found] = check_groups(TASKS, settings(MMLU=55.0))
    assert found.score == pytest.approx(55)
    assert found.error == pytest.approx(100 * math.sqrt(0.03**2 + 0.04**2) / 2)  # 2.5
    assert found.allowed == pytest.approx(3 * 2.5 + 2)
    assert (found.tasks, found.metric) == (2, "acc")


@pytest.mark.parametrize(
    ("reference", "passed"), [(55.0 + 9.4, True), (55.0 + 9.6, False), (55.0 - 9.4, True), (55.0 - 9.6, False)]
)
def test_both_ways(reference: float, passed: bool) -> None:
    [found] = check_groups(TASKS, settings(MMLU=reference))
    assert found.passed is passed
    line = next(
        line for line in render_table([found], settings(MMLU=reference)).splitlines() if line.startswith("MMLU")
    )
    assert line.endswith("ok" if passed else "OFF")


def test_unread_answers_and_cut_prompts_stand_beside_a_score_that_may_be_off_because_of_them() -> None:
    [found] = check_groups(TASKS, settings(MMLU=55.0))
    assert (found.unread, found.cut) == (0, 2)
    [found] = check_groups(TASKS, settings(Gen5=30.0))
    assert (found.unread, found.cut) == (3, 1)
    head, line, _ = render_table([found], settings(Gen5=30.0)).splitlines()
    assert head.split()[-3:] == ["allowed", "unread", "cut"]
    assert line.split()[-3:] == ["3", "1", "ok"]


def test_a_reference_in_another_metric() -> None:
    assert check_groups(TASKS, settings(Gen5=30.0))[0].score == pytest.approx(30)
    [found] = check_groups(TASKS, CalibrationSettings(reference={"Gen5": 45.0}, metrics={"Gen5": "f1"}))
    assert (found.score, found.metric) == (pytest.approx(45), "f1")
    [same] = check_groups(TASKS, CalibrationSettings(reference={"Gen5": 45.0}, metrics={"Gen5": "exact_match"}))
    assert same.score == pytest.approx(30)


@pytest.mark.parametrize(
    ("tasks", "chosen", "said"),
    [
        (TASKS, CalibrationSettings(), "nothing to compare with"),
        (TASKS, settings(BBH=10.0), "'BBH', of which the suite has no task"),
        (TASKS, CalibrationSettings(reference={"MMLU": 5.0}, metrics={"MMLU": "f1"}), "a has no 'f1'"),
        ({"a": record("MMLU", 0.5, None)}, settings(MMLU=50.0), "a has a single item"),
    ],
)
def test_what_cannot_be_compared_is_said(tasks: Any, chosen: CalibrationSettings, said: str) -> None:
    with pytest.raises(FlexmoreError, match=said):
        check_groups(tasks, chosen)
