"""The tidy table: read from anywhere, complete, and in order."""

from pathlib import Path

import pandas as pd
import pytest
from made_tables import GROUPS, Made

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.findings import recovery
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.columns import COLUMNS
from flexmore.analysis.tables.scores import arrange, read_scores
from flexmore.analysis.tables.storage import write_csv
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

SETTINGS = AnalysisSettings(bootstrap_samples=200)


def test_a_table_made_elsewhere_is_read(study: Inputs, tmp_path: Path) -> None:
    """Ranks as numbers, empty cells for no domain, no standard errors: a spreadsheet's CSV."""
    pairs = study.scores[study.scores["kind"].isin(["baseline", "pair"])]
    lean = pairs.assign(domain="", stderr=float("nan"))
    write_csv(tmp_path / "scores.csv", lean.sample(frac=1, random_state=0))
    found = read_scores(tmp_path / "scores.csv")
    assert list(found["mixture"].unique()) == list(lean["mixture"].unique())
    tables = analyze(Inputs(found), SETTINGS, {})
    assert (tables["gains"]["verdict"] == "unclear").all()  # nothing is known of the noise
    assert set(tables["r95"]["r95_reason"]) == {recovery.NO_INTERVAL}
    write_csv(tmp_path / "scores.csv", lean.assign(score="high"))
    with pytest.raises(FlexmoreError, match="column score holds 'high'; expected numbers"):
        read_scores(tmp_path / "scores.csv")


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
