"""Weights on a node's own disk: copied from shared storage once a node, however many jobs read them there."""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.files import atomic_folder, fingerprint


def staged(paths: StudyPaths, experts: Iterable[str], folder: Path) -> StudyPaths:
    """Copy experts (`public` among them) and their factors to `folder`, unless they lie there already.

    Jobs that stage the same expert at the same time wait for the first. A disk that is too small or may not be written
    is no error: weights are then read where they are.

    Args:
        paths: on shared storage.
        folder: on this node's disk, such as `$TMPDIR`; what is copied stays there.

    Returns:
        The paths to load weights from.
    """
    mine = StudyPaths(folder / f"flexmore-{os.getuid()}-{fingerprint(str(paths.root.resolve()))[:12]}")
    try:
        mine.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if mine.root.stat().st_uid != os.getuid():
            raise FlexmoreError(f"{mine.root} belongs to another user")
        for name in experts:
            _stage(paths.expert(name), mine.expert(name), "source.json")
            if name != "public":
                _stage(paths.factors(name), mine.factors(name), "index.json")
    except (OSError, FlexmoreError) as error:
        print(f"weights are read from {paths.root}, not staged: {error}", flush=True)
        return paths
    return mine


def _stage(source: Path, copy: Path, complete: str) -> None:
    """Copy a folder whose file `complete` says what it holds."""
    with _locked(copy.with_suffix(".lock")):
        if (copy / complete).is_file() and (copy / complete).read_bytes() == (source / complete).read_bytes():
            print(f"{copy}: staged already", flush=True)
            return
        files = [path for path in sorted(source.iterdir()) if path.is_file() and not path.name.startswith(".")]
        size, free = sum(path.stat().st_size for path in files), shutil.disk_usage(copy.parent).free
        if size > free:
            raise FlexmoreError(f"{copy.parent} has {free:,} bytes free and {source} holds {size:,}")
        with atomic_folder(copy) as temporary:
            for path in files:
                shutil.copyfile(path, temporary / path.name)
        print(f"{copy}: staged, {size:,} bytes", flush=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file; whoever holds it already is waited for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
