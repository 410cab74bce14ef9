"""The values that others reported: whole, with their sources, and consistent with each other."""

from pathlib import Path

import pytest
import yaml

from flexmore.config.loading import load_study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.parameters import count_parameters, parse_parameters

REFERENCE = yaml.safe_load(Path("reports/paper/reference.yaml").read_text())
STUDY = load_study(Path("config/paper.yaml"))


def mean(expert: str) -> float:
    [row] = [row for row in REFERENCE["rows"] if row["expert"] == expert]
    return float(sum(row["scores"]) / len(row["scores"]))


def test_every_value_has_a_source_and_every_row_all_groups() -> None:
    assert set(REFERENCE["groups"]) == set(STUDY.suite.groups)
    assert {entry["source"] for key in ("averages", "rows") for entry in REFERENCE[key]} == REFERENCE["sources"].keys()
    assert all(len(row["scores"]) == 6 for row in REFERENCE["rows"])
    assert {row["expert"] for row in REFERENCE["rows"]} == {*STUDY.experts, "joint"}


def test_the_public_row_is_what_calibration_compares_with() -> None:
    [row] = [row for row in REFERENCE["rows"] if row["expert"] == "public"]
    assert dict(zip(REFERENCE["groups"], row["scores"], strict=True)) == dict(STUDY.calibration.reference)


def test_the_cautions_state_the_differences_that_the_values_have() -> None:
    best, full = (entry["average"] for entry in REFERENCE["averages"][:2])
    assert mean("joint") == pytest.approx(52.13, abs=0.005)
    assert mean("public") == pytest.approx(47.53, abs=0.005)
    assert mean("joint") - full == pytest.approx(6.7, abs=0.05)
    assert best - full == pytest.approx(1.72)
    assert all(number in REFERENCE["cautions"][0] for number in ("52.13", "45.46", "6.7 points", "1.72"))


def test_the_reported_size_is_that_of_all_full_experts() -> None:
    rounded = parse_parameters(REFERENCE["averages"][1]["parameters"])
    total = count_parameters(sizes_of(STUDY), dict.fromkeys(STUDY.names, "full"), 7)["total"]
    assert rounded.low <= total <= rounded.high
