"""Data sets on the Hugging Face hub, and files elsewhere for those that it has not."""

import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flexmore.config.suite import PAPER_SUITE
from flexmore.errors import FlexmoreError
from flexmore.files import disk_problem, write_bytes
from flexmore.hub.client import TIMEOUT, ask

if TYPE_CHECKING:
    from datasets import Dataset


def _unreadable(what: str, error: Exception) -> Exception:
    """An error of `datasets` as a message with the next step; one of the disk as it is."""
    if disk_problem(error):
        return error
    first = str(error).strip().splitlines()[:1]
    return FlexmoreError(
        f"{what}: cannot be fetched ({type(error).__name__}: {' '.join(first)}); run again where there is a network, "
        "what has come is kept"
    )


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
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, TimeoutError) as error:
            raise FlexmoreError(f"{url}: cannot be fetched ({error}); run this where there is a network") from None

    def _about(self, path: str, revision: str | None) -> dict[str, Any]:
        info = ask(path, "dataset", revision, self._endpoint)
        card = info.card_data
        return {"revision": info.sha, "licence": card.get("license") if card else None, "gated": info.gated}
