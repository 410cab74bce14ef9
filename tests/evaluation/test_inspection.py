"""Items of a task as a person sees them: which ones, what was asked and answered, and what was right."""

from pathlib import Path

import pytest
from tiny_suite import CHOICE, GENERATION, Loaded, recipe, write_suite

from flexmore.config.evaluation import EvaluateSettings
from flexmore.errors import FlexmoreError
from flexmore.evaluation.inspection import parse_items, show_items
from flexmore.evaluation.runner import SweepRun, evaluate_sweep
from flexmore.evaluation.suite import Suite
from flexmore.files import read_json

CHOOSE = [{"q": f"the {word}", "choices": ["yes", "no"], "gold": 1} for word in ("cat", "dog", "mat", "red")]
ANSWER = [{"q": f"the {word}", "gold": "the cat"} for word in ("cat", "dog")]
SETTINGS = EvaluateSettings(batch_tokens=200)


@pytest.fixture
def suite(tmp_path: Path, words: Path) -> Suite:
    """A suite on which `math-r1` has been evaluated, with the scores in `scores`."""
    generated = GENERATION | {"generation_kwargs": {"until": ["."], "max_gen_toks": 4}}
    tasks = {"choose": (CHOICE, "acc", CHOOSE), "answer": (generated, "exact_match", ANSWER)}
    suite = Suite.read(write_suite(tmp_path / "suite", tasks))
    evaluate_sweep(SweepRun([recipe(1)], Loaded(words), suite, tmp_path / "cache", tmp_path / "scores", SETTINGS))
    return suite


def test_choices_are_shown_with_their_loglikelihoods(suite: Suite, tmp_path: Path) -> None:
    shown = show_items(suite, tmp_path / "scores", "math-r1", "choose", SETTINGS, "1,3")
    record = read_json(tmp_path / "scores" / "math-r1.json")["tasks"]["choose"]
    head, *items = shown.split("\n\n")
    assert head == f"math-r1 on choose: acc {record['score']:.4f} over 4 items"
    assert [item.splitlines()[0] for item in items] == [
        f"item {number}: {'right' if record['items'][number] else 'wrong'}" for number in (1, 3)
    ]
    for item, word in zip(items, ("dog", "red"), strict=True):
        _, prompt, *choices = item.splitlines()
        assert prompt == f"  | the {word}"
        assert [choice.split()[-1] for choice in choices] == ["yes'", "no'"]
        assert [choice[3] for choice in choices] == [" ", "="]  # the second one is right
        assert sorted(choice[2] for choice in choices) == [" ", ">"]
        assert (choices[1][2] == ">") == ("right" in item)


def test_generated_texts_are_shown_with_what_was_expected(suite: Suite, tmp_path: Path) -> None:
    shown = show_items(suite, tmp_path / "scores", "math-r1", "answer", SETTINGS)
    assert shown.count("item ") == len(ANSWER)
    assert shown.count("expected  'the cat'") == len(ANSWER)
    assert shown.count("generated ") == shown.count("parsed ") == len(ANSWER)


def test_answers_to_another_suite_are_not_shown(suite: Suite, tmp_path: Path) -> None:
    write_suite(suite.folder, {"choose": (CHOICE, "acc", [CHOOSE[0] | {"q": "a dog"}, *CHOOSE[1:]])})
    with pytest.raises(FlexmoreError, match="the answers to choose belong to other prompts"):
        show_items(Suite.read(suite.folder), tmp_path / "scores", "math-r1", "choose", SETTINGS)


def test_numbers_and_ranges() -> None:
    assert parse_items("0-2,7, 5", 8) == [0, 1, 2, 7, 5]


@pytest.mark.parametrize(("text", "said"), [("a", "numbers and ranges"), ("3-1", "ranges"), ("1,8", "items 0 to 7")])
def test_wrong_ones_are_named(text: str, said: str) -> None:
    with pytest.raises(FlexmoreError, match=f"--items: found .*{said}"):
        parse_items(text, 8)
