"""What is collected was evaluated as the study says."""

import json
from pathlib import Path
from typing import Any

import pytest

from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import evaluated_with, suite_identity
from flexmore.mixtures.grid import find_mixture
from flexmore.mixtures.recipe import Recipe
from flexmore.steps.collected_files import check_evaluated
from flexmore.suites.study_suite import tasks_of, write_suite

WEIGHTS = "weights"


@pytest.fixture
def study(study_of: Any) -> Study:
    made: Study = study_of(evaluate={"limit": 5}, suite={"tasks": ["pocket_bbh_math_2_digits"]})
    write_suite(made)
    return made


def evaluated(study: Study, path: Path, **changed: Any) -> None:
    """Write a file of scores as an evaluation of a study would."""
    content = {
        "mixture": "math-r4",
        "fingerprint": WEIGHTS,
        "evaluated_with": evaluated_with(suite_identity(study.paths.suite), study.evaluate),
        "tasks": {task.task: {} for task in tasks_of(study)},
    }
    path.write_text(json.dumps(content | changed))


def check(study: Study, path: Path) -> None:
    recipe = Recipe(find_mixture(study, "math-r4"), (4,), {"total": 1}, WEIGHTS)
    check_evaluated(study, {"math-r4": path}, [recipe])


def test_scores_of_this_study_are_collected(study: Study, tmp_path: Path) -> None:
    evaluated(study, tmp_path / "math-r4.json")
    check(study, tmp_path / "math-r4.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"evaluate": {"limit": 2}}, "evaluated with limit 2, this study has 5"),
        ({"evaluate": {"limit": 5, "seed": 3}}, "evaluated with seed 3, this study has 1234"),
        ({"evaluate": {"limit": 5, "dtype": "float16"}}, 'evaluated with dtype "float16", this study has "checkpoint"'),
        ({"evaluate": {"limit": 5, "engine": "vllm"}}, 'evaluated with engine "vllm", which is not this study\'s'),
        (
            {"evaluate": {"limit": 5}, "suite": {"tasks": None}},
            "119 tasks that this study does not have, first pocket_",
        ),
    ],
)
def test_scores_of_other_settings_are_not(
    study: Study, study_of: Any, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    evaluated(study_of(**change), tmp_path / "math-r4.json")
    with pytest.raises(FlexmoreError, match=rf"math-r4\.json: .*{said}.*evaluate it again"):
        check(study, tmp_path / "math-r4.json")


def test_nor_are_those_of_another_suite_or_of_other_weights(study: Study, study_of: Any, tmp_path: Path) -> None:
    evaluated(study, path := tmp_path / "math-r4.json", fingerprint="other")
    with pytest.raises(FlexmoreError, match="scores of other weights"):
        check(study, path)
    evaluated(study, path)
    write_suite(study_of(pocket={"items": 11}))
    with pytest.raises(FlexmoreError, match="evaluated with suite"):
        check(study, path)
    evaluated(study, path, evaluated_with={})
    with pytest.raises(FlexmoreError, match="it does not say with which dtype it was evaluated"):
        check(study, path)
