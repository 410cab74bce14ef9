"""The default study has all of its rows, whatever its mixtures scored."""

import json
from pathlib import Path

import pandas as pd
import pytest

from flexmore.analysis.findings.answering import unread_answers
from flexmore.analysis.tables.collecting import collect
from flexmore.analysis.tables.scores import split_controls
from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.mixtures.grid import Mixture, grid
from flexmore.mixtures.recipe import Recipe
from flexmore.suites.study_suite import tasks_of

ITEMS = 5


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(Path("config/config.yaml"))


@pytest.fixture(scope="module")
def scores(study: Study, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The tables of a study in which half of the mixtures answer rubbish."""
    folder = tmp_path_factory.mktemp("scores")
    files, recipes = {}, []
    for number, mixture in enumerate(grid(study)):
        files[mixture.name] = folder / f"{mixture.name}.json"
        content = {"mixture": mixture.name, "tasks": _records(study, rubbish=number % 2 == 1)}
        files[mixture.name].write_text(json.dumps(content))
        recipes.append(_recipe(mixture))
    found, _ = split_controls(collect(files, recipes).scores)
    return found


def _records(study: Study, rubbish: bool) -> dict[str, object]:
    """What a mixture scored on every task: nothing where it answers rubbish, and every written answer unread."""
    records = {}
    for info in tasks_of(study):
        written = info.output_type == "generate_until"
        items = [0.0] * ITEMS if rubbish else [1.0] * 3 + [0.0] * (ITEMS - 3)
        records[info.task] = {
            "group": info.group, "domain": info.domain, "metric": info.metric, "score": sum(items) / ITEMS,
            "stderr": 0.0, "n": ITEMS, "items": items, "answer": "written" if written else "chosen", "cut": 0,
            "unread": ITEMS if rubbish and written else 0,
        }  # fmt: skip
    return records


def _recipe(mixture: Mixture) -> Recipe:
    return Recipe(mixture, mixture.ranks, {"total": 1}, "0")


def test_the_150_mixtures_and_public_have_all_their_rows(scores: pd.DataFrame) -> None:
    ladder = scores[scores["kind"].isin(["baseline", "pair", "joint"])]
    assert ladder["mixture"].nunique() == 151
    assert len(ladder) == 151 * 120 == 18_120


def test_with_the_30_extra_ranks_there_are_more(scores: pd.DataFrame) -> None:
    assert scores["mixture"].nunique() == 181
    assert len(scores) == 181 * 120 == 21_720


def test_unread_answers_are_counted_and_left_out_of_nothing(scores: pd.DataFrame) -> None:
    rubbish = set(unread_answers(scores)["mixture"])
    assert 80 <= len(rubbish) <= 100
    assert scores.groupby("mixture")["task"].nunique().eq(120).all()
