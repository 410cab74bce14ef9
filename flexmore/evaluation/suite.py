"""Suites on disk: an `index.json` that says which tasks there are, and lm-eval's task YAMLs with their data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from flexmore.config.evaluation import EvaluateSettings
from flexmore.errors import FlexmoreError
from flexmore.files import fingerprint, read_json

INDEX = "index.json"
SOURCE = "source.json"
"""Of a suite that was written for a study: the SHA-256 of every file; of data sets: the lock."""
PAPER_SUITE = Path(__file__).parent / "paper"
"""The tasks of the paper: lm-eval YAMLs and an index.json."""


@dataclass(frozen=True)
class TaskInfo:
    """Hold what a suite's index says of one task.

    Attributes:
        domain: the expert whose field this is, or None.
        metric: its primary metric, such as `acc` or `exact_match`; `metric,filter` if it has several filters.
        n: number of items in its data.
    """

    task: str
    group: str
    domain: str | None
    metric: str
    output_type: str
    num_fewshot: int
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return its entry in `index.json`."""
        return asdict(self)


@dataclass(frozen=True)
class Suite:
    """Hold the tasks of a folder, in the order in which tables list them. Reading one needs neither torch nor lm-eval.

    Attributes:
        datasets: where acquired data sets are: a folder for each `dataset_path` and in it one for each `dataset_name`
            (`default` for none); None if the tasks' YAMLs say where their data are.
    """

    folder: Path
    index: tuple[TaskInfo, ...]
    datasets: Path | None = None

    @classmethod
    def read(cls, folder: Path, datasets: Path | None = None) -> "Suite":
        """Read `folder/index.json`.

        Raises:
            FlexmoreError: it is missing, is not JSON, lists a task twice or has an entry with other keys.
        """
        path = folder / INDEX
        entries = read_json(path)
        keys = {field.name for field in fields(TaskInfo)}
        if not isinstance(entries, list) or not entries:
            raise FlexmoreError(f"{path}: found no list of tasks; expected an entry for each task with {sorted(keys)}")
        for entry in entries:
            if not isinstance(entry, Mapping) or set(entry) != keys:
                raise FlexmoreError(f"{path}: found the entry {entry!r}; expected exactly the keys {sorted(keys)}")
        index = tuple(TaskInfo(**entry) for entry in entries)
        names = [info.task for info in index]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise FlexmoreError(f"{path}: lists the task {twice[0]!r} more than once; give each its own name")
        return cls(folder, index, datasets)

    def select(self, names: Sequence[str] | None) -> "Suite":
        """Return the suite cut down to `names`, in the suite's own order; None keeps it whole.

        Raises:
            FlexmoreError: a name is not in the suite.
        """
        if names is None:
            return self
        known = [info.task for info in self.index]
        if unknown := [name for name in names if name not in known]:
            listed = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
            raise FlexmoreError(f"{self.folder / INDEX}: no task {unknown[0]!r}; it has {listed}")
        return Suite(self.folder, tuple(info for info in self.index if info.task in set(names)), self.datasets)


def suite_identity(folder: Path, datasets: Path | None = None) -> str:
    """Return a digest of what a suite, and its data sets where it has some, say they were written from."""
    files = [found / SOURCE for found in (folder, datasets) if found is not None]
    return fingerprint([path.read_text(encoding="utf-8") for path in files if path.is_file()])


def evaluated_with(suite: str, settings: EvaluateSettings) -> dict[str, Any]:
    """Return what scores depend on besides the weights: the settings, by key, and the suite (`suite_identity`)."""
    return {**settings.result_settings, "suite": suite}
