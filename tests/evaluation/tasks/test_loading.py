"""Tasks loaded by lm-eval: their documents and shots, by the seed."""

from pathlib import Path

import pytest
from tiny_suite import CHOICE, load_tasks, write_suite, write_task

from flexmore.errors import FlexmoreError


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
