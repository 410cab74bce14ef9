"""The collected tables: the same bytes each time; wrong score files and mixed versions are named."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from made_tables import Made, make

from flexmore.analysis.inputs import read_inputs
from flexmore.analysis.tables.collecting import collect, collect_scores, collect_versions
from flexmore.analysis.tables.scores import read_scores, split_controls
from flexmore.errors import FlexmoreError


def test_files_read_back_and_have_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    files, recipes = make(Made(), tmp_path)
    for folder in folders:
        collect_scores(files, recipes, folder)
    for name in (
        "scores.parquet",
        "scores.csv",
        "items.parquet",
        "clusters.parquet",
        "controls.csv",
        "versions.csv",
    ):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    whole = collect(files, recipes)
    scores, controls = split_controls(whole.scores)
    for name in ("scores.parquet", "scores.csv"):
        pd.testing.assert_frame_equal(read_scores(folders[0] / name), scores)
    found = read_inputs(folders[0])
    assert found.controls is not None
    assert found.items is not None
    assert found.spectra is None
    pd.testing.assert_frame_equal(found.controls, controls)
    assert [list(row) for row in found.items["items"]] == list(whole.items["items"])
    assert found.clusters is None
    assert b"pandas" not in (pq.read_schema(folders[0] / "scores.parquet").metadata or {})


def test_versions_tell_a_mixed_table(tmp_path: Path) -> None:
    files, _ = make(Made(), tmp_path)
    content = json.loads(files["math-r1"].read_text())
    files["math-r1"].write_text(json.dumps(content | {"versions": {"lm_eval": "0.4.14"}}))
    found = collect_versions(files)
    assert found.to_dict("list") == {
        "what": ["lm_eval", "lm_eval"],
        "version": ["0.4.13", "0.4.14"],
        "mixtures": [len(files) - 1, 1],
    }


def test_a_mixture_whose_tasks_come_from_several_versions_is_mixed_too(tmp_path: Path) -> None:
    files, _ = make(Made(), tmp_path)
    for path in files.values():
        path.write_text(json.dumps(json.loads(path.read_text()) | {"versions": {"torch": "2.12, 2.13"}}))
    found = collect_versions(files)
    assert list(found["version"]) == ["2.12", "2.13"]
    assert found.duplicated("what").any()  # what the report goes by


def test_bad_score_files_are_named(tmp_path: Path) -> None:
    files, recipes = make(Made(), tmp_path)
    with pytest.raises(FlexmoreError, match="mixture math-r1: no score file"):
        collect({name: path for name, path in files.items() if name != "math-r1"}, recipes)
    content = json.loads(files["math-r1"].read_text())
    del content["tasks"]["mc9_math"]["stderr"]
    files["math-r1"].write_text(json.dumps(content))
    with pytest.raises(FlexmoreError, match=r"math-r1\.json: task mc9_math has no 'stderr'"):
        collect(files, recipes)
    files["math-r1"].write_text(json.dumps({"mixture": "other", "tasks": {}}))
    with pytest.raises(FlexmoreError, match=r"math-r1\.json: expected the scores of mixture math-r1"):
        collect(files, recipes)


def with_clusters(files: dict[str, Path], clusters: list[str], mixtures: list[str] | None = None) -> None:
    """Let a task of the score files declare clusters."""
    for path in [files[name] for name in mixtures or files]:
        content = json.loads(path.read_text())
        content["tasks"]["gen5_math"]["clusters"] = clusters
        path.write_text(json.dumps(content))


def test_clusters_of_items_are_collected_where_tasks_declare_them(tmp_path: Path) -> None:
    files, recipes = make(Made(), tmp_path)
    names = [f"{item // 3:012x}" for item in range(Made().items)]
    with_clusters(files, names)
    collect_scores(files, recipes, tmp_path / "tables")
    found = read_inputs(tmp_path / "tables").clusters
    assert found is not None
    assert list(found["task"]) == ["gen5_math"]
    assert list(found["clusters"].iloc[0]) == names


@pytest.mark.parametrize("clusters", [["a"] * 50, ["b"] * 49])
def test_mixtures_that_disagree_on_clusters_are_refused(tmp_path: Path, clusters: list[str]) -> None:
    files, recipes = make(Made(), tmp_path)
    with_clusters(files, ["b"] * 50)
    with_clusters(files, clusters, ["math-r4"])
    with pytest.raises(
        FlexmoreError, match=r"task gen5_math: math-r4 has \d+ clusters for 50 items, others than public"
    ):
        collect(files, recipes)


def test_every_score_is_in_the_tables_whatever_it_is(tmp_path: Path) -> None:
    """A mixture whose answers are all unread, and a task on which all mixtures guess."""
    files, recipes = make(Made(), tmp_path)
    for name, path in files.items():
        content = json.loads(path.read_text())
        for task, record in content["tasks"].items():
            if name == "math-full" and record["answer"] == "written":
                record |= {"score": 0.0, "stderr": 0.0, "items": [0.0] * 50, "unread": 50}
            if task == "mc9_public":
                record |= {"score": 0.2, "items": [1.0] * 10 + [0.0] * 40}
        path.write_text(json.dumps(content))
    found = collect(files, recipes).scores
    assert len(found) == len(files) * len(Made().tasks())
    lost = found[found["mixture"] == "math-full"]
    assert (lost.loc[lost["answer"] == "written", ["score", "unread"]].to_numpy() == [0.0, 50.0]).all()
    assert (lost.loc[lost["answer"] == "chosen", "unread"] == 0).all()
