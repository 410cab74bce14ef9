"""A job computes with the configuration that it was planned with, or nothing."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from flexmore.cluster.owner import RECORD, this_run
from flexmore.config.loading import dump_study
from flexmore.errors import ConfigError, FlexmoreError
from flexmore.evaluation.results.versions import COMMIT
from flexmore.steps.planned import PLANNED, digest_of, load_planned, planned_file, state_planned


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLANNED, "")  # put back when the test ends, whatever it stated
    monkeypatch.delenv(PLANNED)
    monkeypatch.setenv(COMMIT, "0123456789ab")


def written(study: Any) -> Path:
    config: Path = study.paths.root / "config.yaml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(dump_study(study))
    return config


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"evaluate": {"limit": 2}}, {"suite": {"tasks": ["pocket_bbh_math_2_digits"]}}]
)
def test_a_configuration_that_was_changed_underneath_ends_the_job(study_of: Any, change: dict[str, Any]) -> None:
    state_planned(study_of(), config := written(study_of()))
    assert load_planned(config) == study_of()
    assert planned_file() == config.resolve()
    written(study_of(**change))
    with pytest.raises(ConfigError, match=r"config\.yaml: changed since this job was planned.*run snakemake again"):
        load_planned(config)


def test_a_step_by_hand_reads_what_it_is_given(study_of: Any) -> None:
    assert planned_file() is None
    assert load_planned(written(study_of(seed=3))).seed == 3


def test_a_step_by_hand_does_not_mix_into_a_living_run(study_of: Any, tmp_path: Path) -> None:
    config = written(study_of())
    run = this_run(tmp_path, digest_of(study_of()))
    (config.parent / RECORD).write_text(json.dumps(asdict(run)))
    assert load_planned(config) == study_of()
    (tmp_path / "other.yaml").write_text(dump_study(study_of(evaluate={"limit": 2})))
    with pytest.raises(FlexmoreError, match=r"alive and has another configuration than .*other\.yaml"):
        load_planned(tmp_path / "other.yaml")
    (config.parent / RECORD).write_text(json.dumps(asdict(replace(run, ended="2026-01-01"))))
    assert load_planned(tmp_path / "other.yaml").evaluate.limit == 2
