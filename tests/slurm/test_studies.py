"""Whole studies on a SLURM of the tests' own: the pocket one computed, the paper's submitted with its true resources.

Minutes: `pytest -m "slurm and full"`.
"""

import re
from pathlib import Path

import pytest
from clones import Clone
from slurm_cluster import SOON, cluster

from flexmore.config.loading import load_study
from flexmore.mixtures.grid import sweeps

pytestmark = [pytest.mark.slurm, pytest.mark.full, pytest.mark.timeout(7200)]

PROFILE = ("--workflow-profile", "profiles/slurm")
SHELL = re.compile(r"""["']exec python -m flexmore .*?(?=\n\n|\Z)""", flags=re.DOTALL)
TOUCH = (
    "'for file in {output}; do case $file in */scores/*) mkdir -p $file ;; "
    "*) mkdir -p $(dirname $file) && touch $file ;; esac; done'"
)
GB = 1000**3 / 2**20


def test_the_pocket_study_has_the_same_tables(tmp_path: Path) -> None:
    """With accounting, on two CPUs; where it asks for a GPU it has one."""
    here, there = Clone.make(tmp_path / "here"), Clone.make(tmp_path / "there")
    config = there.folder / "config" / "config.yaml"
    config.write_text(config.read_text().replace("device: cpu ", "device: auto "))
    with cluster("--db", cpus="2") as slurm:
        here.run("snakemake", "--cores", "2", timeout=3600)
        there.run("snakemake", *PROFILE, *SOON, timeout=3600)
        jobs = slurm.jobs(there.folder)
    tables = [
        {path.name: path.read_bytes() for path in (clone.folder / "results/pocket/tables").iterdir()}
        for clone in (here, there)
    ]
    assert tables[0] == tables[1]
    assert 20 < len(jobs) <= 60
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    steps = {job["step"].split()[0] for job in jobs}
    assert steps == {"acquire", "factorize", "evaluate", "collect", "analyze", "draw"}
    for job in jobs:
        assert ("gres/gpu=1" in job["TRES"]) == job["step"].startswith(("factorize", "evaluate")), job


def test_every_job_of_the_papers_study_is_accepted_with_its_true_resources(tmp_path: Path) -> None:
    """The jobs are submitted as they are, to a node that is said to be large enough; each stops at once."""
    clone = Clone.make(tmp_path / "clone")
    for path in (clone.folder / "workflow" / "rules").glob("*.smk"):
        path.write_text(SHELL.sub(TOUCH, path.read_text()))
    with cluster("--db", large="1", mem="2000000", gpus="8") as slurm:
        config = ("--configfile", "config/paper.yaml")
        said = clone.run("snakemake", *PROFILE, *SOON, *config, timeout=3600).stdout
        jobs = {job["step"]: job for job in slurm.jobs(clone.folder)}
    assert "sbatch failed" not in said
    assert {job["JobState"] for job in jobs.values()} == {"COMPLETED"}
    study = load_study(Path("config/paper.yaml"))
    cut = {step.split()[1] for step in jobs if step.startswith("evaluate_part ")}
    evaluated = {f"evaluate {sweep.name}" for sweep in sweeps(study)} - {f"evaluate {name}" for name in cut}
    factorized = {f"factorize {name}" for name in study.names}
    parts = {step for step in jobs if step.startswith("evaluate_part ")}
    assert set(jobs) - parts == {*evaluated, *factorized, "calibrate", "collect", "analyze", "draw"}
    for step in {*parts, *factorized, "calibrate"}:
        assert "gres/gpu=1" in jobs[step]["TRES"], step
    for step in ("collect", "analyze", "draw"):
        assert "gpu" not in jobs[step]["TRES"], step
    for step, weights in {"evaluate public": 14.6, "evaluate math": 23.3, "evaluate joint-a7": 66.5}.items():
        assert float(jobs[step]["MinMemoryNode"].removesuffix("M")) > weights * GB
