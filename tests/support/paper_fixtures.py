"""Fixtures: the paper's data sets, made up, in a folder that stands in for the hub."""

from pathlib import Path

import datasets
import paper_rows
import pytest


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
