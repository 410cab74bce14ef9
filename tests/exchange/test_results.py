"""Results of other evaluators in the tidy table: lm-eval's as it writes them itself, OLMES' as its files look."""

import json
from pathlib import Path
from typing import Any

import lm_eval
import pandas as pd
import pytest
from lm_eval.loggers import EvaluationTracker
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tiny_suite import Loaded, recipe

from flexmore.analysis.tables.columns import COLUMNS
from flexmore.config.evaluation import EvaluateSettings
from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.runner import SweepRun, evaluate_sweep
from flexmore.evaluation.suite import Suite
from flexmore.exchange.results import import_results
from flexmore.experts.study_sizes import sizes_of
from flexmore.files import read_json
from flexmore.mixtures.grid import find_mixture
from flexmore.mixtures.parameters import count_parameters
from flexmore.suites.study_suite import tasks_of


@pytest.fixture
def study(words: Path, suite: Path) -> Study:
    folder = {"source": "folder", "path": str(words)}
    content: dict[str, Any] = {"family": "mine", "experts": {"public": folder, "math": folder}, "ranks": [1, "full"]}
    content |= {"suite": {"source": "folder", "path": str(suite)}, "joint": {"active": [2], "selections": ["best"]}}
    return load_study(content | {"analysis": {"reasoning": ["BBH"], "knowledge": ["MC9"]}})


def tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    found = folder / "tables"
    scores = pd.read_csv(found / "scores.csv", keep_default_na=False)
    return scores, pd.read_parquet(found / "items.parquet"), pd.read_csv(found / "versions.csv")


def test_what_lm_eval_wrote_is_what_we_measure(study: Study, words: Path, suite: Path, tmp_path: Path) -> None:
    names = [info.task for info in Suite.read(suite).index]
    found = lm_eval.simple_evaluate(
        model=HFLM(pretrained=str(words), device="cpu", batch_size=4),
        tasks=names,
        task_manager=TaskManager(include_path=str(suite), include_defaults=False),
        bootstrap_iters=1,
        limit=7,
    )
    samples = found.pop("samples")
    tracker = EvaluationTracker(output_path=str(tmp_path / "theirs"))
    tracker.save_results_aggregated(results=found, samples=samples)
    for name in names:
        tracker.save_results_samples(task_name=name, samples=samples[name])

    settings = EvaluateSettings(batch_tokens=500, limit=7)
    evaluate_sweep(
        SweepRun([recipe(1)], Loaded(words), Suite.read(suite), tmp_path / "cache", tmp_path / "ours", settings)
    )
    ours = read_json(tmp_path / "ours" / "math-r1.json")["tasks"]
    said = import_results(study, tmp_path / "theirs", "math-r1", tmp_path / "mine")
    assert said == f"math-r1: {len(names)} tasks from lm-eval {lm_eval.__version__}"
    scores, items, versions = tables(tmp_path / "mine")
    assert list(scores.columns) == [*COLUMNS, "source"]
    assert set(scores["source"]) == {f"lm-eval {lm_eval.__version__}"}
    for row in scores.itertuples():
        assert row.score == pytest.approx(ours[row.task]["score"], abs=1e-12)
        assert row.stderr == pytest.approx(ours[row.task]["stderr"], abs=1e-12)
        assert row.n == ours[row.task]["n"]
    for row in items.itertuples():
        assert list(row.items) == ours[row.task]["items"]
    assert versions.to_dict("list")["mixtures"] == [1]


def olmes(folder: Path, task: str, items: list[float], **changed: Any) -> None:
    folder.mkdir(exist_ok=True)
    number = len(list(folder.glob("*-metrics.json")))
    stem = folder / f"task-{number:03d}-{task}"
    metrics = {"acc_raw": sum(items) / len(items), "acc_per_char": 0.9, "primary_score": 0.9} | changed
    Path(f"{stem}-metrics.json").write_text(
        json.dumps({"task_name": task, "num_instances": len(items), "metrics": metrics, "task_idx": number})
    )
    lines = [
        json.dumps({"doc_id": i, "native_id": f"n{i}", "metrics": {"acc_raw": item}}) for i, item in enumerate(items)
    ]
    Path(f"{stem}-predictions.jsonl").write_text("\n".join(reversed(lines)) + "\n")


def test_olmes_results_replace_a_mixtures_rows_and_leave_the_others(study: Study, tmp_path: Path) -> None:
    for name, items in (("public", [1.0, 0.0, 0.0, 1.0]), ("math-full", [1.0, 1.0, 0.0, 1.0])):
        olmes(tmp_path / name, "single:mc", items)
        olmes(tmp_path / name, "unheard-of", items)
        said = import_results(study, tmp_path / name, name, tmp_path / "mine")
        assert said == f"{name}: 1 tasks from OLMES; 9 of the suite are not there, first several"
    once = [(tmp_path / "mine" / "tables" / name).read_bytes() for name in ("scores.csv", "versions.csv")]
    import_results(study, tmp_path / "public", "public", tmp_path / "mine")
    scores, items, versions = tables(tmp_path / "mine")
    assert sorted(scores["mixture"]) == ["math-full", "public"]
    by_mixture = scores.set_index("mixture")
    assert by_mixture["score"].to_dict() == {"public": 0.5, "math-full": 0.75}
    assert by_mixture.loc["public", "stderr"] == pytest.approx(pd.Series([1, 0, 0, 1]).sem())
    assert by_mixture.loc["math-full", ["kind", "experts", "rank", "active"]].tolist() == ["pair", "math", "full", 2]
    assert {row.mixture: list(row.items) for row in items.itertuples()}["public"] == [1.0, 0.0, 0.0, 1.0]
    assert versions.to_dict("records") == [{"what": "source", "version": "OLMES", "mixtures": 2}]
    import_results(study, tmp_path / "math-full", "math-full", tmp_path / "mine")
    assert once == [(tmp_path / "mine" / "tables" / name).read_bytes() for name in ("scores.csv", "versions.csv")]


def test_our_own_rows_beside_them_make_a_table_that_mixes_sources(study: Study, tmp_path: Path) -> None:
    olmes(tmp_path / "theirs", "single", [1.0, 0.0])
    import_results(study, tmp_path / "theirs", "public", tmp_path / "mine")
    path = tmp_path / "mine" / "tables" / "scores.parquet"
    pd.read_parquet(path).drop(columns="source").to_parquet(path)  # as if they were our own
    path.with_suffix(".csv").unlink()
    import_results(study, tmp_path / "theirs", "math-r1", tmp_path / "mine")
    scores, _, versions = tables(tmp_path / "mine")
    assert scores.set_index("mixture")["source"].to_dict() == {"public": "flexmore", "math-r1": "OLMES"}
    assert versions["version"].tolist() == ["OLMES", "flexmore"]
    assert versions.duplicated("what").any()


def test_wrong_results_are_refused_by_name(study: Study, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FlexmoreError, match="empty: no results of any of the suite's 10 tasks"):
        import_results(study, tmp_path / "empty", "public", tmp_path / "mine")
    olmes(tmp_path / "twice", "single", [1.0, 0.0])
    olmes(tmp_path / "twice", "single:rc", [1.0, 0.0])
    with pytest.raises(FlexmoreError, match="single has two results"):
        import_results(study, tmp_path / "twice", "public", tmp_path / "mine")
    olmes(tmp_path / "points", "single", [1.0, 0.0], acc_raw=50.0)
    with pytest.raises(FlexmoreError, match=r"single scores 50.0; expected 0 to 1"):
        import_results(study, tmp_path / "points", "public", tmp_path / "mine")
    olmes(tmp_path / "other", "single", [1.0, 0.0], acc_raw=None)
    with pytest.raises(FlexmoreError, match="no number 'acc_raw', the suite's metric; found acc_per_char"):
        import_results(study, tmp_path / "other", "public", tmp_path / "mine")
    olmes(tmp_path / "good", "single", [1.0, 0.0])
    with pytest.raises(FlexmoreError, match="no mixture 'math-r3' in this study"):
        import_results(study, tmp_path / "good", "math-r3", tmp_path / "mine")
    with pytest.raises(FlexmoreError, match="joint-a2-best: its ranks are chosen"):
        import_results(study, tmp_path / "good", "joint-a2-best", tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def study_tables(study: Study, folder: Path, form: str) -> pd.DataFrame:
    """Write the tables of a study of 3 mixtures and 10 tasks, its scores as CSV or Parquet; return the scores."""
    rows = [
        {
            "mixture": name, "kind": kind, "experts": experts, "rank": rank, "effective_rank": rank, "active": active,
            "group": info.group, "domain": "", "task": info.task, "metric": info.metric, "score": 0.25,
            "stderr": 0.1, "n": 4, "parameters": parameters, "remark": f"of {name}",
        }
        for name, kind, experts, rank, active, parameters in (
            ("public", "baseline", "", "0", 1, about(study, "public")),
            ("math-r1", "pair", "math", "1", 2, about(study, "math-r1")),
            ("math-full", "pair", "math", "full", 2, about(study, "math-full")),
        )
        for info in tasks_of(study)
    ]  # fmt: skip
    folder.mkdir(parents=True)
    scores = pd.DataFrame(rows)
    if form == "csv":
        scores.to_csv(folder / "scores.csv", index=False)
    else:
        scores.to_parquet(folder / "scores.parquet")
    items = scores[["mixture", "task"]].assign(items=[[1.0, 0.0, 0.0, 0.0]] * len(scores))
    items.to_parquet(folder / "items.parquet")
    return scores


def about(study: Study, name: str) -> int:
    mixture = find_mixture(study, name)
    ranks = dict(zip(mixture.experts, mixture.ranks, strict=True))
    total: int = count_parameters(sizes_of(study), ranks, mixture.active)["total"]
    return total


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_no_row_is_lost_whichever_form_the_table_has(study: Study, tmp_path: Path, form: str) -> None:
    before = study_tables(study, tmp_path / "mine" / "tables", form)
    olmes(tmp_path / "theirs", "single", [1.0, 1.0, 0.0, 1.0])
    import_results(study, tmp_path / "theirs", "math-r1", tmp_path / "mine")
    scores, items, _ = tables(tmp_path / "mine")
    assert len(scores) == len(items) == len(before) == 30
    changed = (scores["mixture"] == "math-r1") & (scores["task"] == "single")
    assert scores[changed][["score", "source"]].to_numpy().tolist() == [[0.75, "OLMES"]]
    assert set(scores[~changed]["score"]) == {0.25}
    assert set(scores[~changed]["source"]) == {"flexmore"}
    assert set(scores[~changed]["remark"]) == {"of public", "of math-r1", "of math-full"}
    values = {(row.mixture, row.task): list(row.items) for row in items.itertuples()}
    assert values["math-r1", "single"] == [1.0, 1.0, 0.0, 1.0]
    assert values["math-r1", "several"] == [1.0, 0.0, 0.0, 0.0]
    parquet = pd.read_parquet(tmp_path / "mine" / "tables" / "scores.parquet")
    assert parquet["score"].tolist() == scores["score"].tolist()


def test_tables_that_do_not_go_together_are_left_as_they_are(study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "tables"
    scores = study_tables(study, folder, "csv")
    olmes(tmp_path / "theirs", "single", [1.0, 1.0, 0.0, 1.0])
    scores.assign(score=0.5).to_parquet(folder / "scores.parquet")
    with pytest.raises(FlexmoreError, match=r"scores\.csv is not what scores\.parquet says.*nothing was imported"):
        import_results(study, tmp_path / "theirs", "math-r1", tmp_path / "mine")
    (folder / "scores.parquet").unlink()
    scores.assign(parameters=7).to_csv(folder / "scores.csv", index=False)
    with pytest.raises(FlexmoreError, match=r"math-r1 has parameters 7, in this study \d+;.*nothing was imported"):
        import_results(study, tmp_path / "theirs", "math-r1", tmp_path / "mine")
    scores.assign(n="four").to_csv(folder / "scores.csv", index=False)
    before = (folder / "scores.csv").read_bytes()
    with pytest.raises(FlexmoreError, match=r"scores\.csv: not a tidy table of scores.*nothing was imported"):
        import_results(study, tmp_path / "theirs", "math-r1", tmp_path / "mine")
    assert (folder / "scores.csv").read_bytes() == before
    assert not (folder / "scores.parquet").exists()


OLDER: dict[str, Any] = {
    "results": {"single": {"acc,none": 0.5, "acc_stderr,none": 0.25, "alias": "single"}},
    "configs": {}, "versions": {"single": 1.0}, "n-shot": {"single": 0},
    "config": {"model": "hf", "model_args": "pretrained=mine", "limit": None}, "git_hash": "3196e907",
}  # fmt: skip
"""What lm-eval 0.4.2 wrote: no version of its own, no number of items."""
OLDEST: dict[str, Any] = {
    "results": {"single": {"acc": 0.5, "acc_stderr": 0.25}},
    "versions": {"single": 0},
    "config": {"model": "hf-causal", "model_args": "pretrained=mine", "num_fewshot": 0},
}
"""What lm-eval 0.3 wrote."""
NEW = OLDER | {"n-samples": {"single": {"original": 9, "effective": 4}}, "lm_eval_version": "0.4.3"}


def written(folder: Path, content: Any, name: str = "results.json") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_lm_eval_042_is_read_where_its_samples_say_how_many_there_were(study: Study, tmp_path: Path) -> None:
    folder = written(tmp_path / "old", OLDER)
    samples = [{"doc_id": i, "target": 1, "acc": float(i % 2)} for i in (2, 0, 1, 3)]
    (folder / "pretrained__mine_single.jsonl").write_text(json.dumps(samples, indent=2))
    assert "1 tasks from lm-eval of an unknown version" in import_results(study, folder, "public", tmp_path / "mine")
    scores, items, _ = tables(tmp_path / "mine")
    assert scores[["score", "stderr", "n"]].to_numpy().tolist() == [[0.5, 0.25, 4]]
    assert list(items["items"][0]) == [0.0, 1.0, 0.0, 1.0]
    several_filters = [sample for sample in samples for _ in range(2)]
    (folder / "pretrained__mine_single.jsonl").write_text(json.dumps(several_filters))
    with pytest.raises(FlexmoreError, match="no samples of single"):
        import_results(study, folder, "public", tmp_path / "other")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (OLDER, r"no key 'n-samples', which lm-eval writes from 0\.4\.3 on, and no samples of single"),
        (OLDEST, r"no key 'n-samples', which lm-eval writes from 0\.4\.3 on, and no samples of single"),
        (NEW | {"n-samples": {}}, "no key 'single'"),
        (NEW | {"n-samples": {"single": {"effective": "all"}}}, "effective: found 'all', expected a number of items"),
        (NEW | {"n-samples": {"single": {"effective": 0}}}, "effective: found 0, expected a number of items"),
        (NEW | {"results": {"single": 0.5}}, "single: found float, expected keys and values"),
        ({"config": {}}, "no key 'results'.*found config"),
        ([OLDER], "all of it: found list, expected keys and values"),
        ("results: yes", "not a JSON file"),
        (NEW | {"results": {"single": {"acc,none": "N/A"}}}, "no number 'acc,none', the suite's metric"),
    ],
)
def test_results_that_lack_what_is_needed_are_one_sentence(
    study: Study, tmp_path: Path, content: Any, said: str
) -> None:
    folder = written(tmp_path / "theirs", content)
    with pytest.raises(FlexmoreError, match=r"results\.json: .*" + said):
        import_results(study, folder, "public", tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"metrics": {"acc_raw": 1.0}, "num_instances": 2}, "no key 'task_name'"),
        ({"task_name": "single", "metrics": {"acc_raw": 1.0}}, "no key 'num_instances'"),
        ({"task_name": "single", "metrics": [1.0], "num_instances": 2}, "metrics: found list"),
    ],
)
def test_so_are_those_of_olmes(study: Study, tmp_path: Path, content: Any, said: str) -> None:
    written(tmp_path / "theirs", content, "task-000-single-metrics.json")
    with pytest.raises(FlexmoreError, match=r"task-000-single-metrics\.json: " + said):
        import_results(study, tmp_path / "theirs", "public", tmp_path / "mine")


def test_samples_that_cannot_be_read_are_named(study: Study, tmp_path: Path) -> None:
    olmes(tmp_path / "theirs", "single", [1.0, 0.0])
    [path] = (tmp_path / "theirs").glob("*-predictions.jsonl")
    path.write_text('{"doc_id": 0, "metrics": {"acc_raw": 1.0}}\n{"doc_id"')
    with pytest.raises(FlexmoreError, match=r"predictions\.jsonl: not a line of JSON with a doc_id"):
        import_results(study, tmp_path / "theirs", "public", tmp_path / "mine")


def test_several_results_in_one_folder_are_of_one_model(study: Study, tmp_path: Path) -> None:
    folder = written(tmp_path / "theirs", NEW, "results_1.json")
    other = NEW | {"results": {"several": {"acc,none": 0.25}}, "n-samples": {"several": {"effective": 4}}}
    written(folder, other, "results_2.json")
    assert "2 tasks from lm-eval 0.4.3" in import_results(study, folder, "public", tmp_path / "mine")
    written(folder, other | {"config": {"model_args": "pretrained=another"}}, "results_2.json")
    with pytest.raises(FlexmoreError, match=r"results of 2 models: pretrained=mine \(results_1\.json\), .*another"):
        import_results(study, folder, "public", tmp_path / "mine")
    written(folder, NEW, "results_2.json")
    with pytest.raises(FlexmoreError, match="single has two results"):
        import_results(study, folder, "public", tmp_path / "mine")
