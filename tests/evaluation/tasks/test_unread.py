"""When an answer counts as unread, and that it is wrong by every metric."""

from pathlib import Path

import pytest
from tiny_suite import GENERATION, load_tasks, write_suite

from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks.prepared import PreparedTask
from flexmore.evaluation.tasks.unread import first_text, is_unread


@pytest.mark.parametrize(
    ("text", "parsed", "unread"),
    [
        ("", "", True),
        (" \n", " ", True),
        ("so seven", "seven", False),
        ("hm", "[invalid]", True),
        ("hm", "", True),
        ("hm", "\t", True),
    ],
)
def test_empty_and_not_parsed_answers_are_unread_and_wrong_ones_not(text: str, parsed: str, unread: bool) -> None:
    assert is_unread(text, parsed) == unread


@pytest.mark.parametrize(
    ("filtered", "text"),
    [("a", "a"), (["a", "b"], "a"), ([], ""), (None, ""), ([None], ""), ([["a"]], "a"), (7, "7")],
)
def test_what_filters_found_nothing_in_is_empty(filtered: object, text: str) -> None:
    assert first_text(filtered) == text


def test_an_unread_answer_is_wrong_where_the_target_would_equal_it(tmp_path: Path) -> None:
    """Targets that normalise to nothing, and a filter's fallback that is the target, would be right elsewhere."""
    metrics = [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True, "ignore_punctuation": True}]
    filters = [
        {"name": "only", "filter": [{"function": "regex", "regex_pattern": "(the .*)"}, {"function": "take_first"}]}
    ]
    config = GENERATION | {"metric_list": metrics, "filter_list": filters}
    documents = [{"q": "a", "gold": gold} for gold in ("?", "[invalid]", "the cat", "the cat")]
    write_suite(tmp_path, {"task": (config, "exact_match", documents)})
    task = PreparedTask(Suite.read(tmp_path).index[0], load_tasks(tmp_path, ["task"])["task"], None)
    found = task.score(["", "no such words", "the cat", "the dog"])
    assert found.unread == 2
    assert found.items == (0.0, 0.0, 1.0, 0.0)
    assert found.score == 0.25


def test_the_rule_of_a_task_decides_what_is_unread_and_no_metric_gives_it_anything(tmp_path: Path) -> None:
    """A task's own scoring that rewards whatever comes: an empty answer gets nothing from it."""
    (tmp_path / "own.py").write_text(
        "def score(doc, results):\n    return {'exact_match': 1.0, 'kind': 1.0, 'loss': 1.0}\n"
        "score.reads = lambda doc, text: text if 'cat' in text else ''\n"
    )
    metrics = [
        {"metric": name, "aggregation": "mean", "higher_is_better": name != "loss"}
        for name in ("exact_match", "kind", "loss")
    ]
    config = GENERATION | {"metric_list": metrics}
    write_suite(tmp_path, {"task": (config, "exact_match", [{"q": "a", "gold": "cat"}] * 3)})
    with (tmp_path / "task.yaml").open("a") as file:
        file.write("process_results: !function own.score\n")
    task = PreparedTask(Suite.read(tmp_path).index[0], load_tasks(tmp_path, ["task"])["task"], None)
    found = task.score(["the cat", "dog", ""])
    assert (found.unread, found.items) == (2, (1.0, 0.0, 0.0))
    assert found.others["kind"][0] == pytest.approx(1 / 3)
    assert found.others["loss"][0] == 1.0  # where less is better nothing says what the worst is
