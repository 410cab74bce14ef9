"""Fixtures: the paper's data sets, made up, in a folder that stands in for the hub."""

from contextlib import chdir
from pathlib import Path

import datasets
import paper_rows
import pytest

from flexmore.evaluation.suite import PAPER_SUITE
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `load_dataset("cais/mmlu", ...)` finds what it would find on the hub."""
    root = tmp_path_factory.mktemp("hub")
    datasets.disable_progress_bars()
    paper_rows.write(root)
    return root


@pytest.fixture(autouse=True)
def _there(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hub)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", hub / ".cache")


@pytest.fixture(scope="session")
def prepared(hub: Path) -> dict[str, PreparedTask]:
    """All 120 tasks, through their YAMLs and `datasets.load_dataset`."""
    with chdir(hub), pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", hub / ".cache")
        manager = open_tasks(PAPER_SUITE)
        return {info.task: PreparedTask(info, load_task(manager, info, 1234), None) for info in paper_rows.INDEX}
