"""What each job waits for, depends on and requests, without running Snakemake."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.workflow.depends import Dependencies
from flexmore.workflow.jobs import StudyJobs, one_of
from flexmore.workflow.resources import Requests

ROOT = "results/small"


def study(**changes: Any) -> Study:
    """Return a pocket study of two experts, with selections."""
    content = {
        "family": "small",
        "experts": {name: {"source": "pocket"} for name in ("public", "math", "news")},
        "ranks": [1, 4, "full", 3],
        "joint": {"active": [2], "selections": ["best", "r95"]},
    }
    return load_study(content | changes)


def given(folder: Path) -> dict[str, str]:
    """Write a checkpoint's files into a folder and return it as a source of an expert."""
    folder.mkdir()
    for name in ("config.json", "b.safetensors", "a.safetensors", "notes.txt"):
        (folder / name).write_text("{}")
    return {"source": "folder", "path": str(folder)}


JOBS = StudyJobs(study())
PAIRS = [f"{ROOT}/mixtures/{name}.json" for name in ("public", "math-r1", "math-r4")]


def test_sweeps_are_whole_unless_the_configuration_cuts_them() -> None:
    assert JOBS.whole == ["public", "math", "news", "joint-a2", "joint-a2-selected"]
    assert JOBS.cut == []
    assert JOBS.pairs == ["public", "math", "news"]
    assert [JOBS.priority(sweep) for sweep in JOBS.whole] == [1, 1, 1, 0, 0]
    cut = StudyJobs(study(evaluate={"jobs": "mixture"}))
    assert cut.cut == ["math", "news", "joint-a2", "joint-a2-selected"]
    assert cut.evaluated_parts("joint-a2-selected") == [
        f"{ROOT}/cache/parts/joint-a2-selected/joint-a2-{rule}" for rule in ("best", "r95")
    ]


def test_a_wildcard_is_one_of_the_names_or_nothing_at_all() -> None:
    assert one_of(["b", "a"]) == "a|b"
    assert one_of([]) == "(?!)"


def test_a_trained_expert_waits_for_the_public_model_alone() -> None:
    assert JOBS.acquire_inputs("public") == []
    assert JOBS.acquire_inputs("math") == [f"{ROOT}/experts/public/source.json"]


def test_an_expert_in_a_folder_waits_for_its_own_files_too(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    experts = {"public": {"source": "pocket"}, "math": {"source": "pocket"}, "mine": given(folder)}
    jobs = StudyJobs(study(experts=experts))
    own = [str(folder / name) for name in ("a.safetensors", "b.safetensors", "config.json")]
    assert jobs.acquire_inputs("mine") == [*own, f"{ROOT}/experts/public/source.json"]


def test_the_suite_waits_for_its_files_or_data_sets(tmp_path: Path) -> None:
    assert JOBS.suite_inputs() == []
    assert StudyJobs(load_study(Path("config/paper.yaml"))).suite_inputs() == ["results/flexolmo/datasets/source.json"]
    files = [tmp_path / "index.json", tmp_path / "inner" / "task.yaml"]
    files[1].parent.mkdir()
    for file in files:
        file.write_text("[]")
    jobs = StudyJobs(study(suite={"source": "folder", "path": str(tmp_path)}))
    assert jobs.suite_inputs() == [str(file) for file in files]


def test_selected_recipes_alone_wait_for_the_pairs() -> None:
    weights = [f"{ROOT}/experts/{name}/source.json" for name in ("public", "math", "news")]
    weights += [f"{ROOT}/factors/{name}/index.json" for name in ("math", "news")]
    assert JOBS.compose_inputs("joint-a2") == weights
    waiting = JOBS.compose_inputs("joint-a2-selected")
    assert waiting[:5] == weights
    assert {*PAIRS, f"{ROOT}/scores/public", f"{ROOT}/scores/math", f"{ROOT}/scores/news"} < {*waiting}


def test_evaluation_waits_for_a_calibration_that_is_required() -> None:
    passed = f"{ROOT}/calibration/passed.json"
    reference = {"reference": {"MMLU": 50.0}, "source": "made up"}
    required = StudyJobs(study(calibration={**reference, "required": True}))
    assert passed in required.evaluate_inputs("math")
    assert passed not in required.calibrate_inputs()
    assert passed not in JOBS.evaluate_inputs("math")
    assert JOBS.evaluate_inputs("public") == JOBS.calibrate_inputs()


def test_collecting_waits_for_every_sweep_and_rank() -> None:
    inputs = JOBS.collect_inputs()
    assert len(inputs) == len({*inputs}) == 5 + 2 + 2 * 3
    assert JOBS.measured("math") == [f"{ROOT}/adapters/math/r{rank}.json" for rank in (1, 4, 3)]
    assert {*JOBS.scores(*JOBS.sweeps), *JOBS.spectra("math", "news"), *JOBS.measured("math", "news")} == {*inputs}


CHANGES: list[tuple[dict[str, Any], set[str]]] = [
    ({"evaluate": {"limit": 5}}, {"evaluate", "calibrate"}),
    ({"evaluate": {"batch_tokens": 1000, "device": "cpu"}}, set()),
    ({"suite": {"tasks": ["pocket_mc9_math_problems"]}}, {"evaluate", "calibrate", "datasets"}),
    ({"pocket": {"checkpoint_every": 7}}, set()),
    ({"pocket": {"items": 11}}, {"suite"}),
    ({"seed": 3}, {"acquire", "suite"}),
    ({"seed": 3, "controls": ["random"]}, {"acquire", "suite", "compose", "compose selected"}),
    ({"factors": {"device": "cpu"}}, set()),
    ({"factors": {"max_rank": 64}}, {"factorize"}),
    ({"analysis": {"confidence": 0.9}}, {"compose selected", "analyze", "draw"}),
    ({"analysis": {"bootstrap_samples": 500}}, {"analyze", "draw"}),
    ({"calibration": {"required": False}}, set()),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=[str(change) for change, _ in CHANGES])
def test_a_change_of_the_configuration_touches_what_depends_on_it(change: dict[str, Any], expected: set[str]) -> None:
    def depends(made: Study) -> dict[str, Any]:
        on = Dependencies(made)
        plain = "datasets suite factorize measure evaluate calibrate collect analyze draw".split()
        mixtures = {"compose": on.compose("joint-a2"), "compose selected": on.compose("joint-a2-selected")}
        return {name: getattr(on, name)() for name in plain} | mixtures | {"acquire": on.acquire("math")}

    before, after = depends(study()), depends(study(**change))
    assert {name for name in before if before[name] != after[name]} == expected


def test_what_others_reported_is_part_of_the_report() -> None:
    assert Dependencies(study()).draw()["reference"] is None
    assert Dependencies(load_study(Path("config/paper.yaml"))).draw()["reference"]


def test_a_later_attempt_requests_more() -> None:
    requests = Requests(JOBS)
    for step in "acquire datasets suite factorize measure compose evaluate calibrate collect analyze draw".split():
        assert requests.mb(step, 2) == 2 * requests.mb(step, 1) > 0
        assert 0 < requests.minutes(step, 1) < requests.minutes(step, 2) <= 24 * 60
    assert requests.mb("evaluate", 1, "joint-a2") >= requests.mb("evaluate", 1, "public")


@pytest.mark.parametrize(
    ("device", "cluster", "here", "gpus"),
    [("auto", False, False, 0), ("auto", False, True, 1), ("auto", True, False, 1), ("cpu", True, True, 0),
     ("cuda:1", False, False, 1)],
)  # fmt: skip
def test_gpus_are_requested_where_they_are_used(device: str, cluster: bool, here: bool, gpus: int) -> None:
    requests = Requests(StudyJobs(study(evaluate={"device": device})), cluster=lambda: cluster, gpu_here=here)
    assert requests.gpus("evaluate") == requests.gpus("calibrate") == gpus


def test_a_study_that_the_stated_gpus_cannot_hold_is_refused() -> None:
    paper = load_study(Path("config/paper.yaml"))
    small = StudyJobs(paper.model_copy(update={"evaluate": paper.evaluate.model_copy(update={"gpu_memory": 1.0})}))
    with pytest.raises(FlexmoreError, match=r"evaluate\.gpu_memory: 1 GB; sweeps that do not fit"):
        Requests(small).check_gpus()
    Requests(StudyJobs(paper)).check_gpus()


def test_a_large_sweep_requests_several_gpus() -> None:
    paper = load_study(Path("config/paper.yaml"))
    stated = StudyJobs(paper.model_copy(update={"evaluate": paper.evaluate.model_copy(update={"gpu_memory": 80.0})}))
    requests = Requests(stated, cluster=lambda: True)
    assert requests.gpus("evaluate", "math") == requests.gpus("calibrate") == 1
    assert requests.gpus("evaluate", "joint-a7") == 2


def test_a_step_that_needs_a_network_runs_here_unless_a_partition_is_given() -> None:
    paper = StudyJobs(load_study(Path("config/paper.yaml")))
    assert Requests(paper).runs_here("acquire")
    assert not Requests(JOBS).runs_here("acquire")  # trained, not fetched
    placed = Requests(paper, given={"acquire": {"slurm_partition": "transfer"}, "datasets": {"mem_mb": 9}})
    assert not placed.runs_here("acquire")
    assert placed.runs_here("datasets")


def test_rules_are_read_without_libraries() -> None:
    """Import what Snakemake imports at every start, twice in a job of a cluster."""
    code = (
        "import sys, flexmore.workflow.depends, flexmore.workflow.jobs, flexmore.workflow.resources\n"
        "import flexmore.workflow.start\n"
        "assert not {'torch', 'pandas', 'matplotlib', 'scipy', 'statsmodels'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
