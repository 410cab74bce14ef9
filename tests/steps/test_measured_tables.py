"""Where measured tables are found: with a study that is not complete, among the committed ones."""

from pathlib import Path

import pytest
import yaml

from flexmore.config.loading import load_study
from flexmore.errors import FlexmoreError
from flexmore.steps.about_study import about_study, count_facts
from flexmore.steps.collected_files import adapter_files, score_files
from flexmore.steps.measured_tables import find_measured, read_measured

POCKET = Path("config/config.yaml")


def test_a_study_that_was_not_run_takes_the_committed_tables(tmp_path: Path) -> None:
    study = load_study(yaml.safe_load(POCKET.read_text()) | {"results": str(tmp_path)})
    source, said = find_measured(study, Path("reports"))
    assert source.tables == Path("reports/pocket/tables")
    first = next(iter(score_files(study).values()))
    assert said == f"from the committed tables in reports/pocket/tables/ ({first} has not been made here)"
    assert len(read_measured(study, Path("reports")).inputs.scores) == (1 + 150 + 30) * 120


def test_where_no_tables_are_it_says_what_to_run(tmp_path: Path) -> None:
    study = load_study(yaml.safe_load(POCKET.read_text()) | {"results": str(tmp_path)})
    with pytest.raises(FlexmoreError, match=r"public\.json is missing and there is no .*: run the study first"):
        find_measured(study, tmp_path)


def test_a_study_is_complete_with_the_scores_of_each_mixture_and_the_adapters_of_each_expert() -> None:
    study = load_study(POCKET)
    assert len(score_files(study)) == 1 + 150 + 30 + 6
    assert len(adapter_files(study, ["math"])) == len({*study.ladder, *study.extra_ranks})


def test_planted_facts_and_the_positive_control_are_the_pockets_alone() -> None:
    pocket, paper = about_study(load_study(POCKET)), about_study(load_study(Path("config/paper.yaml")))
    assert (pocket.control, set(pocket.facts.values())) == (True, {60, 180, 540})
    assert (paper.control, count_facts(load_study(Path("config/paper.yaml")))) == (False, {})
    assert "--configfile" in paper.command
