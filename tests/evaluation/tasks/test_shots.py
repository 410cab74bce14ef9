"""Few-shot examples: no document is shown its own answer; lm-eval's own prompts show that one could be."""

from pathlib import Path
from typing import Any

import pytest
from tiny_suite import CHOICE, GENERATION, load_tasks, write_suite

from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks.loading import open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask

DOCUMENTS = [{"q": f"question {i:02}", "choices": ["yes", "no"], "gold": i % 2} for i in range(8)]
FIRST = {"num_fewshot": 2, "fewshot_config": {"sampler": "first_n"}}
OWN: dict[str, dict[str, Any]] = {  # where examples come from
    "a test split only": {"num_fewshot": 2},
    "a test split only, the first": FIRST,
    "a test split and its examples": {"num_fewshot": 5, "fewshot_split": "test"},
    "the validation split that is asked": FIRST
    | {"test_split": None, "validation_split": "test", "fewshot_split": "test"},
    "samples": {"num_fewshot": 2, "fewshot_config": {"sampler": "first_n", "samples": DOCUMENTS[2:6]}},
    "a split that has the same rows": {"num_fewshot": 2, "fewshot_split": "examples"},
    "the same rows with other fields": FIRST | {"fewshot_split": "test", "fewshot_process": "more.fields"},
    "text that is generated": GENERATION | {"doc_to_target": "{{choices[gold]}}"} | FIRST,
    "choices that ask": FIRST | {"doc_to_text": "", "doc_to_choice": ["yes", "no"], "test_split": "test"},
}


@pytest.mark.parametrize("case", OWN)
@pytest.mark.parametrize("twice", [False, True], ids=["", "twice"])
def test_no_document_is_shown_its_own_answer(tmp_path: Path, case: str, twice: bool) -> None:
    documents = [*DOCUMENTS, *DOCUMENTS[:2]] if twice else DOCUMENTS
    config, metric = CHOICE | OWN[case], "acc"
    if case == "choices that ask":
        documents = [
            {"c": [f"question {i:02} no", f"question {i:02} yes"], "gold": i % 2} for i in range(len(documents))
        ]
        config |= {"doc_to_choice": "c", "doc_to_text": ""}
    more = config.pop("fewshot_process", None)
    if config["output_type"] == "generate_until":
        metric = "exact_match"
        config.pop("doc_to_choice")
    folder = write_suite(tmp_path, {"task": (config, metric, documents)})
    (folder / "more.py").write_text("def fields(data):\n    return data.map(lambda row: {'more': 1})\n")
    if more:
        path = folder / "task.yaml"
        text = path.read_text().replace(
            "  sampler: first_n\n", f"  sampler: first_n\n  process_docs: !function {more}\n"
        )
        path.write_text(text)
    info = Suite.read(folder).index[0]
    prepared = PreparedTask(info, load_tasks(folder, ["task"])["task"], None)
    plain = open_tasks(folder).load(["task"])["tasks"]["task"]
    plain.set_fewshot_seed(seed=1234)
    for task, right in ((prepared, True), (PreparedTask(info, plain, None), False)):
        asked = {request.doc_id: (request.doc, str(request.args[0])) for request in task.requests}
        own = [_example(document) in prompt.rpartition("\n\n")[0] for document, prompt in asked.values()]
        shown = {prompt.count("question") - ("q" in document) for document, prompt in asked.values()}
        if right:
            assert not any(own)
            assert shown == {info.num_fewshot}
        elif case != "a test split and its examples":
            assert any(own), "lm-eval must be able to show one"


def _example(document: dict[str, Any]) -> str:
    return (
        f"{document['q']} {document['choices'][document['gold']]}"
        if "q" in document
        else document["c"][document["gold"]]
    )


def test_examples_that_are_too_few_are_refused(tmp_path: Path) -> None:
    config = CHOICE | {"num_fewshot": 4, "fewshot_config": {"samples": DOCUMENTS[:4]}}
    folder = write_suite(tmp_path, {"task": (config, "acc", DOCUMENTS)})
    with pytest.raises(
        FlexmoreError, match=r"task: found 3 few-shot examples .*'question 00'.*expected num_fewshot: 4"
    ):
        PreparedTask(Suite.read(folder).index[0], load_tasks(folder, ["task"])["task"], None)


def test_prompts_without_own_answers_are_lm_evals(suite: Path) -> None:
    def prompts(task: Any) -> list[str]:
        return [request.args[0] for request in PreparedTask(info, task, None).requests]

    [info] = Suite.read(suite).select(["shots"]).index
    plain = open_tasks(suite).load(["shots"])["tasks"]["shots"]
    plain.set_fewshot_seed(seed=1234)
    ours, theirs = prompts(load_tasks(suite, ["shots"])["shots"]), prompts(plain)
    asked_only = len(ours) * 15 // 18  # the last three of eighteen documents are the examples
    assert ours[:asked_only] == theirs[:asked_only]
    assert ours != theirs
