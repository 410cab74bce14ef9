"""Tasks of a suite loaded by lm-eval, with acquired data sets and shots in the place of those that their YAMLs name."""

import functools
import logging
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import INDEX
from flexmore.files import read_json

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks import TaskManager


def open_tasks(folder: Path) -> "TaskManager":
    """lm-eval's task manager over the YAMLs under `folder` alone (its own 10,000 tasks take 4 s to index)."""
    from lm_eval.tasks import TaskManager

    _compile_templates_once()
    logging.getLogger("lm_eval.api.task").addFilter(_is_news)
    return TaskManager(include_path=str(folder), include_defaults=False)


def load_task(manager: "TaskManager", name: str, seed: int, datasets: Path | None = None) -> "ConfigurableTask":
    """One task with its documents, as `lm_eval.simple_evaluate` prepares it.

    Shots that lie in the suite as `shots/<task>.json` take the place of those that the YAML would show.

    Python's and numpy's generators are seeded for each task, so that a task that shuffles its documents finds
    them in the same order whichever others are loaded.

    Args:
        seed: of the few-shot sampler and of whatever the task's own code draws while loading.
        datasets: see `Suite`.

    Raises:
        FlexmoreError: no YAML that lm-eval can read defines the task.
    """
    import numpy

    if name not in manager.all_subtasks:
        raise FlexmoreError(
            f"{manager.include_path}: no readable YAML has `task: {name}`, although {INDEX} lists it; "
            "correct the YAML or the index"
        )
    random.seed(seed)
    numpy.random.seed(seed)
    task: ConfigurableTask = manager.load([_with_acquired(manager, name, datasets)])["tasks"][name]
    if task.get_config("num_fewshot") is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=seed)
    return task


def _with_acquired(manager: "TaskManager", name: str, datasets: Path | None) -> str | dict[str, Any]:
    """The task as lm-eval is asked for it: by name, or as its YAML with acquired data and shots in it.

    Raises:
        FlexmoreError: the data set has not been acquired.
    """
    from lm_eval.tasks._yaml_loader import load_yaml

    shots = Path(str(manager.include_path)) / "shots" / f"{name}.json"
    if datasets is None and not shots.is_file():
        return name
    config: dict[str, Any] = load_yaml(manager.task_index[name].yaml_path)
    if shots.is_file():
        config["fewshot_split"] = None
        config["fewshot_config"] = {"sampler": "first_n", "samples": read_json(shots)}
    if datasets is not None:
        path, part = config["dataset_path"], config.get("dataset_name") or "default"
        folder = datasets / path / part
        if not (folder / "README.md").is_file():
            raise FlexmoreError(
                f"{folder}: the data set {path} ({part}) has not been acquired; "
                "run `flexmore datasets` where there is a network"
            )
        config["dataset_path"], config["dataset_name"] = str(folder.resolve()), part
        # not the common cache: there `datasets` takes two folders of the same name for one data set
        config["dataset_kwargs"] = {"cache_dir": str(folder / ".cache")}
    return config


def _is_news(record: logging.LogRecord) -> bool:
    """Whether to show a message of lm-eval's: not its advice on the command line for each task with its own loader."""
    return "Custom kwargs can be passed" not in record.getMessage()


def _compile_templates_once() -> None:
    """Let lm-eval compile each Jinja template once: it does so for every field of every document (0.3 ms each)."""
    from lm_eval import utils

    if not hasattr(utils.env.from_string, "cache_info"):
        utils.env.from_string = functools.lru_cache(maxsize=4096)(utils.env.from_string)
