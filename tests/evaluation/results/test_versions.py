"""What is recorded of what computed a score."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from flexmore.evaluation.results.versions import COMMIT, UNKNOWN, code_commit, commit_of, merge_versions, provenance


def test_versions_of_different_runs_show() -> None:
    assert merge_versions([{"torch": "2.13", "device": "cpu"}, {"torch": "2.12", "device": "cpu"}]) == {
        "torch": "2.12, 2.13",
        "device": "cpu",
    }


def test_provenance_names_no_place_and_no_time() -> None:
    found = provenance("float32", "cpu", 4096)
    assert found == provenance("float32", "cpu", 4096)
    assert found["dtype"] == "float32"
    assert found["lm_eval"][0].isdigit()
    assert not any(str(Path.home()) in value for value in found.values())


def test_provenance_names_the_image_that_a_job_runs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEXMORE_IMAGE", raising=False)
    assert "image" not in provenance("float32", "cpu", 4096)
    monkeypatch.setenv("FLEXMORE_IMAGE", "docker://registry.example.org/flexmore@sha256:12ab")
    assert provenance("float32", "cpu", 4096)["image"] == "docker://registry.example.org/flexmore@sha256:12ab"


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words], cwd=folder, check=True)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package in a git checkout, all of it committed."""
    folder = tmp_path / "check out" / "package"
    (folder / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/__init__.py"):
        (folder / name).write_text("x = 1\n")
    (folder.parent / ".gitignore").write_text("/venv/\n__pycache__/\n")
    (folder.parent / "README.md").write_text("read\n")
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", "-A")
    git(folder.parent, "commit", "-q", "-m", "First")
    return folder


def test_a_checkout_names_its_commit_and_whether_its_code_was_changed(package: Path) -> None:
    commit = commit_of(package)
    assert commit is not None
    assert re.fullmatch("[0-9a-f]{12}", commit)
    (package.parent / "README.md").write_text("a report that a study has published\n")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_text("")
    assert commit_of(package) == commit
    (package / "inner" / "more.py").write_text("")
    assert commit_of(package) == f"{commit}+"
    (package / "inner" / "more.py").unlink()
    (package / "__init__.py").write_text("x = 2\n")
    assert commit_of(package) == f"{commit}+"


def test_what_is_installed_inside_a_checkout_is_not_of_its_commit(package: Path, tmp_path: Path) -> None:
    installed = package.parent / "venv" / "package"
    shutil.copytree(package, installed)
    assert commit_of(installed) is None
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "__init__.py").write_text("")
    assert commit_of(tmp_path / "alone") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_a_checkout_of_somebody_else_names_its_commit_too(package: Path) -> None:
    for path in (package.parent, *package.parent.rglob("*")):
        os.chown(path, 12345, 12345)
    assert commit_of(package)


def test_where_there_is_no_git_the_commit_is_that_of_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(COMMIT, raising=False)
    assert code_commit() == UNKNOWN
    monkeypatch.setenv(COMMIT, "dbe79c94a315")
    assert provenance("float32", "cpu", 4096)["commit"] == "dbe79c94a315"
