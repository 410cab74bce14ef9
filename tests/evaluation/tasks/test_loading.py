"""Tasks loaded by lm-eval: their documents and shots, by the seed; what the index says of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_suite import CHOICE, load_tasks, write_suite

from flexmore.errors import FlexmoreError


def test_loading_gives_documents_and_the_shots_of_the_seed(suite: Path) -> None:
    def prompts(seed: int) -> list[str]:
        task = load_tasks(suite, ["shots"], seed)["shots"]
        task.build_all_requests()
        return [request.args[0] for request in task.instances]

    assert prompts(1) == prompts(1) != prompts(2)


def test_a_task_that_draws_while_loading_is_the_same_whatever_else_is_loaded(tmp_path: Path) -> None:
    documents = [{"q": "a cat", "choices": ["yes", "no"], "gold": i % 2} for i in range(20)]
    folder = write_suite(tmp_path, dict.fromkeys(("first", "second"), (CHOICE, "acc", documents)))
    (folder / "shuffled.py").write_text(
        "import random\ndef docs(data):\n    return data.select(random.sample(range(len(data)), len(data)))\n"
    )
    for name in ("first", "second"):
        path = folder / f"{name}.yaml"
        path.write_text(path.read_text() + "process_docs: !function shuffled.docs\n")

    def golds(*names: str) -> list[int]:
        return [document["gold"] for document in load_tasks(folder, names)["second"].eval_docs]

    assert golds("second") == golds("first", "second") != [document["gold"] for document in documents]


def test_a_task_without_yaml(tmp_path: Path) -> None:
    folder = write_suite(tmp_path, {"missing": (CHOICE, "acc", [{"q": "a", "choices": ["a", "b"], "gold": 0}])})
    (folder / "missing.yaml").unlink()
    with pytest.raises(FlexmoreError, match="task: missing"):
        load_tasks(folder, ["missing"])


DOCUMENTS = [{"q": f"question {i:02}", "choices": ["yes", "no"], "gold": i % 2} for i in range(8)]


@pytest.mark.parametrize(
    ("said", "config", "found"),
    [
        ({"num_fewshot": 5}, {}, "found num_fewshot 5 of task, but the YAML has 0"),
        ({"num_fewshot": 0}, {"num_fewshot": 2}, "found num_fewshot 0 of task, but the YAML has 2"),
        ({"output_type": "generate_until"}, {}, "found output_type 'generate_until' of task, but the YAML has 'multi"),
        ({"n": 9}, {}, "found n 9 of task, but its data have 8"),
        ({"n": 8}, {"process_docs": "half"}, "found n 8 of task, but its data have 4"),
    ],
)
def test_an_index_that_says_something_else_is_refused(
    tmp_path: Path, said: dict[str, Any], config: dict[str, Any], found: str
) -> None:
    folder = write_suite(tmp_path, {"task": (CHOICE | config, "acc", DOCUMENTS)})
    (folder / "half.py").write_text("def docs(data):\n    return data.select(range(4))\n")
    path = folder / "task.yaml"
    path.write_text(path.read_text().replace("process_docs: half", "process_docs: !function half.docs"))
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps([index[0] | said]))
    with pytest.raises(FlexmoreError, match=found) as caught:
        load_tasks(folder, ["task"])
    assert "index.json" in str(caught.value)
    assert "task.yaml" in str(caught.value)
