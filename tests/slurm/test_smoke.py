"""The smoke study by profiles/slurm, on a SLURM of its own: whole, and with jobs, slurmctld and Snakemake killed."""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import pytest
from cluster import NO_ACCOUNTING, SOON, STUDY, Cluster

from tests.workflow.place import Place, environment

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]

OPTIONS = (*STUDY, *SOON, *NO_ACCOUNTING)
GPU_STEPS = ("factorize", "evaluate", "calibrate")
PUT = '        record: dict[str, Any] = {"key"'
SCORES = "results/smoke/scores"


def test_the_study_has_the_same_tables_and_only_gpu_steps_hold_gpus(
    local: Place, clone: Place, slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (node := tmp_path / "node").mkdir()
    monkeypatch.setenv("TMPDIR", str(node))
    clone.run("snakemake", *OPTIONS, timeout=1500)
    assert clone.tables() == local.tables()
    jobs = slurm.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    steps = [job["step"] for job in jobs]
    assert len(steps) == len(set(steps)) <= 60
    assert {step.split()[0] for step in steps} == {"acquire", "factorize", "evaluate", "collect", "analyze", "draw"}
    for job in jobs:
        wants = job["step"].startswith(GPU_STEPS)
        assert ("gres/gpu" in job["TRES"]) == wants, job
        assert job["Partition"] == ("gpu" if wants else "cpu")
    assert list((clone.folder / "logs" / "slurm" / "rule_evaluate" / "math").glob("*.log"))
    logs = [path.read_text() for path in (clone.results / "logs" / "evaluate").iterdir()]
    for name in ("experts/public", "experts/math", "factors/math"):
        assert sum(len(re.findall(rf"^{node}/.*/{name}: staged, ", log, flags=re.MULTILINE)) for log in logs) == 1
    assert "Nothing to be done" in clone.run("snakemake", *OPTIONS).stdout


def unevaluated(place: Place, *sweeps: str) -> None:
    """Forget what has been computed of some sweeps, and of what follows from them."""
    for sweep in sweeps:
        for path in (place.results / "scores" / sweep).glob("*"):
            path.unlink()
        (place.results / "scores" / sweep / ".snakemake_timestamp").unlink()
        (place.results / "scores" / sweep).rmdir()
    for path in place.results.glob("cache/scores/*/*.json"):
        path.unlink()


def before_writing(place: Place, code: str) -> None:
    """Let a sweep run some code before each of its results goes to the cache."""
    cache = place.folder / "flexmore" / "evaluation" / "cache.py"
    assert PUT in cache.read_text()
    cache.write_text(cache.read_text().replace(PUT, indent(dedent(code).strip() + "\n", " " * 8) + PUT))


def computed(place: Place) -> int:
    """How many results are in the cache."""
    return len(list(place.results.glob("cache/scores/*/*.json")))


def scores(place: Place, sweep: str) -> dict[str, bytes]:
    """What a sweep has published."""
    return {path.name: path.read_bytes() for path in (place.results / "scores" / sweep).glob("*.json")}


def test_killed_jobs_come_back_with_more_and_go_on_from_the_cache(local: Place, tmp_path: Path, slurm: Cluster) -> None:
    """scancel, a time limit and a memory limit, each on a sweep of its own, and slurmctld restarted among them."""
    place = local.copy(tmp_path / "clone")
    sweeps = ("public", "math", "news")
    unevaluated(place, *sweeps)
    before_writing(
        place,
        """
        import sys, time
        time.sleep(1)
        there = len(list((self.folder / mixture).glob("*.json")))
        hog = b"x" * (3 << 30) if "news" in sys.argv and there == 5 else b""
        time.sleep(4 if hog else 0)
        """,
    )
    limits = [
        "evaluate:runtime=attempt if wildcards.sweep == 'math' else 30",
        "evaluate:mem_mb=2500 * attempt ** 2 if wildcards.sweep == 'news' else 2000",
    ]
    targets = [f"{SCORES}/{sweep}" for sweep in sweeps]
    with place.started("snakemake", *OPTIONS, "--set-resources", *limits, "--", *targets) as until:
        until(lambda: computed(place) > 0)
        slurm.ask("scancel", slurm.jobs("evaluate public")[0]["JobId"])
        slurm.script("restart")
        until(lambda: all((place.folder / target / ".snakemake_timestamp").exists() for target in targets), 900)
    found = {sweep: slurm.jobs(f"evaluate {sweep}") for sweep in sweeps}
    states = {sweep: [job["JobState"] for job in jobs] for sweep, jobs in found.items()}
    assert states["public"] == ["CANCELLED", "COMPLETED"]
    assert states["math"] == ["TIMEOUT", "COMPLETED"]
    assert states["news"][0] in ("OUT_OF_MEMORY", "CANCELLED", "FAILED")
    assert states["news"][1:] == ["COMPLETED"]
    assert [job["TimeLimit"] for job in found["math"]] == ["00:01:00", "00:02:00"]
    assert [job["MinMemoryNode"] for job in found["news"]] == ["2500M", "10000M"]
    for sweep in sweeps:
        log = (place.results / "logs" / "evaluate" / f"{sweep}.log").read_text()
        [old] = re.findall(r"^\d+ evaluations computed.* (\d+) found in the cache$", log, flags=re.MULTILINE)
        assert int(old) > 0, log
        assert scores(place, sweep) == scores(local, sweep)


def test_a_failing_job_is_named_with_its_own_log(local: Place, tmp_path: Path, slurm: Cluster) -> None:
    place = local.copy(tmp_path / "clone")
    unevaluated(place, "public")
    (place.results / "suite" / "index.json").write_text("[]")
    done = place.run("snakemake", *OPTIONS, "--retries", "0", "--", f"{SCORES}/public", check=False)
    assert done.returncode != 0
    failed = done.stdout.split("Error in rule evaluate")[1]
    log = "results/smoke/logs/evaluate/public.log"
    assert log in failed
    error = re.findall("^error: .*$", (place.folder / log).read_text(), flags=re.MULTILINE)[0]
    assert error in failed  # show-failed-logs


def test_after_a_sigkill_of_snakemake_resume_waits_and_repeats_nothing(
    local: Place, tmp_path: Path, slurm: Cluster
) -> None:
    place = local.copy(tmp_path / "clone")
    unevaluated(place, "public", "news")
    before_writing(place, "__import__('time').sleep(0.5)")
    targets = ("--", f"{SCORES}/public", f"{SCORES}/news")
    with place.started("snakemake", *OPTIONS, *targets) as until:
        until(lambda: computed(place) > 0)
        second = place.run("snakemake", *OPTIONS, *targets, check=False)
        assert second.returncode != 0
        assert "LockException" in second.stdout or "cannot be locked" in second.stdout
        refused = place.run("flexmore", "resume", *OPTIONS, *targets, check=False)
        assert refused.returncode == 1
        assert "a run is still alive in this folder" in refused.stdout
        assert len(slurm.jobs("evaluate")) == 2
    assert slurm.jobs("evaluate")[-1]["JobState"] in ("PENDING", "RUNNING")
    done = place.run("flexmore", "resume", *OPTIONS, *targets)
    assert "waiting for" in done.stdout
    assert [job["JobState"] for job in slurm.jobs("evaluate")] == ["COMPLETED", "COMPLETED"]
    assert place.run("snakemake", *OPTIONS, "--dry-run", *targets).stdout.count("Nothing to be done") == 1
    for sweep in ("public", "news"):
        assert scores(place, sweep) == scores(local, sweep)


def test_resume_can_cancel_what_a_killed_run_left(local: Place, tmp_path: Path, slurm: Cluster) -> None:
    place = local.copy(tmp_path / "clone")
    unevaluated(place, "math")
    before_writing(place, "__import__('time').sleep(0.5)")
    with place.started("snakemake", *OPTIONS, "--", f"{SCORES}/math") as until:
        until(lambda: computed(place) > 5)
    done = place.run("flexmore", "resume", "--cancel-jobs", *OPTIONS, "--", f"{SCORES}/math")
    assert "cancelling 1 jobs of the last run" in done.stdout
    assert [job["JobState"] for job in slurm.jobs("evaluate")] == ["CANCELLED", "COMPLETED"]
    assert scores(place, "math") == scores(local, "math")


def test_two_jobs_on_the_same_sweep_harm_nothing(local: Place, tmp_path: Path) -> None:
    place = local.copy(tmp_path / "clone")
    unevaluated(place, "news")
    command = [sys.executable, "-m", "flexmore", "evaluate", "news", "--config", "smoke.yaml"]
    both = [subprocess.Popen(command, cwd=place.folder, env=environment(), stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0], [process.communicate() for process in both]
    assert scores(place, "news") == scores(local, "news")
