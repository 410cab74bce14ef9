"""A table that is there twice: the Parquet file is read, and a CSV beside it must say the same."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from made_tables import Made, make

from flexmore.analysis.inputs import Inputs, read_inputs
from flexmore.analysis.tables.collecting import collect_scores
from flexmore.analysis.tables.storage import read_table, write_csv, write_parquet
from flexmore.analysis.tables.twins import read_folder, scores_file
from flexmore.errors import FlexmoreError
from flexmore.steps.use.report import report

SMALL = Made(midpoints={"math": 4.0, "news": 8.0}, ladder=(1, 8, 64), extras=(), active=(2,), items=20)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twins")
    collect_scores(*make(SMALL, folder), folder / "tables")
    return folder / "tables"


@pytest.fixture
def tables(collected: Path, tmp_path: Path) -> Path:
    shutil.copytree(collected, tmp_path / "mine" / "tables")
    return tmp_path / "mine" / "tables"


def edit(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    write = write_csv if path.suffix == ".csv" else write_parquet
    write(path, change(read_table(path)))


def test_what_collect_writes_twice_is_the_same(tables: Path) -> None:
    assert scores_file(tables).name == "scores.parquet"
    whole = read_folder(tables)
    (tables / "scores.parquet").unlink()
    assert scores_file(tables).name == "scores.csv"
    pd.testing.assert_frame_equal(read_folder(tables), whole)


def test_the_order_of_rows_and_columns_is_no_difference(tables: Path) -> None:
    edit(tables / "scores.csv", lambda table: table.sample(frac=1, random_state=0)[sorted(table.columns)])
    read_folder(tables)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(score=t["score"].where(t.index != 7, 0.123)), r"score of .* is 0\.123 instead of"),
        (
            lambda t: t.assign(group=t["group"].replace("MC9", "Gen5")),
            r"group of .* on mc9_math is Gen5 instead of MC9",
        ),
        (lambda t: t.assign(unread=t["unread"].where(t.index != 3, 5)), r"unread of .* is 5(\.0)? instead of 0"),
        (lambda t: t[t["mixture"] != "math-r8"], r"12 rows are in one of them only, first math-r8|rows are in one"),
        (lambda t: t.assign(source="elsewhere"), "column source is in one of them only"),
    ],
    ids=["score", "group", "unread", "rows", "column"],
)
@pytest.mark.parametrize("edited", ["scores.csv", "scores.parquet"])
def test_twins_that_disagree_are_refused(
    tables: Path, edited: str, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    edit(tables / edited, change)
    message = message if edited == "scores.csv" else "is not what scores.parquet beside it says"
    with pytest.raises(FlexmoreError, match=message):
        read_inputs(tables)


def test_a_seed_beside_the_tables_is_held_to_the_same(tables: Path) -> None:
    seed = tables.parent / "seeds" / "7" / "tables"
    shutil.copytree(tables, seed)
    edit(seed / "scores.csv", lambda table: table.assign(score=0.5))
    with pytest.raises(FlexmoreError, match=r"seeds/7/tables/scores\.csv: is not what scores\.parquet"):
        read_inputs(tables)


def test_the_report_says_which_is_read(tables: Path) -> None:
    assert report(tables.parent).endswith("from " + str(tables / "scores.parquet"))
    (tables / "scores.parquet").unlink()
    assert report(tables.parent).endswith("from " + str(tables / "scores.csv"))


def test_a_header_alone_is_one_clear_error(tables: Path) -> None:
    (tables / "scores.parquet").unlink()
    header = (tables / "scores.csv").read_text().split("\n")[0] + "\n"
    (tables / "scores.csv").write_text(header)
    with pytest.raises(FlexmoreError, match=r"scores\.csv: no rows; expected a row for each mixture and task"):
        read_inputs(tables)
    (tables / "scores.csv").write_text("")
    with pytest.raises(FlexmoreError, match=r"scores\.csv: not a \.csv table"):
        read_inputs(tables)
    (tables / "scores.csv").write_text("mixture,score\n")
    with pytest.raises(FlexmoreError, match=r"scores\.csv: no rows"):
        read_inputs(tables)


def test_no_items_and_no_controls_are_said_to_be_none(tables: Path) -> None:
    edit(tables / "items.parquet", lambda table: table.iloc[:0])
    with pytest.raises(FlexmoreError, match="items"):
        read_inputs(tables).item_scores()
    header = (tables / "controls.csv").read_text().split("\n")[0]
    (tables / "controls.csv").write_text(header + "\n")
    controls = read_inputs(tables).controls
    assert controls is not None
    assert controls.empty
    (tables / "controls.csv").write_text("mixture,score\nmath-random,1\n")
    with pytest.raises(FlexmoreError, match=r"controls\.csv: columns missing: kind"):
        read_inputs(tables)


def test_whole_numbers_are_whole(tables: Path) -> None:
    (tables / "scores.parquet").unlink()
    edit(tables / "scores.csv", lambda table: table.assign(n=table["n"].where(table.index != 3, 7.5)))
    with pytest.raises(FlexmoreError, match=r"n of public is 7\.5; expected a whole number"):
        read_inputs(tables)


def test_clusters_of_other_items_are_refused(study: Inputs) -> None:
    clusters = pd.DataFrame({"task": ["mc9_math"], "clusters": [["a"] * 49]})
    with pytest.raises(FlexmoreError, match="clusters of mc9_math: 49, but 50 items"):
        Inputs(study.scores, study.items, clusters=clusters).item_scores()
