"""The plan of a configuration: counts, and agreement with what the rules request."""

import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import find_sweep, sweeps
from flexmore.planning.plan import plan, time_plan
from flexmore.planning.requests import request_evaluate
from flexmore.planning.time import stated_hours
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))


@dataclass(frozen=True)
class Seconds:
    """What a token takes."""

    prompt: float
    new: float


def planned(study: Study) -> dict[str, Any]:
    return plan(study, sizes_of(study), tasks_of(study))


def test_the_papers_mixtures() -> None:
    content = planned(PAPER)
    assert content["study"] == 150
    assert content["distinct"] == 1 + 6 * 14 + 3 * (14 + 2)


def test_the_plan_lists_what_the_rules_request() -> None:
    content, sweep, tasks = planned(PAPER), find_sweep(PAPER, "joint-a7"), tasks_of(PAPER)
    assert content["requests"]["evaluate joint-a7"] == asdict(request_evaluate(PAPER, sweep, tasks))
    assert content["hours"]["evaluate"]["joint-a7"]["most"] == stated_hours(PAPER, sizes_of(PAPER), sweep, tasks).most


def test_gpus_of_each_sweep() -> None:
    assert set(planned(PAPER)["gpus"]["sweeps"].values()) == {None}
    stated = PAPER.model_copy(update={"evaluate": PAPER.evaluate.model_copy(update={"gpu_memory": 80.0})})
    found = planned(stated)["gpus"]["sweeps"]
    assert (found["public"], found["math"], found["joint-a4"]) == (1, 1, 2)


def test_timed_hours_count_the_jobs_of_each_sweep() -> None:
    tokens = {"BBH": {"items": 1, "prompt": 9, "computed": 1_000_000, "new": 0}}
    speed = {sweep.name: Seconds(0.0036, 0.0) for sweep in sweeps(PAPER)}
    found = time_plan(PAPER, sizes_of(PAPER), tasks_of(PAPER), tokens, speed, "a device", 36.0)
    jobs = planned(PAPER)["requests"]["evaluate math"]["jobs"]
    assert jobs > 1
    assert found["timed"]["device"] == "a device"
    assert found["timed"]["evaluate"]["math"]["starts"] == pytest.approx(jobs * 0.01)
    assert found["timed"]["evaluate"]["math"]["prompts"] == pytest.approx(1.0)


def test_no_module_of_the_room_imports_torch() -> None:
    names = sorted(path.stem for path in Path("flexmore/planning").glob("[a-z]*.py"))
    code = "import sys\n" + "".join(f"import flexmore.planning.{name}\n" for name in names)
    code += "assert not {'torch', 'transformers', 'accelerate'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
