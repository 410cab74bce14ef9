"""However a sweep is cut into jobs, what it publishes is the same. Minutes: `pytest -m full`."""

import json
import shutil

import pytest
from clones import Clone

pytestmark = [pytest.mark.full, pytest.mark.timeout(1200)]
SWEEP = "joint-a2-selected"


@pytest.mark.parametrize("jobs", ["mixture", {"hours": 1, "tokens_per_second": 50}])
def test_the_scores_are_the_same_bytes(copy: Clone, jobs: object) -> None:
    folder = copy.results / "scores" / SWEEP
    before = {path.name: path.read_bytes() for path in folder.glob("joint*")}
    shutil.rmtree(folder)
    recipe = json.loads((copy.results / "mixtures" / "joint-a2-best.json").read_text())
    shutil.rmtree(copy.results / "cache" / "scores" / recipe["fingerprint"])
    copy.configure(lambda study: study["evaluate"].update(jobs=jobs))
    copy.snakemake(f"results/smoke/scores/{SWEEP}")
    assert {path.name: path.read_bytes() for path in folder.glob("joint*")} == before
    last = (copy.results / "logs" / "evaluate" / f"{SWEEP}.log").read_text()
    assert "0 evaluations computed" in last
    assert "Loading weights" not in last
