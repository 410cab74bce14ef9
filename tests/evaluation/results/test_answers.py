"""Answers come back as they were kept, whatever is in a text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexmore.errors import FlexmoreError
from flexmore.evaluation.results.answers import TaskAnswers, join_lines, read_answers

TEXTS = st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4)


@given(TEXTS, st.lists(st.lists(st.floats(-1e4, 0), min_size=1), min_size=1, max_size=4))
def test_what_was_kept_is_read(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], values: list[list[float]]
) -> None:
    path = tmp_path_factory.mktemp("answers") / "math-r1.answers.jsonl.gz"
    lines = [TaskAnswers(texts=texts, parsed=texts).to_line("said", "a"), TaskAnswers(values).to_line("chosen", "b")]
    assert lines[0] == TaskAnswers(texts=texts, parsed=texts).to_line("said", "a")
    path.write_bytes(join_lines(lines))
    said, chosen = read_answers(path, "said"), read_answers(path, "chosen")
    assert (said["texts"], said["parsed"], said["content"]) == (texts, texts, "a")
    assert [len(item) for item in chosen["loglikelihoods"]] == [len(item) for item in values]
    for found, expected in zip(chosen["loglikelihoods"], values, strict=True):
        assert found == pytest.approx(expected, abs=1e-6)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "math-r1.answers.jsonl.gz"
    with pytest.raises(FlexmoreError, match="not found; evaluate the sweep"):
        read_answers(path, "task")
    path.write_bytes(b"no gzip")
    with pytest.raises(FlexmoreError, match="not a file of answers"):
        read_answers(path, "task")
    path.write_bytes(TaskAnswers(texts=["a"], parsed=["a"]).to_line("other", "a"))
    with pytest.raises(FlexmoreError, match="no answers to task; it has other"):
        read_answers(path, "task")
