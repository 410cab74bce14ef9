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
    for name in ("scores.parquet", "scores.csv", "items.parquet", "controls.csv", "quarantine.csv", "versions.csv"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    scores, items, _ = collect(files, recipes)
    scores, controls = split_controls(scores)
    for name in ("scores.parquet", "scores.csv"):
        pd.testing.assert_frame_equal(read_scores(folders[0] / name), scores)
    found = read_inputs(folders[0])
    assert found.controls is not None
    assert found.items is not None
    assert found.spectra is None
    pd.testing.assert_frame_equal(found.controls, controls)
    assert [list(row) for row in found.items["items"]] == list(items["items"])
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
