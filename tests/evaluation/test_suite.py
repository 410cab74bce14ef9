"""Suites on disk: the index, the choice of tasks, loading through lm-eval."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_suite import CHOICE, all_kinds, write_suite, write_task

from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import Suite, load_tasks


def test_reading_and_selecting(suite: Path) -> None:
    whole = Suite.read(suite)
    assert [info.task for info in whole.index] == list(all_kinds())
    assert whole.select(None) is whole
    assert [info.task for info in whole.select(["stops", "single"]).index] == ["single", "stops"]
    with pytest.raises(FlexmoreError, match=r"'singel'.*single"):
        whole.select(["singel"])
    assert [info.to_json() for info in whole.index] == json.loads((suite / "index.json").read_text())


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({}, "no list of tasks"),
        ([{"task": "a"}], "exactly the keys"),
        ([dict.fromkeys(("task", "group", "domain", "metric", "output_type", "num_fewshot", "n"), "a")] * 2, "once"),
    ],
)
def test_a_wrong_index(tmp_path: Path, index: object, words: str) -> None:
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(FlexmoreError, match=words):
        Suite.read(tmp_path)


def test_no_index(tmp_path: Path) -> None:
    with pytest.raises(FlexmoreError, match="not found"):
        Suite.read(tmp_path)


def test_reading_needs_no_torch_and_no_lm_eval(suite: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from flexmore.evaluation.suite import Suite; "
        f"Suite.read(Path({str(suite)!r})); assert not {{'torch', 'lm_eval', 'datasets'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_loading_gives_documents_and_the_shots_of_the_seed(suite: Path) -> None:
    def prompts(seed: int) -> list[str]:
        task = load_tasks(suite, ["shots"], seed)["shots"]
        task.build_all_requests()
        return [request.args[0] for request in task.instances]

    assert prompts(1) == prompts(1) != prompts(2)


def test_a_task_that_draws_while_loading_is_the_same_whatever_else_is_loaded(tmp_path: Path) -> None:
    documents = [{"q": "a cat", "choices": ["yes", "no"], "gold": i % 2} for i in range(20)]
    folder = write_suite(tmp_path, {"plain": (CHOICE, "acc", documents)})
    (folder / "shuffled.py").write_text(
        "import random\ndef docs(data):\n    return data.select(random.sample(range(len(data)), len(data)))\n"
    )
    for name in ("first", "second"):
        write_task(folder, name, CHOICE, documents)
        path = folder / f"{name}.yaml"
        path.write_text(path.read_text() + "process_docs: !function shuffled.docs\n")

    def golds(*names: str) -> list[int]:
        return [document["gold"] for document in load_tasks(folder, names)["second"].eval_docs]

    assert golds("second") == golds("first", "second") != [document["gold"] for document in documents]


def test_a_task_without_yaml(suite: Path) -> None:
    with pytest.raises(FlexmoreError, match="task: missing"):
        load_tasks(suite, ["missing"])
