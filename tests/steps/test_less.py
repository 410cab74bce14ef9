"""A report on a table that has less than a study: every part that it has is there, and nothing ends in an error."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_tables import Made

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.page.about import About
from flexmore.steps.use import report as step
from flexmore.steps.use.report import report

LESS: Mapping[str, Callable[[pd.DataFrame], "pd.Series[bool]"]] = {
    "pairs only": lambda scores: scores["kind"].isin(["baseline", "pair"]),
    "no full": lambda scores: scores["rank"] != "full",
    "only full": lambda scores: scores["rank"].isin(["0", "full"]),
    "one rank and full": lambda scores: scores["rank"].isin(["0", "8", "full"]),
    "one expert": lambda scores: scores["experts"].isin(["", "math"]),
    "one pair": lambda scores: scores["mixture"].isin(["public", "math-r8"]),
    "one group": lambda scores: scores["group"] == "MMLU",
    "two groups of one skill": lambda scores: scores["group"].isin(["BBH", "AGIEval"]),
    "one task": lambda scores: scores["task"] == "mmlu_math",
    "joint only": lambda scores: scores["kind"].isin(["baseline", "joint"]),
    "joint of full alone": lambda scores: (scores["kind"] == "baseline") | (scores["mixture"] == "joint-a3-full"),
    "public alone": lambda scores: scores["kind"] == "baseline",
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resample less, and leave out the pictures, which tests/report looks at."""
    monkeypatch.setattr(step, "About", lambda family: About(family, AnalysisSettings(bootstrap_samples=200)))


def reported(inputs: Inputs, folder: Path, *, items: bool = True, form: str = "parquet") -> str:
    tables = folder / "tables"
    tables.mkdir(parents=True)
    if form == "csv":
        write_csv(tables / "scores.csv", inputs.scores)
    else:
        write_parquet(tables / "scores.parquet", inputs.scores)
    if items and inputs.items is not None:
        kept = inputs.scores[["mixture", "task"]].merge(inputs.items, on=["mixture", "task"])
        write_parquet(tables / "items.parquet", kept)
    assert f"{folder}/README.md" in report(folder)
    page = (folder / "README.md").read_text()
    assert page.startswith(f"# {folder.name}")
    if "nan" not in set(inputs.scores["experts"]):
        assert not re.search(r"\bnan\b", page)
    assert (folder / "explore.html").is_file()
    return page


@pytest.mark.parametrize("name", LESS)
def test_a_table_that_has_less_is_reported_on(made_study: Inputs, tmp_path: Path, name: str) -> None:
    less = made_study.scores[LESS[name](made_study.scores)].reset_index(drop=True)
    reported(Inputs(less, made_study.items), tmp_path / "less")


@pytest.mark.parametrize("name", ["pairs only", "one rank and full", "joint of full alone"])
def test_so_is_one_without_items(made_study: Inputs, tmp_path: Path, name: str) -> None:
    less = made_study.scores[LESS[name](made_study.scores)].reset_index(drop=True)
    reported(Inputs(less), tmp_path / "less")


def test_without_domains_too(made_up: Any, tmp_path: Path) -> None:
    reported(
        made_up(Made(midpoints={"a": 4.0, "b": 8.0}, ladder=(1, 8, 64), extras=(), active=(2,), domains=False)),
        tmp_path / "less",
    )


@pytest.mark.parametrize("names", [("NA", "nan"), ("null", "true"), ("none", "1e5")])
def test_experts_may_be_called_what_others_read_as_missing(
    made_up: Any, tmp_path: Path, names: tuple[str, str]
) -> None:
    made = Made(midpoints={names[0]: 4.0, names[1]: 8.0}, ladder=(1, 4, 16, 64), extras=(), active=(2,))
    page = reported(made_up(made), tmp_path / "less", form="csv")
    assert f"| {names[0]} |" in page
    assert f"| {names[1]} |" in page


def test_mixtures_may_be_called_by_numbers(made_study: Inputs, tmp_path: Path) -> None:
    names = {name: number for number, name in enumerate(made_study.scores["mixture"].unique(), start=100)}
    assert made_study.items is not None
    items = made_study.items[made_study.items["mixture"].isin(names)]
    numbered = [table.assign(mixture=table["mixture"].map(names)) for table in (made_study.scores, items)]
    (tmp_path / "less" / "tables").mkdir(parents=True)
    for table, name in zip(numbered, ("scores", "items"), strict=True):
        table.to_parquet(tmp_path / "less" / "tables" / f"{name}.parquet")
    report(tmp_path / "less")
    assert "No per-item results" not in (tmp_path / "less" / "README.md").read_text()
