"""Section `suite`: which tasks are evaluated."""

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, model_validator

from flexmore.config.base import Settings, is_elsewhere
from flexmore.config.names import GROUPS
from flexmore.errors import ConfigError


class SuiteSettings(Settings):
    """Hold which tasks are evaluated."""

    source: Literal["pocket", "paper", "folder"] = Field(
        "pocket",
        description="pocket: 120 small tasks; paper: the paper's 120 tasks in OLMES' form (docs/tasks.md); folder: "
        "your own",
    )
    path: str | None = Field(
        None, description="with `source: folder`: the folder, with lm-eval YAMLs and an index.json"
    )
    tasks: list[str] | None = Field(None, description="names of the tasks to evaluate; null: all of the suite")
    shots: Literal["own", "olmes"] = Field(
        "own",
        description="with `source: paper`, the examples shown in MC9, Gen5 and AGIEval: the data set's first rows, or "
        "OLMES' curated ones, which are downloaded",
    )
    words_metric: Literal["exact_match", "f1"] = Field(
        "exact_match", description="with `source: paper`: the primary metric of Gen5; the other one is kept too"
    )
    lock: str = Field(
        "config/paper.lock.json",
        description="with `source: paper`: file that records revision and content of each data set when first acquired",
    )

    @model_validator(mode="after")
    def _folder(self, info: ValidationInfo) -> "SuiteSettings":
        here = is_elsewhere(info) or (self.path is not None and Path(self.path, "index.json").is_file())
        if self.source == "folder" and not here:
            found = "missing" if self.path is None else f"{self.path!r} is not a folder with an index.json"
            raise ValueError(f"path: {found}; `source: folder` needs a folder with lm-eval YAMLs and an index.json")
        if self.source != "folder" and self.path is not None:
            raise ValueError(f"path: found {self.path!r}; a path goes with `source: folder`")
        own = {"shots", "words_metric", "lock"} & self.model_fields_set
        changed = sorted(key for key in own if getattr(self, key) != type(self).model_fields[key].default)
        if self.source != "paper" and changed:
            raise ValueError(f"{changed[0]}: found {getattr(self, changed[0])!r}; it goes with `source: paper`")
        if self.tasks is not None and (not self.tasks or len(set(self.tasks)) != len(self.tasks)):
            raise ValueError(f"tasks: found {self.tasks}; expected at least one name and none twice, or null for all")
        return self

    @property
    def groups(self) -> list[str]:
        """Return the groups that the suite's tasks belong to."""
        if self.source != "folder":
            return list(GROUPS)
        path = Path(str(self.path), "index.json")
        try:
            return list(dict.fromkeys(str(entry["group"]) for entry in json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, KeyError, TypeError) as error:
            what = f"{type(error).__name__}: {error}"
            raise ConfigError(f"{path}: not a list of tasks in JSON, each with a group ({what}); correct it") from None
