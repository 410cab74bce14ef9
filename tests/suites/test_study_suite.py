"""Which tasks a study evaluates."""

from pathlib import Path

import pytest

from flexmore.config import load_study
from flexmore.config.loading import read_config
from flexmore.errors import FlexmoreError
from flexmore.suites.study_suite import tasks_of


def test_a_task_that_the_pockets_suite_lacks_is_named_with_the_closest() -> None:
    content = read_config(Path(__file__).parents[2] / "config" / "config.yaml")
    study = load_study(content | {"suite": {"tasks": ["pocket_mmlu"]}})
    with pytest.raises(FlexmoreError, match=r"suite.tasks: found 'pocket_mmlu'; did you mean pocket_mmlu_"):
        tasks_of(study)
