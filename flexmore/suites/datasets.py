"""The data sets of the paper's tasks into `datasets/`: acquired once, at recorded revisions; evaluation is offline.

Each part of a data set (its `dataset_name`) is a folder of its own with the splits that tasks use, of a train split
only the rows that are shown as shots: `datasets` would read all that a data set's card says for each of its parts. The
lock says which revision that is and what was in it; where it says so already, anything else is refused.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flexmore.config.study import Study
from flexmore.config.suite import PAPER_SUITE
from flexmore.errors import FlexmoreError
from flexmore.evaluation.olmes.items import SHOTS
from flexmore.evaluation.olmes.shots import curated_items, read_curated
from flexmore.files import atomic_folder, read_json, write_json
from flexmore.hub.datasets import DatasetHub
from flexmore.progress import track

if TYPE_CHECKING:
    from datasets import Dataset

Content = dict[str, dict[str, Any]]
"""Split -> its rows and the SHA-256 of their content."""


@dataclass(frozen=True)
class Part:
    """A part of a data set and the splits that tasks take from it."""

    path: str
    part: str
    splits: tuple[str, ...]

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"{self.path} ({self.part})"


def parts_of(names: Iterable[str]) -> list[Part]:
    """The parts that the named tasks of the paper need, each once, in the tasks' order."""
    splits: dict[tuple[str, str], dict[str, None]] = {}
    configs = _configs(resolve=False)
    for name in names:
        config = configs[name]
        key = (config["dataset_path"], config.get("dataset_name") or "default")
        taken = (config["test_split"], config.get("fewshot_split"))
        splits.setdefault(key, {}).update(dict.fromkeys(split for split in taken if split))
    return [Part(path, part, tuple(taken)) for (path, part), taken in splits.items()]


def acquire_datasets(study: Study, names: Iterable[str], hub: DatasetHub) -> str:
    """Put what the named tasks need into `datasets/`; `source.json`, written last, says that it is whole.

    Before anything is fetched, every data set is asked for: a licence to accept or a missing token shows at once.

    Args:
        hub: where data sets come from.

    Returns:
        A line that says what was done.

    Raises:
        FlexmoreError: the suite has none, one cannot be had, or differs from what the lock recorded.
    """
    if study.suite.source != "paper":
        raise FlexmoreError(
            f"suite.source: found {study.suite.source!r}; only the paper's suite has data sets to acquire"
        )
    names = list(names)
    parts, path, folder = parts_of(names), Path(study.suite.lock), study.paths.datasets
    lock: dict[str, Any] = read_json(path) if path.is_file() else {"datasets": {}}
    missing = [part for part in parts if not _is_there(folder, part, lock)]
    pinned = {name: str(entry["revision"]) for name, entry in lock["datasets"].items()}
    found = hub.resolve(dict.fromkeys(part.path for part in missing), pinned)
    for part in track(missing, len(missing), "acquire data sets"):
        entry = lock["datasets"].setdefault(part.path, {**found[part.path], "parts": {}})
        revision, recorded = entry["revision"], entry["parts"].get(part.part, {})
        data = hub.load(part.path, part.part, revision, part.splits, study.paths.cache / "datasets")
        content = _publish(folder / part.path / part.part, part, revision, data, recorded)
        entry["parts"][part.part] = {**recorded, **content}
        write_json(path, lock)
    if study.suite.shots == "olmes":
        _acquire_shots(study, names, hub, lock)
        write_json(path, lock)
    write_json(folder / "source.json", lock)
    return (
        f"{len(parts)} parts of data sets in {folder}/, {len(missing)} fetched now; their revisions and content: {path}"
    )


def content_of(rows: "Dataset") -> dict[str, Any]:
    """How many rows, and the SHA-256 of their values: what a file's bytes say depends on the version that wrote it."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=True, default=str).encode() + b"\n")
    return {"rows": len(rows), "sha256": digest.hexdigest()}


def _publish(folder: Path, part: Part, revision: str, data: Mapping[str, "Dataset"], recorded: Content) -> Content:
    """Write a part as `datasets` reads it; returns its content, which must be what was recorded."""
    content: Content = {}
    with atomic_folder(folder) as temporary:
        for split in part.splits:
            rows = data[split]
            rows = rows.select(range(min(SHOTS, len(rows)))) if split == "train" else rows
            content[split] = content_of(rows)
            expected = recorded.get(split, content[split])
            if content[split] != expected:
                raise FlexmoreError(
                    f"{part.name} at {revision}, split {split}: found {content[split]}, the lock recorded {expected}; "
                    "the data moved under their revision: find out why, or take it out of the lock to accept them"
                )
            rows.to_parquet(temporary / f"{split}.parquet")
        files = [{"split": split, "path": f"{split}.parquet"} for split in part.splits]
        card = yaml.safe_dump({"configs": [{"config_name": part.part, "data_files": files}]}, sort_keys=False)
        (temporary / "README.md").write_text(f"---\n{card}---\n\n{part.name} at {revision}: what the tasks use.\n")
        write_json(temporary / "source.json", {"revision": revision, "content": content})
    return content


def _is_there(folder: Path, part: Part, lock: Mapping[str, Any]) -> bool:
    """Whether a part was acquired before, as the lock has it."""
    path, entry = folder / part.path / part.part / "source.json", lock["datasets"].get(part.path)
    if entry is None or not path.is_file():
        return False
    recorded = entry["parts"].get(part.part, {})
    content = {split: recorded.get(split) for split in part.splits}
    return bool(read_json(path) == {"revision": entry["revision"], "content": content})


def _acquire_shots(study: Study, names: Iterable[str], hub: DatasetHub, lock: dict[str, Any]) -> None:
    """OLMES' curated shots of the named tasks, as `shots/<task>.json`."""
    about = hub.sources["shots"]
    text = hub.fetch(about["url"].format(revision=about["revision"]))
    found = {"revision": about["revision"], "sha256": hashlib.sha256(text).hexdigest()}
    if found != (expected := lock.setdefault("shots", found)):
        raise FlexmoreError(f"OLMES' shots: found {found}, the lock recorded {expected}; the file moved: find out why")
    curated, configs = read_curated(text.decode()), _configs(resolve=True)
    with atomic_folder(study.paths.datasets / "shots") as temporary:
        for name in names:
            if key := about["keys"].get(name):
                items = curated_items(name, key, curated, configs[name]["process_docs"])
                write_json(temporary / f"{name}.json", items)


def _configs(resolve: bool) -> dict[str, dict[str, Any]]:
    """Task -> its YAML, includes and all; with its functions or only their names."""
    from lm_eval.tasks._yaml_loader import load_yaml

    found = [load_yaml(path, resolve_func=resolve) for path in sorted(PAPER_SUITE.rglob("*/*.yaml"))]
    return {config["task"]: config for config in found if "task" in config}
