"""Models' repositories on the hub: what lies in one at a commit; fetched side by side, resumed, checked."""

import hashlib
import io
import re
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from flexmore.errors import FlexmoreError, Interrupted
from flexmore.files import disk_problem, sha256_of
from flexmore.hub.client import ask, explain, page_of
from flexmore.progress import track

Entry = dict[str, Any]
"""`size` in bytes and `sha256` of a file."""

_BESIDE = {
    "config.json",
    "generation_config.json",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
}
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_MIB = 1 << 20
_WATCH = 0.5  # seconds


def needed(names: Collection[str]) -> list[str]:
    """Of a checkpoint's files those that are read, sorted: never pickles, nor weights that the index does not mean."""
    whole = "model.safetensors.index.json" not in names
    weights = [name for name in names if (name == "model.safetensors" if whole else _SHARD.fullmatch(name))]
    return sorted([*_BESIDE.intersection(names), *weights])


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository.

    Attributes:
        digest: what the hub knows its bytes by: SHA-256 (64 digits) where it is in large file storage, else the id of
            its git blob (40 digits).
    """

    name: str
    size: int
    digest: str

    @property
    def part(self) -> str:
        """The name it has until it is whole; other bytes have another, so that no download goes on from them."""
        return f".{self.name}.{self.digest[:16]}.part"

    def entry(self, path: Path) -> Entry:
        """Size and SHA-256 of what came.

        Raises:
            FlexmoreError: they are not the hub's bytes.
        """
        size, sha256 = path.stat().st_size, sha256_of(path)
        found = sha256 if len(self.digest) == 64 else _git_blob(path)
        if (size, found) != (self.size, self.digest):
            raise FlexmoreError(f"found {size} bytes with digest {found}, expected {self.size} with {self.digest}")
        return {"size": size, "sha256": sha256}


@dataclass(frozen=True)
class Repository:
    """A repository at a commit."""

    repo: str
    commit: str
    files: Mapping[str, RemoteFile]


class ModelHub:
    """The Hugging Face hub.

    Args:
        endpoint: None for its own (or HF_ENDPOINT).
        workers: files that are fetched side by side.
    """

    def __init__(self, endpoint: str | None = None, workers: int = 4) -> None:
        self._endpoint = endpoint
        self._workers = workers

    def find(self, repo: str, revision: str) -> Repository:
        """A repository at the commit that a revision means now, and what of it is needed.

        Raises:
            FlexmoreError: it cannot be read, or holds no safetensors; says what to do.
        """
        try:
            info = ask(repo, "model", revision, self._endpoint)
        except FlexmoreError as error:
            raise FlexmoreError(f"{repo}: {error}") from None
        names = needed([file.rfilename for file in info.siblings])
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
        """Bring files into a folder; one that is there is not fetched again, one that was begun is gone on with.

        Raises:
            FlexmoreError: one cannot be fetched, or is not what the hub says; what has come of the others is kept.
        """
        files, stop = [repository.files[name] for name in names], threading.Event()
        landed, total = _landed(files, folder), sum(file.size for file in files) // _MIB
        with ThreadPoolExecutor(self._workers) as pool:
            jobs = {file.name: pool.submit(self._bring, repository, file, folder, stop) for file in files}
            try:
                steps = _landing(jobs.values(), lambda: _landed(files, folder), landed)
                for _ in track(steps, total, f"{repository.repo} (MiB)", done=landed):
                    pass
            finally:  # an error or Ctrl-C: the others end at their next bytes
                stop.set()
                for job in jobs.values():
                    job.cancel()
        return {name: job.result() for name, job in jobs.items()}

    def _bring(self, repository: Repository, file: RemoteFile, folder: Path, stop: threading.Event) -> Entry:
        target, part = folder / file.name, folder / file.part
        if target.is_file():
            try:
                return file.entry(target)
            except FlexmoreError:
                target.unlink()  # of another commit, or spoilt since
        try:
            self._download(repository, file, part, stop)
        except Exception as error:
            if isinstance(error, Interrupted) or disk_problem(error):
                raise
            raise FlexmoreError(
                f"{repository.repo}/{file.name}: {_size(part)} of {file.size} bytes came, then "
                f"{_ending(error, repository)}; the next run goes on from there"
            ) from None
        try:
            entry = file.entry(part)
        except FlexmoreError as error:
            part.unlink()
            raise FlexmoreError(
                f"{repository.repo}/{file.name} at {repository.commit}: {error}; what came was removed: run again"
            ) from None
        part.replace(target)
        return entry

    def _download(self, repository: Repository, file: RemoteFile, part: Path, stop: threading.Event) -> None:
        """The bytes that `part` lacks; a connection that broke is opened again as long as each brings something.

        huggingface_hub's own downloads begin a file anew where the process was killed; its `http_get` goes on from the
        last whole chunk of 10 MB.
        """
        from huggingface_hub import hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers, silent_tqdm

        url = hf_hub_url(repository.repo, file.name, revision=repository.commit, endpoint=self._endpoint)
        headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
        if _size(part) > file.size:
            part.unlink()
        while True:
            before = _size(part)
            try:
                with _Part(part, stop) as out:
                    http_get(
                        url, out, resume_size=before, headers=headers, expected_size=file.size, tqdm_class=silent_tqdm
                    )
                return
            except Exception:
                if _size(part) >= file.size:  # its digest decides
                    return
                if stop.is_set() or _size(part) <= before:
                    raise


class _Part(io.FileIO):
    """A file that grows at its end until it is told to stop; unbuffered, so that a kill loses nothing that came."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        super().__init__(path, "ab")
        self._stop = stop

    def write(self, content: Any, /) -> int:
        if self._stop.is_set():
            raise Interrupted("stopped; the next run goes on from here")
        rest = memoryview(content)
        while rest:
            rest = rest[super().write(rest) :]
        return len(content)


def check_disk(repository: Repository, folder: Path) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        FlexmoreError: says how many bytes are missing, and where.
    """
    files = list(repository.files.values())
    lacking = sum(file.size for file in files) - sum(_have(file, folder) for file in files)
    free = shutil.disk_usage(folder).free
    if lacking > free:
        raise FlexmoreError(
            f"{repository.repo} at {repository.commit}: {lacking:,} bytes to fetch, and the disk of {folder} has "
            f"{free:,} free; make room, or set `results:` to a folder on a larger disk; nothing was fetched"
        )


def _ending(error: Exception, repository: Repository) -> str:
    """What ended a download."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, HfHubHTTPError | OfflineModeIsEnabled):
        return str(explain(error, page_of(repository.repo, "model"), repository.commit))
    return f"the connection broke ({type(error).__name__}: {error}); run again where there is a network"


def _landing(jobs: Collection[Future[Entry]], landed: Callable[[], int], seen: int) -> Iterator[None]:
    """Yields once for each MiB that lands beyond those seen, until all jobs are done or one fails."""
    pending = set(jobs)
    while pending:
        done, pending = wait(pending, timeout=_WATCH, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
        now = landed()
        yield from repeat(None, max(0, now - seen))
        seen = max(seen, now)


def _landed(files: Iterable[RemoteFile], folder: Path) -> int:
    return sum(_have(file, folder) for file in files) // _MIB


def _have(file: RemoteFile, folder: Path) -> int:
    """Bytes of a file that are on the disk, whole or in part."""
    return min(file.size, _size(folder / file.name) or _size(folder / file.part))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _git_blob(path: Path) -> str:
    """The id that git gives a file's content: SHA-1 of a header and the bytes."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
