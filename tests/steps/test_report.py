"""A report replaces nothing that somebody else wrote."""

import shutil
from pathlib import Path

import pytest

from flexmore.errors import FlexmoreError
from flexmore.steps.use import report as step
from flexmore.steps.use.report import report

COMMITTED = Path("reports/pocket")


@pytest.mark.parametrize("text", ["# My project\n\nNotes.\n", "", "no heading"])
def test_a_page_of_somebody_elses_is_not_replaced(tmp_path: Path, text: str) -> None:
    """Tables in the root of a repository, say, whose README.md was lost."""
    (tmp_path / "README.md").write_text(text)
    (tmp_path / "tables").mkdir()
    shutil.copyfile(COMMITTED / "tables" / "scores.parquet", tmp_path / "tables" / "scores.parquet")
    with pytest.raises(FlexmoreError, match=r"README\.md: is no report of `flexmore`, .*nothing was changed"):
        report(tmp_path)
    assert (tmp_path / "README.md").read_text() == text
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["README.md", "scores.parquet", "tables"]


def test_a_report_takes_the_place_of_the_one_before() -> None:
    pages = list(Path("reports").glob("*/README.md"))
    assert pages
    for page in pages:
        step._check_page(page)
