"""The study of planted damage, config/harm.yaml: what was predicted of it must be found out by the analysis."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from clones import ROOT, Clone
from shared_folders import shared_folder

EXPERTS = ("code", "news")
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of the finished study."""

    def make(folder: Path) -> None:
        Clone.make(folder)
        shutil.copy2(ROOT / "config" / "harm.yaml", folder)
        Clone(folder, "harm.yaml", "harm", patience=3600).snakemake()

    return Clone(shared_folder(tmp_path_factory, "harm", make), "harm.yaml", "harm").results / "tables"


@pytest.fixture(scope="module")
def gains(tables: Path) -> pd.DataFrame:
    """The gains of the pairs."""
    frame = pd.read_csv(tables / "gains.csv", dtype={"rank": str})
    return frame[frame["kind"] == "pair"]


def _gain(gains: pd.DataFrame, expert: str, rank: str, name: str) -> pd.Series:
    found: pd.Series = gains.query("experts == @expert and rank == @rank and name == @name").iloc[0]
    return found


def _verdict(tables: Path, expert: str, name: str) -> str:
    """The verdict on the rank that is chosen on one half of the items and judged on the other."""
    chosen = pd.read_csv(tables / "chosen.csv")
    return str(chosen.query("expert == @expert and name == @name")["verdict"].item())


@pytest.mark.parametrize("expert", EXPERTS)
def test_full_helps_on_its_own_domain(gains: pd.DataFrame, expert: str) -> None:
    own = _gain(gains, expert, "full", expert)
    assert own["gain"] >= 0.20
    assert own["low"] > 0.10


@pytest.mark.parametrize("expert", EXPERTS)
def test_full_is_found_to_harm_at_least_two_groups(gains: pd.DataFrame, expert: str) -> None:
    groups = gains.query("experts == @expert and rank == 'full' and scope == 'group'")
    assert len(groups) == 6
    assert (groups["verdict"] == "harms").sum() >= 2


def test_no_rank_of_news_is_found_to_be_worth_having(tables: Path, gains: pd.DataFrame) -> None:
    assert _gain(gains, "news", "full", "average")["verdict"] == "harms"
    assert _verdict(tables, "news", "average") == "no rank beats public"


def test_code_is_found_to_be_for_reasoning_alone(tables: Path, gains: pd.DataFrame) -> None:
    assert _gain(gains, "code", "full", "reasoning")["verdict"] == "helps"
    assert _gain(gains, "code", "full", "knowledge")["verdict"] == "harms"
    assert _verdict(tables, "code", "reasoning").startswith("beats public")
    assert _verdict(tables, "code", "knowledge") == "no rank beats public"


@pytest.mark.parametrize(("expert", "name"), [("code", "knowledge"), ("news", "average")])
def test_a_part_of_the_delta_does_a_part_of_the_damage(gains: pd.DataFrame, expert: str, name: str) -> None:
    assert _gain(gains, expert, "1", name)["gain"] > _gain(gains, expert, "full", name)["gain"]
