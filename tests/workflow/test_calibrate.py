"""`snakemake calibrate` on the pocket family: invented reference values that the public model has, and has not."""

import json
from typing import Any

import pytest
from clones import Clone


def scores_of_public(copy: Clone) -> dict[str, float]:
    """Group -> mean score in points of the public model's finished evaluation."""
    tasks = json.loads((copy.results / "scores" / "public" / "public.json").read_text())["tasks"].values()
    groups = {task["group"] for task in tasks}
    means = {group: [100 * task["score"] for task in tasks if task["group"] == group] for group in groups}
    return {group: sum(values) / len(values) for group, values in means.items()}


def calibration(copy: Clone, **changes: Any) -> None:
    copy.configure(
        lambda study: study.update(calibration={"source": "invented", "points": 2.0, "errors": 0.0, **changes})
    )


def test_both_ways(copy: Clone) -> None:
    measured = scores_of_public(copy)
    off = {group: points + 5 if points < 50 else points - 5 for group, points in measured.items() if group == "MMLU"}
    calibration(copy, reference=measured | off, required=True)
    failed = copy.snakemake("calibrate", check=False)
    assert failed.returncode != 0
    assert "the public model is off its reference in MMLU:" in failed.stdout
    assert failed.stdout.count("OFF") == 1
    assert failed.stdout.count("  ok") == 5
    assert "reference: invented" in failed.stdout
    assert not (copy.results / "calibration" / "passed.json").exists()
    table = (copy.results / "calibration" / "table.txt").read_text()
    assert len([line for line in table.splitlines() if line.startswith(tuple(measured))]) == 6

    jobs = copy.planned()  # evaluation waits for it
    assert "calibrate: the public model alone against published scores" in jobs

    calibration(copy, reference={group: points + 1 for group, points in measured.items()}, required=True)
    passed = copy.snakemake("calibrate")
    assert "error" not in passed.stdout.lower()
    found = json.loads((copy.results / "calibration" / "passed.json").read_text())
    assert {group: check["score"] for group, check in found.items()} == pytest.approx(measured)
