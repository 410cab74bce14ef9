"""Weights on a node's own disk: the same files, copied once, and never a reason to fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flexmore.cluster import staging
from flexmore.cluster.staging import stage_weights
from flexmore.config.paths import StudyPaths

NAMES = ("public", "math")


@pytest.fixture
def paths(composed: Any) -> StudyPaths:
    """A factorized family on shared storage."""
    found: StudyPaths = composed.paths
    return found


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_copy_has_the_same_files(paths: StudyPaths, tmp_path: Path) -> None:
    copy = stage_weights(paths, NAMES, tmp_path / "node")
    assert copy.root.is_relative_to(tmp_path / "node")
    assert content(copy.expert("public")) == content(paths.expert("public"))
    assert content(copy.factors("math")) == content(paths.factors("math"))
    assert not any(path.is_symlink() for path in copy.root.rglob("*"))  # a folder's checkpoint is a link


def test_it_is_copied_once_and_again_when_it_changed(paths: StudyPaths, tmp_path: Path, capsys: Any) -> None:
    stage_weights(paths, NAMES, tmp_path)
    assert capsys.readouterr().out.count("staged, ") == 3
    stage_weights(paths, NAMES, tmp_path)
    assert capsys.readouterr().out.count("already staged") == 3
    (paths.factors("math") / "index.json").write_text("{}")
    copy = stage_weights(paths, NAMES, tmp_path)
    assert capsys.readouterr().out.count("staged, ") == 1
    assert (copy.factors("math") / "index.json").read_text() == "{}"


def test_of_jobs_that_start_together_one_copies(paths: StudyPaths, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from flexmore.config.study import StudyPaths; "
        "from flexmore.cluster.staging import stage_weights; "
        "stage_weights(StudyPaths(Path(sys.argv[1])), ('public', 'math'), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(paths.root.resolve()), str(tmp_path / "node")]
    jobs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = "".join(job.communicate()[0] for job in jobs)
    assert [job.returncode for job in jobs] == [0, 0, 0]
    assert said.count("staged, ") == 3
    assert said.count("already staged") == 6


def test_a_disk_that_is_too_small_is_no_error(
    paths: StudyPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    usage = type(shutil.disk_usage(tmp_path))(10**9, 10**9 - 100, 100)
    monkeypatch.setattr(staging.shutil, "disk_usage", lambda _: usage)
    assert stage_weights(paths, NAMES, tmp_path) == paths
    assert "not staged: " in (said := capsys.readouterr().out)
    assert "has 100 bytes free" in said


def test_a_folder_of_another_user_is_not_trusted(
    paths: StudyPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    uid = os.getuid()
    monkeypatch.setattr(staging.os, "getuid", lambda: uid + 1)
    assert stage_weights(paths, NAMES, tmp_path) == paths
    assert "belongs to another user" in capsys.readouterr().out
