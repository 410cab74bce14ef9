"""The Hugging Face hub: what it says of a repository, in words that say what to do; data sets and their rows."""

import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from flexmore.errors import FlexmoreError
from flexmore.evaluation.settings import PAPER_SUITE
from flexmore.files import disk_problem, write_bytes

if TYPE_CHECKING:
    from datasets import Dataset

_TIMEOUT = 60.0


def ask(path: str, kind: Literal["dataset", "model"], revision: str | None, endpoint: str | None = None) -> Any:
    """What the hub says of a repository, of a model its files too; asks for leave to read them.

    Raises:
        FlexmoreError: it cannot be read: what is missing, what to do.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint)
    try:
        info = api.repo_info(path, repo_type=kind, revision=revision, timeout=_TIMEOUT, files_metadata=kind == "model")
        api.auth_check(path, repo_type=kind)
    except Exception as error:
        raise explain(error, page_of(path, kind), revision) from None
    return info


def page_of(path: str, kind: Literal["dataset", "model"]) -> str:
    """Where a person reads about a repository."""
    return f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{path}"


def explain(error: Exception, page: str, revision: str | None) -> FlexmoreError:
    """An error of the hub's client as a message with the next step."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    match error:
        case FlexmoreError():
            return error
        case GatedRepoError():
            said = f"its licence has to be accepted: open {page}, accept it, then `hf auth login` or set HF_TOKEN"
        case RevisionNotFoundError():
            said = f"revision {revision} is not there any more; see {page}"
        case RemoteEntryNotFoundError():
            said = f"the file is not there (404), though the hub lists it at {revision}; see {page}, or run again later"
        case RepositoryNotFoundError():
            said = f"not there, or not for this token; see {page}, then `hf auth login` or set HF_TOKEN"
        case OfflineModeIsEnabled():
            said = "HF_HUB_OFFLINE is set; unset it here, where the network is needed"
        case HfHubHTTPError():
            said = _refusal(error.response.status_code, page)
        case _:  # whatever the client's own HTTP library raises
            said = f"the hub did not answer ({type(error).__name__}: {error}); run this where there is a network"
    return FlexmoreError(said)


def _unreadable(what: str, error: Exception) -> Exception:
    """An error of `datasets` as a message with the next step; one of the disk as it is."""
    if disk_problem(error):
        return error
    first = str(error).strip().splitlines()[:1]
    return FlexmoreError(
        f"{what}: cannot be fetched ({type(error).__name__}: {' '.join(first)}); run again where there is a network, "
        "what has come is kept"
    )


def _refusal(status: int, page: str) -> str:
    match status:
        case 401:
            return "the hub does not know this token (401); `hf auth login` or set HF_TOKEN again"
        case 403:
            return f"not for this token (403); ask for access at {page}, or give the token leave to read gated ones"
        case 429:
            return "too many requests (429); wait some minutes and run again; `hf auth login` raises the limit"
        case _:
            return f"the hub answers with an error ({status}); run again later, what has come is kept"


class DatasetHub:
    """The Hugging Face hub, and files elsewhere for data sets that it has not.

    Args:
        endpoint: of the hub; None for its own.
        sources: what `sources.yaml` of the paper's suite says.
    """

    def __init__(self, endpoint: str | None = None, sources: Mapping[str, Any] | None = None) -> None:
        text = (PAPER_SUITE / "sources.yaml").read_text(encoding="utf-8")
        self.sources: Mapping[str, Any] = yaml.safe_load(text) if sources is None else sources
        self._endpoint = endpoint

    def resolve(self, paths: Iterable[str], pinned: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """The revision of each data set, its licence and whether it is gated; asks for leave to read each.

        Args:
            pinned: revisions that are fixed already; of a data set without one the newest.

        Raises:
            FlexmoreError: one line for each that cannot be read: what is missing, what to do.
        """
        found: dict[str, dict[str, Any]] = {}
        problems = []
        for path in paths:
            about = self.sources["datasets"].get(path, {})
            revision = pinned.get(path) or about.get("revision")
            if "url" in about:
                found[path] = {"revision": revision, "licence": None, "gated": False}
                continue
            try:
                found[path] = self._about(path, revision)
            except FlexmoreError as error:
                problems.append(f"  {path}: {error}")
        if problems:
            raise FlexmoreError("\n".join(["data sets that cannot be read; nothing was fetched:", *problems]))
        return found

    def load(self, path: str, part: str, revision: str, splits: Iterable[str], cache: Path) -> Mapping[str, "Dataset"]:
        """The splits of a part at a revision.

        Args:
            cache: a folder for what is downloaded; the splits are read from it.

        Raises:
            FlexmoreError: it cannot be fetched, or lacks a split.
        """
        import datasets

        about = self.sources["datasets"].get(path, {})
        loaded: Mapping[str, Dataset]
        if "url" in about:
            file = cache / f"{revision}-{part}.jsonl"
            write_bytes(file, self.fetch(about["url"].format(revision=revision, part=part)))
            loaded = {"test": datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(cache))}
        else:
            name = None if part == "default" else part
            try:
                loaded = datasets.load_dataset(path, name, revision=revision, cache_dir=str(cache))
            except Exception as error:  # of whichever library it went through
                raise _unreadable(f"{path} ({part}) at {revision}", error) from None
        if lacking := [split for split in splits if split not in loaded]:
            raise FlexmoreError(f"{path} ({part}) at {revision}: no split {lacking[0]!r}; it has {', '.join(loaded)}")
        return loaded

    def fetch(self, url: str) -> bytes:
        """A file's bytes.

        Raises:
            FlexmoreError: it cannot be fetched.
        """
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, TimeoutError) as error:
            raise FlexmoreError(f"{url}: cannot be fetched ({error}); run this where there is a network") from None

    def _about(self, path: str, revision: str | None) -> dict[str, Any]:
        info = ask(path, "dataset", revision, self._endpoint)
        card = info.card_data
        return {"revision": info.sha, "licence": card.get("license") if card else None, "gated": info.gated}
