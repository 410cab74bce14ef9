"""Tables on disk."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_tables import Made

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import read_inputs
from flexmore.analysis.tables.storage import read_table, read_tables, write_csv, write_tables
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

SETTINGS = AnalysisSettings(bootstrap_samples=200)


def test_unreadable_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(FlexmoreError, match=r"scores\.csv: not found"):
        read_inputs(tmp_path)
    (tmp_path / "scores.parquet").write_text("no parquet")
    with pytest.raises(FlexmoreError, match=r"scores\.parquet: not a \.parquet table"):
        read_inputs(tmp_path)


def test_csv_keeps_every_digit(tmp_path: Path) -> None:
    values = pd.DataFrame({"score": [0.1 + 0.2, 1 / 3, 5e-324, 2 / 7]})
    write_csv(tmp_path / "x.csv", values)
    assert list(read_table(tmp_path / "x.csv")["score"]) == list(values["score"])


@pytest.mark.parametrize("made", [Made(), Made(midpoints={"a": 3}, ladder=(4,), extras=(), active=(), full=False)])
def test_tables_read_back_as_they_were(study_of: Any, made: Made, tmp_path: Path) -> None:
    tables = analyze(study_of(made), SETTINGS, {"math": 200, "news": 400})
    write_tables(tables, tmp_path)
    for name, table in read_tables(tmp_path).items():
        expected = tables[name].reset_index(drop=True)
        if len(expected):
            pd.testing.assert_frame_equal(table, expected, check_dtype=False, obj=name)
        else:
            assert list(table.columns) == list(expected.columns)


@pytest.mark.parametrize("name", ["NA", "nan", "null", "true", "None", "1e5", "007"])
def test_a_name_is_text_whatever_it_looks_like(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame(
        {"mixture": [f"{name}", "x"], "expert": [name, name], "version": [name, name], "score": [0.5, None]}
    )
    write_csv(tmp_path / "x.csv", table)
    found = read_table(tmp_path / "x.csv")
    assert found[["mixture", "expert", "version"]].to_numpy().tolist() == [[name] * 3, ["x", name, name]]
    assert found["score"].isna().tolist() == [False, True]


@pytest.mark.parametrize("numbers", [[1, 2], [1.0, 2.0]])
def test_numbers_of_others_are_names_too(tmp_path: Path, numbers: list[float]) -> None:
    pd.DataFrame({"mixture": numbers, "items": [[1.0], [0.0]]}).to_parquet(tmp_path / "items.parquet")
    assert read_table(tmp_path / "items.parquet")["mixture"].tolist() == ["1", "2"]
    pd.DataFrame({"mixture": [7, None]}).to_parquet(tmp_path / "scores.parquet")
    assert read_table(tmp_path / "scores.parquet")["mixture"].tolist() == ["7", ""]
