"""The pocket suite on disk: lm-eval task YAMLs on local JSONL, and an index.

`suite/<group>/<task>.yaml` reads its data by the hook `items.py` in the same folder: `datasets.load_dataset` would copy
120 data sets to the user's home and take a minute. The folder can be moved, and lm-eval reads it without this package
(`lm_eval --include_path`).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from flexmore.config.pocket import PocketSettings
from flexmore.files import write_json, write_text
from flexmore.pocket.tasks import FACT, PROBLEM, Item, Task, build_tasks

VERSION = 3
LONGEST_ANSWER = 24
CONCLUSIONS = ("total", "leaves", "order")
"""The words that come between worked steps and the answer."""
LOADER = '''"""The hook by which lm-eval reads this folder's tasks."""

import json
from pathlib import Path

from datasets import Dataset


def load(task, **metadata):
    """The task's items and its few-shot examples."""
    data = Path(__file__).resolve().parent.parent / "data"
    splits = {"test": f"{task}.jsonl", "examples": f"{task}.examples.jsonl"}
    return {
        split: Dataset.from_list([json.loads(line) for line in (data / name).read_text("utf-8").splitlines()])
        for split, name in splits.items()
    }
'''


def write_suite(folder: Path, settings: PocketSettings, seed: int) -> None:
    """Write the 120 tasks to `folder`; the same arguments give the same bytes.

    `index.json`, written last, lists task, group, domain, metric, output_type, num_fewshot and n of each.
    """
    index = []
    for task in build_tasks(settings, seed):
        info = task.info
        index.append(info.to_json())
        _write_lines(folder / "data" / f"{info.task}.jsonl", task.test)
        _write_lines(folder / "data" / f"{info.task}.examples.jsonl", task.examples)
        write_text(folder / info.group / f"{info.task}.yaml", _yaml(task))
    for group in dict.fromkeys(entry["group"] for entry in index):
        write_text(folder / group / "items.py", LOADER)
    write_json(folder / "index.json", index)


def _write_lines(path: Path, items: Sequence[Item]) -> None:
    write_text(path, "".join(f"{json.dumps(item, separators=(',', ':'))}\n" for item in items))


def _yaml(task: Task) -> str:
    info = task.info
    config: dict[str, Any] = {
        "task": info.task,
        "dataset_kwargs": {"task": info.task},
        "test_split": "test",
        "fewshot_split": "examples",
        "fewshot_config": {"sampler": "first_n"},
        "fewshot_delimiter": " . ",
        "output_type": info.output_type,
        "doc_to_text": "question",
        "doc_to_target": "answer",
    }
    if info.output_type == "multiple_choice":
        config |= {"doc_to_choice": "choices"}
    else:
        config |= _generation(worked="steps" in task.test[0])
    config |= {
        "metric_list": [{"metric": info.metric, "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": VERSION, "domain": info.domain, "cluster": FACT if FACT in task.test[0] else PROBLEM},
    }
    if info.num_fewshot:
        config["num_fewshot"] = info.num_fewshot
    hook = "custom_dataset: !function items.load\n"
    return hook + yaml.safe_dump(config, sort_keys=False, width=110)


def _generation(worked: bool) -> dict[str, Any]:
    """Return the settings of greedy generation up to the full stop; the answer comes before it, after any steps."""
    pattern = rf"\b(?:{'|'.join(CONCLUSIONS)}) (.*\S)" if worked else r"^\s*(.*\S)"
    config: dict[str, Any] = {
        "generation_kwargs": {"until": ["."], "do_sample": False, "max_gen_toks": LONGEST_ANSWER},
        "filter_list": [
            {
                "name": "answer",
                "filter": [{"function": "regex", "regex_pattern": pattern}, {"function": "take_first"}],
            }
        ],
    }
    if worked:
        config["fewshot_config"] = {"sampler": "first_n", "doc_to_target": "{{steps}} {{answer}}"}
    return config
