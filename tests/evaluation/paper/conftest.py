"""All tasks of the paper, over made-up data sets."""

from contextlib import chdir
from pathlib import Path

import datasets
import paper_rows
import pytest
from paper_fixtures import _there, hub  # noqa: F401

from flexmore.config.suite import PAPER_SUITE
from flexmore.evaluation.suite import load_task, open_tasks
from flexmore.evaluation.tasks import PreparedTask


@pytest.fixture(scope="session")
def prepared(hub: Path) -> dict[str, PreparedTask]:  # noqa: F811
    """All 120 tasks, through their YAMLs and `datasets.load_dataset`."""
    with chdir(hub), pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", hub / ".cache")
        manager = open_tasks(PAPER_SUITE)
        return {info.task: PreparedTask(info, load_task(manager, info.task, 1234), None) for info in paper_rows.INDEX}
