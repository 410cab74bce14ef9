"""Acquire the data sets of the paper's tasks into `datasets/`, once and at recorded revisions; evaluation is offline.

Each config of a data set (a task's `dataset_name`) gets a folder with the splits that tasks use; of a train split it
holds only the rows that are shown as few-shot examples, and one to spare. The lock records revision and content of
every data set; what differs from it is refused.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.olmes.items import SHOTS
from flexmore.evaluation.olmes.shots import curated_items, read_curated
from flexmore.evaluation.suite import PAPER_SUITE
from flexmore.files import atomic_folder, read_json, write_json
from flexmore.hub.datasets import DatasetHub
from flexmore.progress import track

if TYPE_CHECKING:
    from datasets import Dataset

Content = dict[str, dict[str, Any]]
"""Split -> the number of its rows and the SHA-256 of their content."""


@dataclass(frozen=True)
class DatasetConfig:
    """Hold a config of a data set and the splits that tasks take from it.

    Attributes:
        path: the data set's, owner/name on the hub.
        config: a task's `dataset_name`; `default` where it gives none.
    """

    path: str
    config: str
    splits: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path} ({self.config})"


def needed_configs(names: Iterable[str]) -> list[DatasetConfig]:
    """Return the configs of data sets that the named tasks of the paper need, each once, in the order of the tasks."""
    splits: dict[tuple[str, str], dict[str, None]] = {}
    tasks = _read_tasks(resolve=False)
    for name in names:
        task = tasks[name]
        key = (task["dataset_path"], task.get("dataset_name") or "default")
        taken = (task["test_split"], task.get("fewshot_split"))
        splits.setdefault(key, {}).update(dict.fromkeys(split for split in taken if split))
    return [DatasetConfig(path, config, tuple(taken)) for (path, config), taken in splits.items()]


def read_sources() -> Mapping[str, Any]:
    """Return where the paper's data sets and few-shot examples come from, as `sources.yaml` of its suite says."""
    content: Mapping[str, Any] = yaml.safe_load((PAPER_SUITE / "sources.yaml").read_text(encoding="utf-8"))
    return content


def acquire_datasets(study: Study, names: Iterable[str], hub: DatasetHub | None = None) -> str:
    """Put what the named tasks need into `datasets/`; `source.json`, written last, says that it is complete.

    Every data set is asked for before anything is downloaded, so a missing licence or token shows at once.

    Args:
        hub: where data sets come from; None for the Hugging Face hub and what `sources.yaml` names.

    Returns:
        A line that says what was done.

    Raises:
        FlexmoreError: the suite has no data sets, one cannot be read, or one differs from what the lock records.
    """
    if study.suite.source != "paper":
        raise FlexmoreError(
            f"suite.source: found {study.suite.source!r}; only the paper's suite has data sets to acquire"
        )
    hub = hub or DatasetHub(read_sources())
    names = list(names)
    needed, path, folder = needed_configs(names), Path(study.suite.lock), study.paths.datasets
    lock: dict[str, Any] = read_json(path) if path.is_file() else {"datasets": {}}
    missing = [wanted for wanted in needed if not _is_acquired(folder, wanted, lock)]
    pinned = {name: str(entry["revision"]) for name, entry in lock["datasets"].items()}
    found = hub.resolve(dict.fromkeys(wanted.path for wanted in missing), pinned)
    for wanted in track(missing, len(missing), "acquire data sets"):
        entry = lock["datasets"].setdefault(wanted.path, {**found[wanted.path], "configs": {}})
        revision, recorded = entry["revision"], entry["configs"].get(wanted.config, {})
        data = hub.load(wanted.path, wanted.config, revision, wanted.splits, study.paths.cache / "datasets")
        content = _write_config(folder / wanted.path, wanted, revision, data, recorded)
        entry["configs"][wanted.config] = {**recorded, **content}
        write_json(path, lock)
    if study.suite.shots == "olmes":
        _acquire_shots(study, names, hub, lock)
        write_json(path, lock)
    write_json(folder / "source.json", lock)
    return f"{len(needed)} configs of data sets in {folder}/, {len(missing)} fetched now; revisions and content: {path}"


def content_of(rows: "Dataset") -> dict[str, Any]:
    """Return the number of rows and the SHA-256 of their values, which no version of a file format changes."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=True, default=str).encode() + b"\n")
    return {"rows": len(rows), "sha256": digest.hexdigest()}


def _write_config(
    folder: Path, wanted: DatasetConfig, revision: str, data: Mapping[str, "Dataset"], recorded: Content
) -> Content:
    """Write a config below a data set's folder, as `datasets` reads it; return its content, which is checked."""
    content: Content = {}
    with atomic_folder(folder / wanted.config, folder) as temporary:
        for split in wanted.splits:
            rows = data[split]
            rows = rows.select(range(min(SHOTS, len(rows)))) if split == "train" else rows
            content[split] = content_of(rows)
            expected = recorded.get(split, content[split])
            if content[split] != expected:
                raise FlexmoreError(
                    f"{wanted} at {revision}, split {split}: found {content[split]}, the lock recorded {expected}; "
                    "the data changed under their revision: find out why, or remove them from the lock to accept them"
                )
            rows.to_parquet(temporary / f"{split}.parquet")
        files = [{"split": split, "path": f"{split}.parquet"} for split in wanted.splits]
        card = yaml.safe_dump({"configs": [{"config_name": wanted.config, "data_files": files}]}, sort_keys=False)
        (temporary / "README.md").write_text(f"---\n{card}---\n\n{wanted} at {revision}: what the tasks use.\n")
        write_json(temporary / "source.json", {"revision": revision, "content": content})
    return content


def _is_acquired(folder: Path, wanted: DatasetConfig, lock: Mapping[str, Any]) -> bool:
    """Tell whether a config was acquired before, with the revision and content that the lock records."""
    path, entry = folder / wanted.path / wanted.config / "source.json", lock["datasets"].get(wanted.path)
    if entry is None or not path.is_file():
        return False
    recorded = entry["configs"].get(wanted.config, {})
    content = {split: recorded.get(split) for split in wanted.splits}
    return bool(read_json(path) == {"revision": entry["revision"], "content": content})


def _acquire_shots(study: Study, names: Iterable[str], hub: DatasetHub, lock: dict[str, Any]) -> None:
    """Write OLMES' curated few-shot examples of the named tasks as `shots/<task>.json`."""
    about = hub.sources["shots"]
    text = hub.fetch(about["url"].format(revision=about["revision"]))
    found = {"revision": about["revision"], "sha256": hashlib.sha256(text).hexdigest()}
    if found != (expected := lock.setdefault("shots", found)):
        raise FlexmoreError(f"OLMES' shots: found {found}, the lock recorded {expected}; the file changed: ask why")
    curated, tasks = read_curated(text.decode()), _read_tasks(resolve=True)
    with atomic_folder(study.paths.datasets / "shots", study.paths.datasets) as temporary:
        for name in names:
            if key := about["keys"].get(name):
                write_json(temporary / f"{name}.json", curated_items(tasks[name], key, curated))


def _read_tasks(resolve: bool) -> dict[str, dict[str, Any]]:
    """Return the YAML of each of the paper's tasks, includes resolved.

    Args:
        resolve: whether functions are imported, or left as their names.
    """
    from lm_eval.tasks._yaml_loader import load_yaml

    found = [load_yaml(path, resolve_func=resolve) for path in sorted(PAPER_SUITE.rglob("*/*.yaml"))]
    return {task["task"]: task for task in found if "task" in task}
