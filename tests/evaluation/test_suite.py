"""Suites on disk: the index, the choice of tasks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_suite import all_kinds

from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import Suite


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
