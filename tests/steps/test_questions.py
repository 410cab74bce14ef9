"""Questions are answered from any folder of tables, and nothing is written there."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.cli.app import app
from flexmore.config.loading import load_study
from flexmore.errors import ConfigError, FlexmoreError
from flexmore.steps.measured_tables import read_folder_of


def asked(*words: str | Path) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.fixture(params=["csv", "parquet"])
def folder(request: pytest.FixtureRequest, made_study: Inputs, tmp_path: Path) -> Path:
    """A folder of tables as somebody else would send it."""
    tables = tmp_path / "from elsewhere" / "tables"
    tables.mkdir(parents=True)
    if request.param == "csv":
        write_csv(tables / "scores.csv", made_study.scores)
    else:
        write_parquet(tables / "scores.parquet", made_study.scores)
    assert made_study.items is not None
    write_parquet(tables / "items.parquet", made_study.items)
    return tables.parent


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


@pytest.mark.parametrize("below", ["", "tables"])
def test_a_folder_of_tables_answers(folder: Path, below: str) -> None:
    before = times(folder)
    assert "math-r4 less math-r1" in asked("compare", "math-r4", "math-r1", folder / below)
    found = json.loads(asked("recommend", folder / below, "--budget", "800k", "--json"))
    assert set(found["ranks"]) == {"math", "news"}
    assert times(folder) == before


def test_a_folder_without_tables_and_a_mixture_that_it_lacks_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FlexmoreError, match="no mixture 'math-r2' in the table"):
        asked("compare", "math-r3", "math-r2", folder)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(FlexmoreError, match=r"scores\.csv: not found"):
        asked("compare", "math-r4", "math-r1", tmp_path / "nothing")


def test_the_settings_beside_tables_are_used_though_their_experts_are_elsewhere(folder: Path) -> None:
    experts = {name: {"source": "folder", "path": f"/on/another/machine/{name}"} for name in ("public", "math", "news")}
    content = {
        "family": "theirs", "experts": experts, "ranks": [1, 4, 8, 16, 64, "full", 3],
        "joint": {"active": [2, 3]}, "analysis": {"confidence": 0.9},
        "suite": {"source": "folder", "path": "/on/another/machine/suite"},
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(ConfigError, match=r"not a folder with a config\.json"):
        load_study(folder / "config.yaml")
    measured = read_folder_of(folder)
    assert (measured.name, measured.settings.confidence) == ("theirs", 0.9)
    assert "math-r4 less math-r1" in asked("compare", "math-r4", "math-r1", folder)
