"""The tidy table: complete, in order, checked, the same bytes each time; and what is gathered beside it."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from made_tables import GROUPS, Made, make

from flexmore.analysis.inputs import Inputs, read_inputs
from flexmore.analysis.tables.collecting import collect, collect_scores, collect_versions
from flexmore.analysis.tables.columns import COLUMNS
from flexmore.analysis.tables.scores import arrange, read_scores, split_controls
from flexmore.analysis.tables.spectra import gather_adapters, gather_spectra, normalised
from flexmore.analysis.tables.storage import read_table, write_csv, write_parquet
from flexmore.errors import FlexmoreError


def test_a_row_for_every_mixture_and_task(study: Inputs) -> None:
    made = Made()
    wanted = {(m.name, t) for m in made.mixtures() if m.kind != "control" for _, t, _ in made.tasks()}
    assert set(zip(study.scores["mixture"], study.scores["task"], strict=True)) == wanted
    assert len(study.scores) == len(wanted)
    assert tuple(study.scores.columns) == COLUMNS
    assert study.controls is not None
    assert set(study.controls["mixture"]) == {"math-random", "news-random", "pes2o-random"}


def test_rows_are_in_order_whatever_order_they_come_in(study: Inputs) -> None:
    order = list(study.scores["mixture"].drop_duplicates())
    ranks = ["r1", "r2", "r4", "r8", "r16", "r32", "r64", "r128", "r256", "full"]
    assert order[:12] == ["public", *(f"math-{rank}" for rank in ranks), "news-r1"]
    assert order[order.index("joint-a2-r1") :][:12] == [f"joint-a2-{rank}" for rank in [*ranks, "best", "best2"]]
    assert order[-3:] == ["pes2o-r3", "pes2o-r6", "pes2o-r12"]
    assert list(study.scores["group"].drop_duplicates()) == list(GROUPS)
    shuffled = arrange(study.scores.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(shuffled, study.scores)


def test_effective_ranks_saturate(study: Inputs) -> None:
    found = study.scores.drop_duplicates("mixture").set_index("mixture")["effective_rank"]
    names = ["public", "math-r1", "math-r64", "math-r256", "math-full", "joint-a2-r128", "joint-a2-best"]
    assert list(found[names]) == ["0", "1", "64", "64", "full", "64", "best"]


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


def test_unreadable_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(FlexmoreError, match=r"scores\.csv: not found"):
        read_inputs(tmp_path)
    (tmp_path / "scores.parquet").write_text("no parquet")
    with pytest.raises(FlexmoreError, match=r"scores\.parquet: not a \.parquet table"):
        read_inputs(tmp_path)


def test_adapters_and_spectra_are_gathered_in_order(tmp_path: Path, study: Inputs) -> None:
    assert study.adapters is not None
    assert study.spectra is not None
    files = []
    for row in study.adapters.sample(frac=1, random_state=0).to_dict("records"):
        files.append(tmp_path / f"{row['expert']}-{row['rank']}.json")
        files[-1].write_text(json.dumps(row))
    pd.testing.assert_frame_equal(gather_adapters(files), study.adapters)
    parts = []
    for expert in ("pes2o", "math"):
        parts.append(tmp_path / f"{expert}.parquet")
        write_parquet(parts[-1], study.spectra[study.spectra["expert"] == expert])
    found = gather_spectra(parts)
    assert list(found["expert"].drop_duplicates()) == ["math", "pes2o"]
    assert list(found["projection"].drop_duplicates()) == ["down_proj", "gate_proj", "up_proj"]
    files[0].write_text("{}")
    with pytest.raises(FlexmoreError, match="keys missing: expert, rank"):
        gather_adapters(files)
    write_csv(tmp_path / "bad.csv", found.drop(columns="value"))
    with pytest.raises(FlexmoreError, match="columns missing: value"):
        gather_spectra([tmp_path / "bad.csv"])


def test_spectra_are_normalised_by_projection() -> None:
    rows = [("a", layer, "up_proj", i, v) for layer, s in ((0, 2.0), (1, 8.0)) for i, v in enumerate((s, s / 4, 0))]
    rows.append(("a", 0, "gate_proj", 0, 0.0))
    found = normalised(pd.DataFrame(rows, columns=["expert", "layer", "projection", "index", "value"]))
    assert list(found["median"]) == [0.0, 1.0, 0.25, 0.0]
    assert list(found["low"]) == list(found["high"]) == list(found["median"])


def test_csv_keeps_every_digit(tmp_path: Path) -> None:
    values = pd.DataFrame({"score": [0.1 + 0.2, 1 / 3, 5e-324, 2 / 7]})
    write_csv(tmp_path / "x.csv", values)
    assert list(read_table(tmp_path / "x.csv")["score"]) == list(values["score"])
