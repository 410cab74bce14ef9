"""The collected tables of a folder, and of further seeds beside it."""

from pathlib import Path

import pytest
from made_tables import Made, make

from flexmore.analysis.inputs import Inputs, read_inputs
from flexmore.analysis.tables.collecting import collect_scores
from flexmore.errors import FlexmoreError


def test_seeds_lie_in_folders_beside_the_tables(tmp_path: Path) -> None:
    for folder, made in ((tmp_path, Made()), (tmp_path / "seeds" / "7", Made(gain=0.5))):
        (scratch := folder / "scratch").mkdir(parents=True)
        collect_scores(*make(made, scratch), folder / "tables")
    found = read_inputs(tmp_path / "tables", "3")
    assert (found.seed, list(found.others)) == ("3", ["7"])
    assert found.others["7"].items is not None
    with pytest.raises(FlexmoreError, match="seed 7 is the main run's already"):
        read_inputs(tmp_path / "tables", "7")
    (tmp_path / "seeds" / "7" / "tables" / "left_out.csv").write_text("what,name,missing,of\n")
    with pytest.raises(FlexmoreError, match="seeds/7/tables: the tables of a study that is not complete"):
        read_inputs(tmp_path / "tables", "3")


def test_items_that_belong_to_other_scores_are_refused(study: Inputs) -> None:
    scores = study.scores.copy()
    scores.loc[7, "score"] += 0.1
    with pytest.raises(
        FlexmoreError, match=r"items of public on .* average to .*, which is not their score \(1 such\)"
    ):
        Inputs(scores, study.items).item_scores()
    assert Inputs(scores).item_scores() is None
