"""Read and write files. Files appear as a whole: they are written under a temporary name, then renamed."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flexmore.errors import FlexmoreError

_CHUNK = 1 << 20
_LEFTOVER = re.compile(r"\..+\.[0-9a-z_]{8}\.tmp")
"""The names of temporary files and folders; nobody else's files are taken for them."""
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO}


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; on success it is renamed to `path`, on failure it is removed.

    The file has the mode that the process's umask gives.

    Raises:
        FlexmoreError: the folder cannot be written or the disk is full; `path` is unchanged.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(path)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        mode = _mode(temporary)
        yield temporary
        _set_mode(temporary, mode)  # some libraries put a private file in its place
        temporary.replace(path)
    except Exception as error:
        reason = disk_problem(error) or _reason_naming(error, {path, temporary, *path.parents})
        if reason is None:
            raise
        raise FlexmoreError(f"{path}: cannot be written: {reason}; what was there before is unchanged") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, inside: Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary folder next to `path`; on success it takes the place of `path`, on failure it is removed.

    Folder and files have the modes that the process's umask gives, whatever those were that they were copied from.

    Args:
        inside: the folder that `path` must lie in; nothing outside is touched.
        replace: whether a folder that is there already is replaced, as a whole; a link is, not what it leads to.

    Raises:
        FlexmoreError: `path` does not lie in `inside`, or is there and not to be replaced; the folder cannot be
            written or the disk is full. `path` is unchanged.
    """
    temporary = old = None
    try:
        _check_inside(path, inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary, aside = _beside(path), _beside(path)
        temporary.mkdir()
        mode = _mode(temporary)
        yield temporary
        _set_modes(temporary, mode)
        if os.path.lexists(path):
            if not replace:
                raise FlexmoreError(f"{path}: exists already; name a new folder or remove it first")
            old = path.rename(aside)
        temporary.rename(path)
    except Exception as error:
        reason = disk_problem(error) or _reason_naming(error, {path, temporary, *path.parents})
        if reason is not None:
            raise FlexmoreError(f"{path}: cannot be written: {reason}; what was there before is unchanged") from error
        if isinstance(error, FlexmoreError) and str(temporary) in str(error):  # name the folder that is asked for
            raise type(error)(str(error).replace(str(temporary), str(path))) from error
        raise
    finally:
        if old is not None and not os.path.lexists(path):
            old.rename(path)
        for left in (temporary, old):
            if left is not None:
                remove(left, inside=left.parent)


def copy_folder(source: Path, target: Path) -> None:
    """Copy the content of a folder into another, links by what they lead to; modes are what the umask says.

    Unlike `shutil.copytree` it makes no folder that cannot be written where the source cannot.
    """
    for folder, _, names in os.walk(source, followlinks=True):
        inside = target / Path(folder).relative_to(source)
        inside.mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copyfile(Path(folder) / name, inside / name)


def remove(path: Path, *, inside: Path) -> None:
    """Remove a file, a link or a whole folder where it is there; of a link, not what it leads to.

    The only function of this package that removes what somebody else may have written.

    Args:
        inside: the folder of the thing that is made; `path` must lie in it.

    Raises:
        FlexmoreError: `path` does not lie in `inside`; nothing was removed.
    """
    _check_inside(path, inside)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _check_inside(path: Path, inside: Path) -> None:
    """Check that a path lies in a folder: below it, and not the folder itself, wherever links and `..` lead."""
    found = path.parent.resolve() / path.name
    if path.name in ("", "..") or inside.resolve() not in found.parents:
        raise FlexmoreError(f"{path}: found {found}, expected a path below {inside.resolve()}; nothing was changed")


def _beside(path: Path) -> Path:
    """Return a new temporary path next to `path`, one that `clear_leftovers` knows."""
    return path.parent / f".{path.name}.{secrets.token_hex(4)}.tmp"


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _set_mode(path: Path, mode: int) -> None:
    """Give a file or folder its permissions; what else is set, such as the group's bit of a folder, stays."""
    found = path.stat().st_mode
    if found & 0o777 != mode:
        path.chmod(found & 0o7000 | mode)


def _set_modes(folder: Path, mode: int) -> None:
    """Give a folder and all in it the permissions that new folders have; files are not executable."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            _set_mode(path, mode if path.is_dir() else mode & 0o666)


def disk_problem(error: Exception) -> str | None:
    """Return what the system said, if `error` comes from a disk that is full or cannot be written; else None."""
    if isinstance(error, OSError) and error.errno in _DISK:
        return error.strerror if error.filename is None else f"{error.strerror} ({error.filename})"
    if type(error).__name__ == "SafetensorError" and "os error" in str(error):  # no OSError
        return str(error)
    return None


def _reason_naming(error: Exception, paths: Collection[Path | None]) -> str | None:
    """Return what the system said, if `error` names one of `paths`; else None."""
    if isinstance(error, OSError) and error.filename is not None and Path(error.filename) in paths:
        return f"{error.strerror} ({error.filename})"
    return None


def write_text(path: Path, text: str) -> None:
    """Write `text` as the UTF-8 file `path`."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` as the file `path`."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """Write `value` as JSON with a final newline.

    Raises:
        ValueError: `value` contains NaN or infinity.
    """
    separators = (",", ":") if indent is None else None
    write_text(path, json.dumps(value, indent=indent, separators=separators, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the value of a JSON file.

    Raises:
        FlexmoreError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FlexmoreError(f"{path}: not found; if it belongs to a study, `snakemake --cores all` makes it") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FlexmoreError(
            f"{path}: not a JSON file ({error}); if flexmore made it, remove it and run snakemake again"
        ) from error


def clear_leftovers(folder: Path) -> None:
    """Remove temporary files that killed processes left below `folder`; nothing may be writing there."""
    for path in list(folder.rglob(".*.tmp")):
        if _LEFTOVER.fullmatch(path.name):
            remove(path, inside=folder)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fingerprint(value: Any) -> str:
    """Return the fingerprint of a JSON value: the SHA-256 of its canonical form, 32 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
