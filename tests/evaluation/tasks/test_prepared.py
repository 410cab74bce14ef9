"""A prepared task against `lm_eval.simple_evaluate`: items, scores, standard errors; and what its key depends on."""

from pathlib import Path
from typing import Any

import lm_eval
import pytest
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tiny_suite import CHOICE, GENERATION, Loaded, load_tasks, recipe, write_suite

from flexmore.config.evaluation import EvaluateSettings
from flexmore.errors import FlexmoreError
from flexmore.evaluation.runner import SweepRun, evaluate_sweep
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks.prepared import PreparedTask
from flexmore.files import read_json

DOCUMENTS = [{"q": f"the cat {word}", "choices": ["yes", "no"], "gold": 0} for word in ("sat", "on", "mat")]


@pytest.mark.parametrize("limit", [None, 7])
def test_scores_are_those_of_simple_evaluate(checkpoint: Path, suite: Path, tmp_path: Path, limit: int | None) -> None:
    names = [info.task for info in Suite.read(suite).index]
    theirs = lm_eval.simple_evaluate(
        model=HFLM(pretrained=str(checkpoint), device="cpu", batch_size=4),
        tasks=names,
        task_manager=TaskManager(include_path=str(suite), include_defaults=False),
        limit=limit,
        bootstrap_iters=1,
    )
    model = Loaded(checkpoint)
    settings = EvaluateSettings(limit=limit, batch_tokens=500)
    evaluate_sweep(SweepRun([recipe(1)], model, Suite.read(suite), tmp_path / "cache", tmp_path / "out", settings))
    ours = read_json(tmp_path / "out" / "math-r1.json")["tasks"]
    answered_right = 0
    for info in Suite.read(suite).index:
        metric, _, chosen = info.metric.partition(",")
        chosen = chosen or "none"
        result, found = theirs["results"][info.task], ours[info.task]
        samples = sorted(
            (s for s in theirs["samples"][info.task] if s["filter"] == chosen), key=lambda sample: sample["doc_id"]
        )
        assert found["items"] == [float(sample[metric]) for sample in samples], info.task
        assert found["score"] == pytest.approx(result[f"{metric},{chosen}"], abs=1e-12)
        assert found["stderr"] == pytest.approx(result[f"{metric}_stderr,{chosen}"], abs=1e-12)
        assert found["n"] == len(samples) == min(limit or info.n, info.n)
        answered_right += 0 < found["score"] < 1
    assert answered_right >= (3 if limit else 5), "scores of 0 and 1 put nothing to the test"


def prepared(folder: Path, config: dict[str, Any] = CHOICE, metric: str = "acc", **changed: Any) -> PreparedTask:
    documents = changed.pop("documents", DOCUMENTS)
    write_suite(folder, {"task": (config, metric, documents)})
    seed, limit = changed.pop("seed", 1), changed.pop("limit", None)
    return PreparedTask(Suite.read(folder).index[0], load_tasks(folder, ["task"], seed)["task"], limit)


def test_content_is_that_of_the_task_and_not_of_its_place(tmp_path: Path) -> None:
    base = prepared(tmp_path / "a").content
    assert prepared(tmp_path / "b").content == base
    elsewhere = CHOICE | {"metadata": {"version": 7}, "task_alias": "other"}
    assert prepared(tmp_path / "c", elsewhere).content == base


@pytest.mark.parametrize(
    "change",
    [
        {"documents": [*DOCUMENTS[:-1], DOCUMENTS[-1] | {"gold": 1}]},
        {"documents": [*DOCUMENTS[:-1], DOCUMENTS[-1] | {"choices": ["yes", "No"]}]},
        {"documents": [document | {"note": "unused"} for document in DOCUMENTS]},
        {"config": CHOICE | {"doc_to_text": "{{q}} ?"}},
        {"config": CHOICE | {"description": "answer"}},
        {"config": CHOICE | {"target_delimiter": "  "}},
        {"config": CHOICE | {"num_fewshot": 1, "fewshot_split": "examples"}},
        {"config": CHOICE | {"repeats": 2}},
        {"metric": "acc_norm", "config": CHOICE | {"metric_list": [{"metric": "acc_norm", "aggregation": "mean"}]}},
        {"limit": 2},
    ],
    ids=str,
)
def test_content_changes_with_what_the_score_depends_on(tmp_path: Path, change: dict[str, Any]) -> None:
    assert prepared(tmp_path / "a", **change).content != prepared(tmp_path / "b").content


def test_content_changes_with_generation_settings_filters_and_shots(tmp_path: Path) -> None:
    generation = {"until": ["."], "max_gen_toks": 4}
    regex = [{"name": "none", "filter": [{"function": "regex", "regex_pattern": "a"}, {"function": "take_first"}]}]
    configs = [
        GENERATION | {"generation_kwargs": generation},
        GENERATION | {"generation_kwargs": generation | {"max_gen_toks": 5}},
        GENERATION | {"generation_kwargs": generation, "filter_list": regex},
        GENERATION | {"generation_kwargs": generation, "num_fewshot": 2, "fewshot_split": "examples"},
    ]
    documents = [{"q": f"the {word}", "gold": "cat"} for word in ("a", "b", "c", "d", "e")]
    contents = {
        prepared(tmp_path / f"{i}-{seed}", config, "exact_match", documents=documents, seed=seed).content
        for i, config in enumerate(configs)
        for seed in (1, 2)
    }
    assert len(contents) == 5, "of the seed only few-shot prompts depend"


@pytest.mark.parametrize(
    ("config", "metric", "words"),
    [
        (CHOICE, "acc_norm", "here acc"),
        (CHOICE, "acc,strict", "its filters are none"),
        (CHOICE | {"metric_list": [{"metric": "f1"}]}, "f1", "a mean over items"),
    ],
)
def test_a_primary_metric_that_is_no_mean(tmp_path: Path, config: dict[str, Any], metric: str, words: str) -> None:
    with pytest.raises(FlexmoreError, match=words):
        prepared(tmp_path, config, metric)


def test_answers_leave_nothing_behind(tmp_path: Path) -> None:
    task = prepared(tmp_path)
    right = [(-1.0, False), (-2.0, False)] * 3
    wrong = [(-2.0, False), (-1.0, False)] * 3
    assert task.score(right).items == (1.0, 1.0, 1.0)
    assert task.score(wrong).items == (0.0, 0.0, 0.0)
    assert task.score(right).score == 1.0


def test_a_filter_finds_as_many_answers_as_the_task_repeats(tmp_path: Path) -> None:
    votes = [{"function": "take_first_k", "k": 3}, {"function": "majority_vote"}, {"function": "take_first"}]
    config = GENERATION | {
        "repeats": 3,
        "generation_kwargs": {"until": ["."]},
        "filter_list": [{"name": "votes", "filter": votes}],
    }
    task = prepared(tmp_path, config, "exact_match", documents=[{"q": "a", "gold": "yes"}, {"q": "b", "gold": "no"}])
    assert task.score(["yes", "yes"]).items == (1.0, 0.0)


def test_one_document_has_no_standard_error(tmp_path: Path) -> None:
    assert prepared(tmp_path, documents=DOCUMENTS[:1]).score([(-1.0, False), (-2.0, False)]).stderr is None


def test_an_item_beyond_one(tmp_path: Path) -> None:
    task = prepared(tmp_path)
    task._task.process_results = lambda *_: {"acc": 3.0}
    with pytest.raises(FlexmoreError, match=r"3.0 as acc"):
        task.score([(-1.0, False)] * 6)
