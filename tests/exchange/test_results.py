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
from flexmore.files import read_json


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
