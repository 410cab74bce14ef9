"""Prompts and requests against golden files, typed by hand from OLMES' form: one of each form and every group.

Each file is a prompt on the rows of `made_up`. They were not made by this code, and are not to be.
"""

from pathlib import Path

import pytest
from paper_rows import INDEX

from flexmore.evaluation.olmes.bbh import worked_examples
from flexmore.evaluation.tasks.prepared import PreparedTask

GOLDEN = {
    path.stem: path.read_text().removesuffix("\n") for path in sorted(Path(__file__).with_name("golden").iterdir())
}
CHOICES = {"boolq": 2, "piqa": 2, "winogrande": 2, "socialiqa": 3, "mmlu_pro_computer_science": 3, "agieval_lsat_ar": 5}
GENERATION = {  # stop strings and length, as OLMES configures them
    "coqa": (["\n\n"], 50),
    "squad": (["Title:", "\n\n"], 50),
    "naturalqs": (["Question:", "Q:", "\n\n"], 50),
    "triviaqa": (["Question:", "\n\n"], 50),
    "drop": (["Passage:", "Question:", "\n\n"], 100),
    "bbh_navigate": (["\n\n"], 512),
}


def test_every_group_and_form_has_a_golden_prompt() -> None:
    groups = {info.group for info in INDEX if info.task in GOLDEN}
    assert groups == {info.group for info in INDEX}


@pytest.mark.parametrize("name", GOLDEN)
def test_prompt_and_requests(prepared: dict[str, PreparedTask], name: str) -> None:
    item = 1 if name.startswith(("coqa", "agieval")) else 0
    requests = [request for request in prepared[name].requests if request.doc_id == item]
    golden = GOLDEN[name]
    if name.startswith("bbh"):  # the shots are lm-eval's to keep; what stands around them is ours
        task = worked_examples()[name[4:]]
        solved = [
            f"Question: {sample['input']}\nAnswer: Let's think step by step. \n{sample['target']}"
            for sample in task["samples"]
        ]
        golden = task["description"] + "\n\n".join([*solved, golden])
    assert {request.args[0] for request in requests} == {golden}
    if name in GENERATION:
        [request], (stops, length) = requests, GENERATION[name]
        assert request.args[1] == {"until": stops, "max_gen_toks": length, "do_sample": False}
    else:
        assert [request.args[1] for request in requests] == [f" {letter}" for letter in "ABCDE"[: CHOICES.get(name, 4)]]
