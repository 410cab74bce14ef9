"""Files appear whole or not at all, and a disk that cannot be written is one message."""

import errno
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flexmore.errors import FlexmoreError
from flexmore.files import (
    atomic_file,
    clear_leftovers,
    disk_problem,
    fingerprint,
    read_json,
    sha256_of,
    write_json,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_what_is_written_appears_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    with atomic_file(path) as temporary:
        assert temporary.parent == path.parent
        temporary.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"
    assert names(path.parent) == ["file.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, ZeroDivisionError("a mistake"), FileNotFoundError(2, "no", "other")]
)
def test_a_failure_leaves_what_was_there_and_is_not_renamed(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "before")
    expected = error if isinstance(error, type) else type(error)
    with pytest.raises(expected), atomic_file(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise error
    assert path.read_text() == "before"
    assert names(tmp_path) == ["file.txt"]


def test_a_full_disk_is_one_message_and_leaves_what_was_there(small_disk: Path) -> None:
    path = small_disk / "file.txt"
    write_text(path, "before")
    with pytest.raises(FlexmoreError, match=r"file\.txt: cannot be written: No space left .*unchanged"):
        write_text(path, "x" * 200_000)
    assert path.read_text() == "before"
    assert names(small_disk) == ["file.txt"]


def test_a_full_disk_under_safetensors_and_parquet_is_the_same_message(small_disk: Path) -> None:
    import numpy as np
    import pandas as pd
    from safetensors.numpy import save_file

    numbers = np.random.default_rng(0).random(50_000)
    full = r": cannot be written: .*No space left"
    with pytest.raises(FlexmoreError, match=r"a\.st" + full), atomic_file(small_disk / "a.st") as temporary:
        save_file({"a": numbers}, temporary)
    with pytest.raises(FlexmoreError, match=r"a\.parquet" + full), atomic_file(small_disk / "a.parquet") as temporary:
        pd.DataFrame({"a": numbers}).to_parquet(temporary)
    assert names(small_disk) == []


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    with pytest.raises(FlexmoreError, match=r"score\.json: cannot be written: .*cache\)"):
        write_text(tmp_path / "cache" / "score.json", "{}")
    with pytest.raises(FlexmoreError, match=r"score\.json: cannot be written: .*cache/deep\)"):
        write_text(tmp_path / "cache" / "deep" / "score.json", "{}")
    assert (tmp_path / "cache").read_text() == "not a folder"


def test_leftovers_of_the_killed_are_cleared(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "deep" / "kept.json") as temporary:
        temporary.write_text("{}")
        (left := tmp_path / "deep" / temporary.name.replace("kept", "left")).write_text("half")
    (folder := tmp_path / ".public.abc.tmp" / "public").mkdir(parents=True)
    (folder / "config.json").write_text("half")
    clear_leftovers(tmp_path)
    assert not left.exists()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "kept.json"]


def test_only_the_disks_own_errors_count_as_its_problem() -> None:
    assert disk_problem(OSError(errno.ENOSPC, "No space left on device", "x")) == "No space left on device (x)"
    assert disk_problem(OSError(errno.EROFS, "Read-only file system")) == "Read-only file system"
    assert disk_problem(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None
    assert disk_problem(ValueError("No space left (os error 28)")) is None


def test_json_round_trip_and_refusals(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": [1, 2.5, None], "a": "ä"})
    assert read_json(path) == json.loads(path.read_text()) == {"b": [1, 2.5, None], "a": "ä"}
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, float("nan"))
    with pytest.raises(FlexmoreError, match=r"none\.json: not found"):
        read_json(tmp_path / "none.json")
    path.write_text('{"half": ')
    with pytest.raises(FlexmoreError, match=r"a\.json: not a JSON file .*remove it"):
        read_json(path)


def test_hashes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    (tmp_path / "data").write_bytes(data)
    assert sha256_of(tmp_path / "data") == hashlib.sha256(data).hexdigest()
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": "1"})
