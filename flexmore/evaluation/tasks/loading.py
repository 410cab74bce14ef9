"""Load a suite's tasks by lm-eval, with acquired data sets and shots instead of those that their YAMLs name."""

import functools
import logging
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import INDEX, TaskInfo
from flexmore.evaluation.tasks.shots import show_no_own_answer
from flexmore.files import read_json

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks import TaskManager


def open_tasks(folder: Path) -> "TaskManager":
    """Return lm-eval's task manager over the YAMLs under `folder` alone (its own 10,000 tasks take 4 s to index)."""
    from lm_eval.tasks import TaskManager

    _compile_templates_once()
    logging.getLogger("lm_eval.api.task").addFilter(_is_worth_showing)
    return TaskManager(include_path=str(folder), include_defaults=False)


def load_task(manager: "TaskManager", info: TaskInfo, seed: int, datasets: Path | None = None) -> "ConfigurableTask":
    """Return one task with its documents, as `lm_eval.simple_evaluate` prepares it.

    Shots in the suite's `shots/<task>.json` replace those that the YAML would show. None shows a document's own answer.

    Python's and numpy's generators are seeded for each task, so that a task that shuffles its documents has the same
    order whichever other tasks are loaded.

    Args:
        info: what the index says of it.
        seed: of the few-shot sampler, and of what the task's own code draws while it is loaded.
        datasets: see `Suite`.

    Raises:
        FlexmoreError: no YAML that lm-eval can read defines the task, its data set has not been acquired, or the index
            says something else of it than YAML and data.
    """
    import numpy

    name = info.task
    if name not in manager.all_subtasks:
        raise FlexmoreError(
            f"{manager.include_path}: no readable YAML has `task: {name}`, although {INDEX} lists it; "
            "correct the YAML or the index"
        )
    random.seed(seed)
    numpy.random.seed(seed)
    task: ConfigurableTask = manager.load([_with_acquired_data(manager, name, datasets)])["tasks"][name]
    if task.get_config("num_fewshot") is None:
        task.set_config(key="num_fewshot", value=0)
    _check_index(manager, info, task, datasets is None)
    task.set_fewshot_seed(seed=seed)
    show_no_own_answer(task)
    return task


def _check_index(manager: "TaskManager", info: TaskInfo, task: "ConfigurableTask", own_data: bool) -> None:
    """Check that the index says of a task what its YAML says, and of its data how many items they are.

    Args:
        own_data: whether the suite comes with its data; of acquired ones the lock says what they are.

    Raises:
        FlexmoreError: it does not.
    """
    found: dict[str, Any] = {key: task.get_config(key) for key in ("output_type", "num_fewshot")}
    if own_data:
        found["n"] = len(task.eval_docs)
    for key, value in found.items():
        if value != (said := getattr(info, key)):
            index, where = Path(str(manager.include_path)) / INDEX, "its data have" if key == "n" else "the YAML has"
            raise FlexmoreError(
                f"{index}: found {key} {said!r} of {info.task}, but {where} {value!r} "
                f"({manager.task_index[info.task].yaml_path}); correct the index or the task"
            )


def _with_acquired_data(manager: "TaskManager", name: str, datasets: Path | None) -> str | dict[str, Any]:
    """Return a task as lm-eval loads it: its name, or its YAML with acquired data and shots.

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
        path, dataset_name = config["dataset_path"], config.get("dataset_name") or "default"
        folder = datasets / path / dataset_name
        if not (folder / "README.md").is_file():
            raise FlexmoreError(
                f"{folder}: the data set {path} ({dataset_name}) has not been acquired; "
                "run `flexmore datasets` on a machine with a network"
            )
        config["dataset_path"], config["dataset_name"] = str(folder.resolve()), dataset_name
        # not the common cache, where `datasets` takes two folders of the same name for one data set
        config["dataset_kwargs"] = {"cache_dir": str(folder / ".cache")}
    return config


def _is_worth_showing(record: logging.LogRecord) -> bool:
    """Tell whether to show a message of lm-eval: not its advice on its command line for tasks with a loader."""
    return "Custom kwargs can be passed" not in record.getMessage()


def _compile_templates_once() -> None:
    """Let lm-eval compile each Jinja template once, instead of for every field of every document (0.3 ms each)."""
    from lm_eval import utils

    if not hasattr(utils.env.from_string, "cache_info"):
        utils.env.from_string = functools.lru_cache(maxsize=4096)(utils.env.from_string)
