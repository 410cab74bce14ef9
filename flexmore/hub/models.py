"""Repositories of models on the Hugging Face hub: their files at a commit, downloaded in parallel, resumed, checked."""

import hashlib
import io
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from flexmore.checkpoints.folder import needed_files
from flexmore.errors import FlexmoreError, Interrupted
from flexmore.files import disk_problem, remove, sha256_of
from flexmore.hub.client import ask, explain, page_of
from flexmore.progress import track

Entry = dict[str, Any]
"""`size` in bytes and `sha256` of a file."""

_MIB = 1 << 20
_WATCH = 0.5
"""Seconds between two looks at how much has been downloaded."""


@dataclass(frozen=True)
class RemoteFile:
    """Hold what the hub says of a file of a repository.

    Attributes:
        name: its path in the repository.
        size: in bytes.
        digest: of its bytes: SHA-256 (64 digits) where it is in large file storage, else git's blob id (40 digits).
    """

    name: str
    size: int
    digest: str

    @property
    def incomplete_name(self) -> str:
        """Return the name on disk until all bytes are there; it holds the digest, so no other bytes are continued."""
        return f".{self.name}.{self.digest[:16]}.incomplete"

    def entry(self, path: Path) -> Entry:
        """Return size and SHA-256 of a downloaded file.

        Raises:
            FlexmoreError: its bytes are not the hub's.
        """
        size, sha256 = path.stat().st_size, sha256_of(path)
        found = sha256 if len(self.digest) == 64 else _git_blob(path)
        if (size, found) != (self.size, self.digest):
            raise FlexmoreError(f"found {size} bytes with digest {found}, expected {self.size} with {self.digest}")
        return {"size": size, "sha256": sha256}


@dataclass(frozen=True)
class Repository:
    """Hold what is needed of a repository at a commit.

    Attributes:
        repo: owner/name.
        files: by name.
    """

    repo: str
    commit: str
    files: Mapping[str, RemoteFile]


class ModelHub:
    """Find and download repositories of models.

    Args:
        endpoint: the hub's address; None for the Hugging Face hub, or HF_ENDPOINT where it is set.
        workers: how many files are downloaded at the same time.
    """

    def __init__(self, endpoint: str | None = None, workers: int = 4) -> None:
        self._endpoint = endpoint
        self._workers = workers

    def find(self, repo: str, revision: str) -> Repository:
        """Return a repository at the commit that a revision means now, with the files that are needed.

        Raises:
            FlexmoreError: it cannot be read, or holds no safetensors; the message says what to do.
        """
        try:
            info = ask(repo, "model", revision, self._endpoint)
        except FlexmoreError as error:
            raise FlexmoreError(f"{repo}: {error}") from None
        names = needed_files([file.rfilename for file in info.siblings])
        if not any(name.endswith(".safetensors") for name in names):
            raise FlexmoreError(
                f"{repo} at {info.sha}: no model*.safetensors; only safetensors are read, never pickles: "
                f"convert it, or choose another revision; see {page_of(repo, 'model')}"
            )
        files = {
            file.rfilename: RemoteFile(file.rfilename, file.size, file.lfs.sha256 if file.lfs else file.blob_id)
            for file in info.siblings
            if file.rfilename in names
        }
        return Repository(repo, info.sha, files)

    def fetch(self, repository: Repository, names: Iterable[str], folder: Path) -> dict[str, Entry]:
        """Download files into a folder; complete files are kept, incomplete ones are continued.

        Raises:
            FlexmoreError: a file cannot be downloaded, or is not what the hub says; the others keep what has come.
        """
        files, stop = [repository.files[name] for name in names], threading.Event()
        done, total = _downloaded(files, folder), sum(file.size for file in files) // _MIB
        with ThreadPoolExecutor(self._workers) as pool:
            jobs = {file.name: pool.submit(self._fetch_file, repository, file, folder, stop) for file in files}
            try:
                steps = _watch(jobs.values(), lambda: _downloaded(files, folder), done)
                for _ in track(steps, total, f"{repository.repo} (MiB)", done=done):
                    pass
            finally:  # after an error or Ctrl-C the other downloads end at their next bytes
                stop.set()
                for job in jobs.values():
                    job.cancel()
        return {name: job.result() for name, job in jobs.items()}

    def _fetch_file(self, repository: Repository, file: RemoteFile, folder: Path, stop: threading.Event) -> Entry:
        target, incomplete = folder / file.name, folder / file.incomplete_name
        if target.is_file():
            try:
                return file.entry(target)
            except FlexmoreError:
                remove(target, inside=folder)  # of another commit, or damaged since
        try:
            self._download(repository, file, incomplete, stop)
        except Exception as error:
            if isinstance(error, Interrupted) or disk_problem(error):
                raise
            raise FlexmoreError(
                f"{repository.repo}/{file.name}: {_size(incomplete)} of {file.size} bytes came, then "
                f"{_reason(error, repository)}; the next run continues there"
            ) from None
        try:
            entry = file.entry(incomplete)
        except FlexmoreError as error:
            remove(incomplete, inside=folder)
            raise FlexmoreError(
                f"{repository.repo}/{file.name} at {repository.commit}: {error}; what came was removed: run again"
            ) from None
        incomplete.replace(target)
        return entry

    def _download(self, repository: Repository, file: RemoteFile, path: Path, stop: threading.Event) -> None:
        """Download the bytes that `path` lacks; try again after a broken connection as long as each brought some.

        huggingface_hub's own downloads start a file anew after the process was killed; its `http_get` continues after
        the last whole chunk of 10 MB.
        """
        from huggingface_hub import hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers, silent_tqdm

        url = hf_hub_url(repository.repo, file.name, revision=repository.commit, endpoint=self._endpoint)
        headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
        if _size(path) > file.size:
            remove(path, inside=path.parent)
        while True:
            before = _size(path)
            try:
                with _GrowingFile(path, stop) as out:
                    http_get(
                        url, out, resume_size=before, headers=headers, expected_size=file.size, tqdm_class=silent_tqdm
                    )
                return
            except Exception:
                if _size(path) >= file.size:  # its digest decides
                    return
                if stop.is_set() or _size(path) <= before:
                    raise


class _GrowingFile(io.FileIO):
    """Append to a file until told to stop; unbuffered, so that a kill loses nothing that came."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        super().__init__(path, "ab")
        self._stop = stop

    def write(self, content: Any, /) -> int:
        if self._stop.is_set():
            raise Interrupted("stopped; the next run continues here")
        rest = memoryview(content)
        while rest:
            rest = rest[super().write(rest) :]
        return len(content)


def check_disk(repository: Repository, folder: Path) -> None:
    """Check that the disk can hold what is still to be downloaded.

    Raises:
        FlexmoreError: it cannot; the message says how many bytes are needed and how many are free.
    """
    files = list(repository.files.values())
    lacking = sum(file.size for file in files) - sum(_bytes_on_disk(file, folder) for file in files)
    free = shutil.disk_usage(folder).free
    if lacking > free:
        raise FlexmoreError(
            f"{repository.repo} at {repository.commit}: {lacking:,} bytes to download, and the disk of {folder} has "
            f"{free:,} free; make room, or set `results:` to a folder on a larger disk; nothing was downloaded"
        )


def _reason(error: Exception, repository: Repository) -> str:
    """Say why a download ended."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, HfHubHTTPError | OfflineModeIsEnabled):
        return str(explain(error, page_of(repository.repo, "model"), repository.commit))
    return f"the connection broke ({type(error).__name__}: {error}); run again where there is a network"


def _watch(jobs: Collection[Future[Entry]], downloaded: Callable[[], int], seen: int) -> Iterator[None]:
    """Yield once for each MiB that comes beyond `seen`, until all jobs are done or one fails."""
    pending = set(jobs)
    while pending:
        done, pending = wait(pending, timeout=_WATCH, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
        now = downloaded()
        yield from repeat(None, max(0, now - seen))
        seen = max(seen, now)


def _downloaded(files: Iterable[RemoteFile], folder: Path) -> int:
    """Return how many MiB of files are on the disk."""
    return sum(_bytes_on_disk(file, folder) for file in files) // _MIB


def _bytes_on_disk(file: RemoteFile, folder: Path) -> int:
    """Return how many bytes of a file are on the disk, complete or not."""
    return min(file.size, _size(folder / file.name) or _size(folder / file.incomplete_name))


def _size(path: Path) -> int:
    """Return the size of a file in bytes, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _git_blob(path: Path) -> str:
    """Return git's id of a file's content: SHA-1 of a header and the bytes."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
