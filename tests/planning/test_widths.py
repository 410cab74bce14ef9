"""Number formats and their bytes."""

from pathlib import Path
from typing import Any

from flexmore.config.loading import load_study
from flexmore.planning.widths import evaluated_dtype, evaluated_width, factors_width, stored_dtype, stored_width

PAPER = load_study(Path("config/paper.yaml"))
POCKET = load_study(Path("config/config.yaml"))


def test_checkpoints_of_the_hub_are_in_bfloat16_until_they_say_otherwise() -> None:
    assert (stored_dtype(PAPER), stored_width(PAPER)) == ("bfloat16", 2)
    assert (stored_dtype(POCKET), stored_width(POCKET)) == ("float32", 4)


def test_a_folder_says_what_it_holds(study_of: Any) -> None:
    assert stored_dtype(study_of()) == "float32"


def test_evaluation_and_factors_follow_the_checkpoint_unless_stated(study_of: Any) -> None:
    study = study_of()
    assert (evaluated_dtype(study), evaluated_width(study), factors_width(study)) == ("float32", 4, 4)
    stated = study_of(evaluate={"dtype": "bfloat16"}, factors={"dtype": "float16"})
    assert (evaluated_dtype(stated), evaluated_width(stated), factors_width(stated)) == ("bfloat16", 2, 2)
