"""Data sets on the Hugging Face hub, and files elsewhere for data sets that the hub lacks."""

import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flexmore.errors import FlexmoreError
from flexmore.files import disk_problem, write_bytes
from flexmore.hub.client import TIMEOUT, ask

if TYPE_CHECKING:
    from datasets import Dataset


class DatasetHub:
    """Find and download data sets, from the Hugging Face hub or from the address that `sources` gives.

    Attributes:
        sources: `datasets`: for each data set that needs it the `revision`, and the `url` where it is not on the hub;
            what else the caller's file holds is kept.

    Args:
        endpoint: the hub's address; None for the Hugging Face hub.
    """

    def __init__(self, sources: Mapping[str, Any], endpoint: str | None = None) -> None:
        self.sources = sources
        self._endpoint = endpoint

    def resolve(self, paths: Iterable[str], pinned: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """Return revision, licence and gate of each data set, after asking for leave to read it.

        Args:
            pinned: revisions that are fixed already; a data set without one gets that of `sources`, or the newest.

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
            raise FlexmoreError("\n".join(["data sets that cannot be read; nothing was downloaded:", *problems]))
        return found

    def load(
        self, path: str, config: str, revision: str, splits: Iterable[str], cache: Path
    ) -> Mapping[str, "Dataset"]:
        """Return the splits of a data set's config at a revision.

        Args:
            config: its name; `default` for that of a data set with one alone.
            splits: that it must have.
            cache: a folder for what is downloaded; the splits are read from it.

        Raises:
            FlexmoreError: it cannot be downloaded, or lacks a split.
        """
        import datasets

        about = self.sources["datasets"].get(path, {})
        loaded: Mapping[str, Dataset]
        if "url" in about:
            file = cache / f"{revision}-{config}.jsonl"
            write_bytes(file, self.fetch(about["url"].format(revision=revision, config=config)))
            loaded = {"test": datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(cache))}
        else:
            name = None if config == "default" else config
            try:
                loaded = datasets.load_dataset(path, name, revision=revision, cache_dir=str(cache))
            except Exception as error:  # of any of the libraries that `datasets` uses
                raise _unreadable(f"{path} ({config}) at {revision}", error) from None
        if lacking := [split for split in splits if split not in loaded]:
            raise FlexmoreError(f"{path} ({config}) at {revision}: no split {lacking[0]!r}; it has {', '.join(loaded)}")
        return loaded

    def fetch(self, url: str) -> bytes:
        """Return a file's bytes.

        Raises:
            FlexmoreError: it cannot be downloaded.
        """
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, TimeoutError) as error:
            raise FlexmoreError(f"{url}: cannot be downloaded ({error}); run this where there is a network") from None

    def _about(self, path: str, revision: str | None) -> dict[str, Any]:
        info = ask(path, "dataset", revision, self._endpoint)
        card = info.card_data
        return {"revision": info.sha, "licence": card.get("license") if card else None, "gated": info.gated}


def _unreadable(what: str, error: Exception) -> Exception:
    """Turn an error of `datasets` into a message with the next step; leave an error of the disk as it is."""
    if disk_problem(error):
        return error
    first = str(error).strip().splitlines()[:1]
    return FlexmoreError(
        f"{what}: cannot be downloaded ({type(error).__name__}: {' '.join(first)}); run again where there is a "
        "network, what has come is kept"
    )
