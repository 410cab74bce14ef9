"""A study in which a mixture's logits are NaN: the rest is evaluated, and tables of it are made only on request."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from tiny_suite import CHOICE, GENERATION, write_suite

from flexmore.analysis.inputs import read_inputs
from flexmore.config.suite import SuiteSettings
from flexmore.errors import EvaluationFailed, FlexmoreError
from flexmore.mixtures.grid import find_sweep, sweeps
from flexmore.modeling.sweep import SweepModel
from flexmore.steps.failures import tell_failures
from flexmore.steps.measured_tables import find_measured, read_folder_of
from flexmore.steps.partial_tables import collect_partial
from flexmore.steps.study.collect import collect
from flexmore.steps.study.compose import compose
from flexmore.steps.study.evaluate import evaluate
from flexmore.steps.study.measure import measure
from flexmore.steps.use.compare import compare
from flexmore.steps.use.figures import partial_figures
from flexmore.suites.study_suite import write_suite as write_study_suite

TASKS = ("choose", "pick", "answer")


@pytest.fixture
def study(composed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tiny family, composed, with a suite of three tasks; nothing evaluated yet."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    questions = [f"w{i} w{i + 1} w{i + 2}" for i in range(2, 14)]
    choose = [{"q": q, "choices": ["w3", "w4 w5", "w6"], "gold": i % 3} for i, q in enumerate(questions)]
    generated = GENERATION | {"generation_kwargs": {"until": ["w7"], "max_gen_toks": 4}}
    answer = [{"q": q, "gold": "w3"} for q in questions]
    tasks = dict.fromkeys(("choose", "pick"), (CHOICE, "acc", choose))
    write_suite(tmp_path / "mine", tasks | {"answer": (generated, "exact_match", answer)})
    found = composed.model_copy(update={"suite": SuiteSettings(source="folder", path=str(tmp_path / "mine"))})
    write_study_suite(found)
    return found


@contextmanager
def not_a_number(monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[None]:
    """Let the logits of mixtures be NaN."""
    with monkeypatch.context() as patch:
        original = SweepModel.set_mixture
        spoiled: set[int] = set()

        def set_mixture(self: Any, mixture: Any) -> None:
            original(self, mixture)
            head = self.model.lm_head
            head.spoiled = mixture.name in names
            if id(head) not in spoiled:
                spoiled.add(id(head))
                head.register_forward_hook(lambda module, given, out: out * float("nan") if module.spoiled else out)

        patch.setattr(SweepModel, "set_mixture", set_mixture)
        yield


def evaluate_all(study: Any) -> list[str]:
    """Evaluate every sweep that has been composed; those that failed."""
    failed = []
    for sweep in sweeps(study):
        if not all(study.paths.recipe(mixture.name).is_file() for mixture in sweep.mixtures):
            continue
        try:
            evaluate(study, sweep)
        except EvaluationFailed:
            failed.append(sweep.name)
    return failed


def test_everything_else_is_evaluated_and_tables_of_it_say_that_they_are_partial(
    study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with not_a_number(monkeypatch, "math-r4"):
        assert evaluate_all(study) == ["math"]
    told = tell_failures(study.paths)
    assert told.startswith("3 evaluations failed; what else was evaluated is in the cache, and no table was written:")
    for task in TASKS:
        assert f"  math-r4 on {task}: the model's logits are NaN or infinite" in told
    assert f"flexmore figures --partial --config {study.paths.root}/config.yaml" in told
    for sweep in sweeps(study):
        finished = sweep.name not in ("math", "joint-a2-selected", "joint-a4-selected")
        assert study.paths.scores(sweep.name).exists() == finished, sweep.name
    with pytest.raises(FlexmoreError, match=r"math-r1\.json: not found"):
        compose(study, find_sweep(study, "joint-a2-selected"))
    with pytest.raises(FlexmoreError):
        collect(study)
    assert not study.paths.tables.exists()

    said = partial_figures(study)
    assert said.startswith(f"{study.paths.partial}/tables: partial, 31 of 34 mixtures on 3 of 3 tasks;")
    found = read_inputs(study.paths.partial / "tables")
    assert found.left_out is not None
    assert found.left_out.to_dict("records") == [
        {"what": "mixture", "name": name, "missing": 3, "of": 3}
        for name in ("math-r4", "joint-a2-best", "joint-a4-best")
    ]
    assert {"math-r1", "math-full", "joint-a4-r4", "news-r4"} <= set(found.scores["mixture"])
    assert "math-r4" not in set(found.scores["mixture"])
    page = (study.paths.partial / "README.md").read_text()
    assert page.startswith("# tiny (partial): what rank costs")
    assert "**This study is not complete, and this report is partial.**" in page
    assert "| mixture | `math-r4`, `joint-a2-best` and `joint-a4-best` | 3 of 3 |" in page
    assert "tiny (partial)" in (study.paths.partial / "explore.html").read_text()
    there = read_folder_of(study.paths.partial)
    assert there.name == "tiny (partial)"
    assert compare(there, "math-r1", "public").startswith("tiny (partial): the study is not complete\n")
    assert '"partial": true' in compare(there, "math-r1", "public", as_json=True)
    assert not study.paths.tables.exists()
    assert not study.paths.figures.exists()
    with pytest.raises(FlexmoreError, match="is missing and there is no"):  # no later step takes them for the study's
        find_measured(study, Path("nowhere"))

    assert evaluate_all(study) == []
    assert tell_failures(study.paths) == ""
    for active in (2, 4):
        compose(study, find_sweep(study, f"joint-a{active}-selected"))
        evaluate(study, find_sweep(study, f"joint-a{active}-selected"))
    for name in study.names:
        measure(study, name)
    collect(study)
    whole = read_inputs(study.paths.tables)
    assert whole.left_out is None
    assert whole.scores["mixture"].nunique() == 31  # and three controls
    both = found.scores.merge(whole.scores, on=["mixture", "task"], suffixes=("", " whole"))
    assert len(both) == len(found.scores)
    pd.testing.assert_series_equal(both["score"], both["score whole"], check_names=False)
    assert re.search(r"34 of 34 mixtures on 3 of 3 tasks", collect_partial(study))
    whole_again = read_inputs(study.paths.partial / "tables")
    assert whole_again.left_out is not None
    assert whole_again.left_out.empty
    pd.testing.assert_frame_equal(whole_again.scores, whole.scores)


def test_what_a_killed_sweep_has_in_the_cache_is_there(study: Any) -> None:
    """Two tasks of one rank, three of full; and the public model, which is done."""
    for name in ("public", "news"):
        evaluate(study, find_sweep(study, name))
    shutil.rmtree(study.paths.scores("news"))
    recipes = {name: study.paths.recipe(name) for name in ("news-r16", "news-full")}
    for path in sorted((study.paths.cache / "scores").rglob("*.json")):
        owner = next((name for name, recipe in recipes.items() if path.parent.name in recipe.read_text()), "")
        public = path.parent.name in study.paths.recipe("public").read_text()
        if not public and (owner == "" or (owner == "news-r16" and path.name.startswith("answer."))):
            path.unlink()
    collect_partial(study)
    found = read_inputs(study.paths.partial / "tables", experts=study.names)
    assert set(found.scores["mixture"]) == {"public", "news-full", "news-r16", "news-r32"}  # of which two are the same
    assert set(found.scores["task"]) == {"choose", "pick"}
    assert found.left_out is not None
    assert found.left_out.iloc[-1].to_dict() == {"what": "task", "name": "answer", "missing": 32, "of": 34}
    lacking = found.left_out.set_index("name")["missing"]
    assert lacking["math-r1"] == 3
    assert not study.paths.scores("news").exists()


def test_where_nothing_can_be_compared_it_says_so(study: Any) -> None:
    with pytest.raises(FlexmoreError, match="no tables can be made of this study yet"):
        collect_partial(study)
    evaluate(study, find_sweep(study, "public"))
    with pytest.raises(FlexmoreError, match=r"of 34 mixtures on 3 tasks there are 3 scores"):
        collect_partial(study)
    assert not study.paths.partial.exists()


def test_scores_with_other_settings_are_not_taken(study: Any) -> None:
    for name in ("public", "news"):
        evaluate(study, find_sweep(study, name))
    fewer = study.model_copy(update={"evaluate": study.evaluate.model_copy(update={"limit": 5})})
    with pytest.raises(FlexmoreError, match="there are 0 scores"):
        collect_partial(fewer)


def test_infinite_logits_fail_a_single_task_only(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a long answer alone overflows, the other tasks of the mixture count."""
    from flexmore.evaluation.switching import SwitchingEngine

    respond = SwitchingEngine.respond

    def overflowing(self: Any, task: Any) -> Any:
        if (self._current, task.info.task) == ("news-r4", "answer"):
            hook = self._engine.model.lm_head.register_forward_hook(
                lambda m, given, out: torch.full_like(out, torch.inf)
            )
            try:
                return respond(self, task)
            finally:
                hook.remove()
        return respond(self, task)

    monkeypatch.setattr(SwitchingEngine, "respond", overflowing)
    assert evaluate_all(study) == ["news"]
    assert "1 evaluations failed" in tell_failures(study.paths)
    assert "news-r4 on answer: the model's logits are NaN or infinite" in tell_failures(study.paths)
