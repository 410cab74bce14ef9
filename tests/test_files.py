"""Files appear whole or not at all, and a disk that cannot be written is one message."""

import ast
import errno
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import flexmore.files
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.files import (
    atomic_file,
    atomic_folder,
    clear_leftovers,
    copy_folder,
    disk_problem,
    fingerprint,
    read_json,
    remove,
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
    with atomic_folder(tmp_path / "whole", tmp_path) as temporary:
        shutil.copytree(temporary, tmp_path / temporary.name.replace("whole", "half"))
    mine = tmp_path / "mine"
    mine.mkdir()
    (tmp_path / ".link.0123abcd.tmp").symlink_to(mine)
    for name in (".notes.tmp", "notes.tmp", ".0123abcd.tmp"):
        (mine / name).write_text("somebody's own")
    clear_leftovers(tmp_path)
    assert not left.exists()
    assert names(tmp_path) == ["deep", "mine", "whole"]
    assert names(mine) == [".0123abcd.tmp", ".notes.tmp", "notes.tmp"]


@pytest.fixture(params=[0o002, 0o027, 0o077], ids=lambda mask: f"umask {mask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}


def test_files_and_folders_have_the_modes_that_the_umask_gives(tmp_path: Path, umask: int) -> None:
    """Of safetensors too, which writes private files, and of copies of files that only their owner reads."""
    import numpy as np
    from safetensors.numpy import save_file

    (private := tmp_path / "private").mkdir(mode=0o700)
    (private / "script").write_text("x")
    (private / "script").chmod(0o500)
    with atomic_file(tmp_path / "made" / "a.safetensors") as temporary:
        save_file({"a": np.zeros(2)}, temporary)
    write_json(tmp_path / "made" / "b.json", {})
    with atomic_folder(tmp_path / "made" / "whole", tmp_path) as temporary:
        save_file({"a": np.zeros(2)}, temporary / "c.safetensors")
        shutil.copytree(private, temporary / "copy")
        shutil.copytree(private, temporary, dirs_exist_ok=True)
    folder, file = 0o777 & ~umask, 0o666 & ~umask
    files = dict.fromkeys(("a.safetensors", "b.json", "c.safetensors", "script"), file)
    assert modes(tmp_path / "made") == {"made": folder, "whole": folder, "copy": folder, **files}


def test_a_copy_of_a_folder_that_cannot_be_written_can_be(tmp_path: Path) -> None:
    """Such as a suite on a shared disk; links lead to files of others."""
    (tmp_path / "shared" / "deep").mkdir(parents=True)
    (tmp_path / "shared" / "deep" / "task.yaml").write_text("task: x")
    (tmp_path / "shared" / "link").symlink_to(tmp_path / "shared" / "deep")
    for path in (tmp_path / "shared" / "deep" / "task.yaml", tmp_path / "shared" / "deep", tmp_path / "shared"):
        path.chmod(0o555)
    (tmp_path / "copy").mkdir()
    copy_folder(tmp_path / "shared", tmp_path / "copy")
    found = {str(path.relative_to(tmp_path)): path for path in (tmp_path / "copy").rglob("*")}
    assert found.keys() == {f"copy/{name}" for name in ("deep", "link", "deep/task.yaml", "link/task.yaml")}
    assert all(path.stat().st_mode & 0o200 and not path.is_symlink() for path in found.values())


def test_the_groups_bit_of_a_folder_is_inherited(tmp_path: Path) -> None:
    tmp_path.chmod(0o2775)
    with atomic_folder(tmp_path / "whole", tmp_path) as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner").chmod(0o2700)
    for folder in (tmp_path / "whole", tmp_path / "whole" / "inner"):
        assert folder.stat().st_mode & 0o2000


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError("a mistake"), FlexmoreError("no")])
def test_a_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path, error: Any) -> None:
    path = tmp_path / "folder"
    for text in ("first", "second"):
        with atomic_folder(path, tmp_path) as temporary:
            (temporary / text).write_text(text)
        assert names(path) == [text]
    with pytest.raises(BaseException), atomic_folder(path, tmp_path) as temporary:  # noqa: B017, PT011, PT012
        (temporary / "third").write_text("half")
        raise error
    assert (path / "second").read_text() == "second"
    with pytest.raises(FlexmoreError, match="folder: exists already"), atomic_folder(path, tmp_path, replace=False):
        pass
    assert names(tmp_path) == ["folder"]
    assert names(path) == ["second"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rename = tmp_path / "folder", Path.rename
    path.mkdir()
    (path / "old").write_text("old")

    def fails(self: Path, target: Path) -> Path:
        if target == path and not (self / "old").exists():
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(KeyboardInterrupt), atomic_folder(path, tmp_path):
        pass
    assert names(tmp_path) == ["folder"]
    assert names(path) == ["old"]


def test_a_file_where_a_folder_above_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "experts").write_text("not a folder")
    for path in (tmp_path / "experts" / "math", tmp_path / "experts" / "deep" / "math"):
        with pytest.raises(FlexmoreError, match=r"math: cannot be written: .*experts.*"), atomic_folder(path, tmp_path):
            pass
    assert (tmp_path / "experts").read_text() == "not a folder"


def test_a_message_names_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    with (
        pytest.raises(CheckpointError, match=r"^.*/folder/config\.json: missing$"),
        atomic_folder(tmp_path / "folder", tmp_path) as temporary,
    ):
        raise CheckpointError(f"{temporary / 'config.json'}: missing")


@pytest.mark.parametrize("name", ["", ".", "..", "../evil", "../experts", "math/..", "math/../..", "/tmp", "link/x"])
def test_nothing_outside_is_removed_or_replaced(tmp_path: Path, name: str) -> None:
    """Wherever `..` and links lead; `link` leads out of the folder."""
    inside = tmp_path / "experts"
    (inside / "math").mkdir(parents=True)
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "x").write_text("kept")
    (inside / "link").symlink_to(tmp_path / "evil")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FlexmoreError, match=r"expected a path below .*experts; nothing was changed"):
        remove(inside / name, inside=inside)
    with pytest.raises(FlexmoreError, match="nothing was changed"), atomic_folder(inside / name, inside):
        pass
    assert sorted(tmp_path.rglob("*")) == before


def test_of_a_link_the_link_is_removed(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("kept")
    (tmp_path / "experts").mkdir()
    (link := tmp_path / "experts" / "math").symlink_to(tmp_path / "model")
    remove(link, inside=tmp_path / "experts")
    remove(link, inside=tmp_path / "experts")  # not there
    link.symlink_to(tmp_path / "model")
    with atomic_folder(link, tmp_path / "experts") as temporary:
        (temporary / "new").write_text("new")
    assert names(link) == ["new"]
    assert (tmp_path / "model" / "weights").read_text() == "kept"


def test_one_function_removes_for_the_whole_package() -> None:
    """The guard is in no one's way who does not go around it."""
    around = {"rmtree", "unlink", "rmdir", "removedirs", "renames", "move"}
    package = Path(flexmore.files.__file__).parent
    found = {
        f"{path.relative_to(package)}: {node.attr}"
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and (node.attr in around or ast.unparse(node) == "os.remove")
    }
    assert found == {"files.py: rmtree", "files.py: unlink"}


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
