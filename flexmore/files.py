"""Read and write files. Files appear as a whole: they are written under a temporary name, then renamed."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flexmore.errors import FlexmoreError

_CHUNK = 1 << 20
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO}


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; on success it is renamed to `path`, on failure it is removed.

    Raises:
        FlexmoreError: the folder cannot be written or the disk is full; `path` is unchanged.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
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
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `path`; on success it replaces `path`, on failure it is removed.

    Raises:
        FlexmoreError: the folder cannot be written or the disk is full; `path` is unchanged.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
        yield temporary
        temporary.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    except Exception as error:
        if (reason := disk_problem(error)) is None:
            raise
        raise FlexmoreError(f"{path}: cannot be written: {reason}; what was there before is unchanged") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


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
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


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
