"""The tiny family as repositories on a local hub, and a study that takes its experts from there."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from local_hub import Hub

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.hub import models as repositories

REPOS = {"public": "made/Public-1T", "math": "made/Math-2x1T", "news": "made/News-2x1T"}
CUT = "model-00002-of-00004.safetensors"
Fresh = Callable[..., Study]


@pytest.fixture
def hub(server: Hub, family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The tiny family on the hub, with what is not needed beside it."""
    for name, repo in REPOS.items():
        shutil.copytree(family / name, tmp_path / "made" / name)
        for beside in ("pytorch_model.bin", "README.md", "consolidated.safetensors", "training_args.bin"):
            (tmp_path / "made" / name / beside).write_bytes(b"not needed")
        server.publish(repo, tmp_path / "made" / name)
    sleep = time.sleep
    monkeypatch.setattr("time.sleep", lambda seconds: sleep(min(seconds, 0.01)))  # the client's waits between attempts
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)  # of less than one nothing is kept where it breaks
    monkeypatch.setattr(repositories, "_WATCH", 0.02)
    return server


@pytest.fixture
def study(tmp_path: Path) -> Fresh:
    def make(revision: str = "main", **changes: Any) -> Study:
        experts = {name: {"source": "hub", "repo": repo, "revision": revision} for name, repo in REPOS.items()}
        content = {
            "family": "made",
            "results": str(tmp_path / "results"),
            "experts": experts,
            "ranks": [4],
            "joint": {"active": [2], "selections": []},
        }
        return load_study(content | changes)

    return make


def edited(hub: Hub, tmp_path: Path, name: str, change: Callable[[Path], None]) -> str:
    """Commit a change of an expert's repository; the commit."""
    change(tmp_path / "made" / name)
    return hub.publish(REPOS[name], tmp_path / "made" / name)
