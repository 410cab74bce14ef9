"""Weights on a node's own disk, copied from shared storage once for all jobs on the node."""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.files import atomic_folder, fingerprint


def stage_weights(paths: StudyPaths, experts: Iterable[str], folder: Path) -> StudyPaths:
    """Copy experts and their factors to a folder, unless they are there already; return the paths to load them from.

    Jobs that stage the same expert at the same time wait for the first. Where the disk is too small or cannot be
    written, weights are read from shared storage.

    Args:
        paths: the study's, on shared storage.
        experts: names, `public` included.
        folder: on this node's disk, such as `$TMPDIR`; what is copied stays there.
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
    """Copy a folder, unless its copy is there: the file `complete`, which tells the content, is the same."""
    with _locked(copy.with_suffix(".lock")):
        if (copy / complete).is_file() and (copy / complete).read_bytes() == (source / complete).read_bytes():
            print(f"{copy}: already staged", flush=True)
            return
        files = [path for path in sorted(source.iterdir()) if path.is_file() and not path.name.startswith(".")]
        size, free = sum(path.stat().st_size for path in files), shutil.disk_usage(copy.parent).free
        if size > free:
            raise FlexmoreError(f"{copy.parent} has {free:,} bytes free and {source} holds {size:,}")
        with atomic_folder(copy, copy.parent) as temporary:
            for path in files:
                shutil.copyfile(path, temporary / path.name)
        print(f"{copy}: staged, {size:,} bytes", flush=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file, after waiting for whoever holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
