"""Logits that are NaN: all other jobs go on, the study ends with one list and no table. Minutes: `pytest -m full`."""

import pytest
from clones import Clone

pytestmark = [pytest.mark.full, pytest.mark.timeout(1200)]
SPOIL = """
import torch
model, mixture = given[0], given[1]
head = model.model.lm_head
if not hasattr(head, "spoiled"):
    head.register_forward_hook(lambda module, inputs, out: out * float("nan") if module.spoiled else out)
head.spoiled = mixture.name in ("math-r8", "joint-a3-r1")
"""


def test_the_study_ends_with_one_list_and_what_there_is_can_be_had(clone: Clone) -> None:
    clone.before("flexmore.modeling.sweep:SweepModel.set_mixture", SPOIL)
    done = clone.snakemake(check=False)
    assert done.returncode != 0
    last = done.stdout[done.stdout.rindex("evaluations failed; what else was evaluated is in the cache") - 3 :]
    assert last.startswith("24 evaluations failed;")
    for mixture in ("math-r8", "joint-a3-r1"):
        assert f"  {mixture} on pocket_mc9_math_problems: the model's logits are NaN or infinite" in last
    scores = clone.results / "scores"
    assert {path.name for path in scores.iterdir()} == {"public", "news", "joint-a2"}  # keep-going
    assert not (clone.results / "tables").exists()

    said = clone.run("flexmore", "figures", "--partial", "--config", f"{clone.results}/config.yaml").stdout
    assert "on 12 of 12 tasks; left_out.csv says what is left out" in said
    page = (clone.results / "partial" / "README.md").read_text()
    assert page.startswith("# smoke (partial): what rank costs")
    assert "`math-r8`" in page.split("## ")[1]
    assert not (clone.results / "tables").exists()
    assert "collect the tables" in clone.planned()

    (clone.folder / "flexmore" / "modeling" / "sweep.py").write_text(
        (clone.folder / "flexmore" / "modeling" / "sweep.py").read_text().split("\n\ndef _before(")[0] + "\n"
    )
    clone.snakemake()
    assert (clone.results / "tables" / "averages.csv").is_file()
    log = (clone.results / "logs" / "evaluate" / "math.log").read_text()
    assert "12 evaluations computed" in log
