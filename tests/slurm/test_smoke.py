"""The smoke study by profiles/slurm, on a SLURM of its own: whole, and with jobs, slurmctld and Snakemake killed."""

import re
from pathlib import Path

import pytest
from clones import Clone
from slurm_cluster import SCORES, SOON, STUDY, Cluster
from unfinished_study import WRITE, computed, fingerprint, scores, unevaluated

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]

OPTIONS = (*STUDY, *SOON)
GPU_STEPS = ("factorize", "evaluate", "calibrate")


def test_the_study_has_the_same_tables_and_only_gpu_steps_hold_gpus(
    local: Clone, clone: Clone, slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (node := tmp_path / "node").mkdir()
    monkeypatch.setenv("TMPDIR", str(node))
    clone.run("snakemake", *OPTIONS, timeout=1500)
    assert clone.tables() == local.tables()
    jobs = slurm.jobs(clone.folder)
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


@pytest.mark.full
def test_killed_jobs_come_back_with_more_and_go_on_from_the_cache(local: Clone, copy: Clone, slurm: Cluster) -> None:
    """scancel, a time limit and a memory limit, each on a sweep of its own, and slurmctld restarted among them."""
    sweeps = ("public", "math", "news")
    unevaluated(copy, *sweeps)
    large = fingerprint(copy, "news-r8")
    copy.before(
        WRITE,
        f"""
        import sys, time
        cache, mixture = given[:2]
        time.sleep({{"public": 1, "math": 1.5}}.get(sys.argv[2], 0))
        there = len(list((cache.folder / mixture).glob("*.json")))
        hog = b"x" * (3 << 30) if mixture == "{large}" and there == 5 else b""
        time.sleep(4 if hog else 0)
        """,
    )
    limits = [
        "evaluate:runtime=attempt if wildcards.sweep == 'math' else 30",
        "evaluate:mem_mb=2500 * attempt ** 2 if wildcards.sweep == 'news' else 2000",
    ]
    targets = [f"{SCORES}/{sweep}" for sweep in sweeps]
    with copy.started("snakemake", *OPTIONS, "--set-resources", *limits, "--", *targets) as until:
        until(lambda: computed(copy, "public") > 0)
        slurm.ask("scancel", slurm.jobs(copy.folder, "evaluate public")[0]["JobId"])
        slurm.script("restart")
        until(lambda: all((copy.folder / target / ".snakemake_timestamp").exists() for target in targets))
        until(lambda: not any(job["JobState"] == "RUNNING" for job in slurm.jobs(copy.folder, "evaluate")))
    found = {sweep: slurm.jobs(copy.folder, f"evaluate {sweep}") for sweep in sweeps}
    states = {sweep: [job["JobState"] for job in jobs] for sweep, jobs in found.items()}
    assert states["public"] == ["CANCELLED", "COMPLETED"]
    assert (set(states["math"][:-1]), states["math"][-1]) == ({"TIMEOUT"}, "COMPLETED")
    assert states["news"][0] in ("OUT_OF_MEMORY", "CANCELLED", "FAILED")
    assert states["news"][1:] == ["COMPLETED"]
    assert [job["TimeLimit"] for job in found["math"]] == [f"00:0{n}:00" for n in range(1, len(found["math"]) + 1)]
    assert [job["MinMemoryNode"] for job in found["news"]] == ["2500M", "10000M"]
    for sweep in sweeps:
        log = (copy.results / "logs" / "evaluate" / f"{sweep}.log").read_text()
        [old] = re.findall(r"^\d+ evaluations computed.* (\d+) found in the cache$", log, flags=re.MULTILINE)
        assert int(old) > 0, log
        assert scores(copy, sweep) == scores(local, sweep)


@pytest.mark.full
def test_a_failing_job_is_named_with_its_own_log(copy: Clone, slurm: Cluster) -> None:
    unevaluated(copy, "public")
    (copy.results / "suite" / "index.json").write_text("[]")
    done = copy.run("snakemake", *OPTIONS, "--retries", "0", "--", f"{SCORES}/public", check=False)
    assert done.returncode != 0
    failed = done.stdout.split("Error in rule evaluate")[1]
    log = "results/smoke/logs/evaluate/public.log"
    assert log in failed
    error = re.findall("^error: .*$", (copy.folder / log).read_text(), flags=re.MULTILINE)[0]
    assert error in failed  # show-failed-logs
