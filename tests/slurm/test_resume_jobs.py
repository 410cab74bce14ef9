"""Snakemake killed while its jobs live on, and a job preempted, on a SLURM without accounting."""

import re
import subprocess
import sys

import pytest
from clones import Clone, environment
from slurm_cluster import NO_ACCOUNTING, SCORES, SOON, STUDY, Cluster
from unfinished_study import computed, scores, slow, unevaluated

pytestmark = [pytest.mark.slurm, pytest.mark.full, pytest.mark.timeout(1800)]

OPTIONS = (*STUDY, *SOON, *NO_ACCOUNTING)


def test_after_a_sigkill_of_snakemake_resume_waits_and_repeats_nothing(
    local: Clone, copy: Clone, plain: Cluster
) -> None:
    unevaluated(copy, "public", "news")
    slow(copy)
    targets = ("--", f"{SCORES}/public", f"{SCORES}/news")
    with copy.started("snakemake", *OPTIONS, *targets) as until:
        until(lambda: computed(copy, "public") > 0 or computed(copy, "news-r1") > 0)
        second = copy.run("snakemake", *OPTIONS, *targets, check=False)
        assert second.returncode != 0
        assert "LockException" in second.stdout or "cannot be locked" in second.stdout
        refused = copy.run("flexmore", "resume", *OPTIONS, *targets, check=False)
        assert refused.returncode == 1
        assert "a run is still alive in this folder" in refused.stdout
        assert len(plain.jobs(copy.folder, "evaluate")) == 2
    assert plain.jobs(copy.folder, "evaluate")[-1]["JobState"] in ("PENDING", "RUNNING")
    done = copy.run("flexmore", "resume", *OPTIONS, *targets)
    assert "waiting for" in done.stdout
    assert [job["JobState"] for job in plain.jobs(copy.folder, "evaluate")] == ["COMPLETED", "COMPLETED"]
    assert copy.run("snakemake", *OPTIONS, "--dry-run", *targets).stdout.count("Nothing to be done") == 1
    for sweep in ("public", "news"):
        assert scores(copy, sweep) == scores(local, sweep)
    copy.configure(lambda content: content["suite"]["tasks"].pop())  # what they were made with has been recorded
    assert {"evaluate sweep public", "evaluate sweep news"} <= set(copy.planned())


def test_resume_can_cancel_what_a_killed_run_left(local: Clone, copy: Clone, plain: Cluster) -> None:
    unevaluated(copy, "math")
    slow(copy)
    with copy.started("snakemake", *OPTIONS, "--", f"{SCORES}/math") as until:
        until(lambda: computed(copy, "math-r1") > 5)
    done = copy.run("flexmore", "resume", "--cancel-jobs", *OPTIONS, "--", f"{SCORES}/math")
    assert "cancelling 1 jobs of the last run" in done.stdout
    assert [job["JobState"] for job in plain.jobs(copy.folder, "evaluate")] == ["CANCELLED", "COMPLETED"]
    assert scores(copy, "math") == scores(local, "math")


def test_a_preempted_job_goes_on_from_the_cache(local: Clone, copy: Clone, plain: Cluster) -> None:
    unevaluated(copy, "math")
    slow(copy)
    target = f"{SCORES}/math"
    with copy.started("snakemake", *OPTIONS, "--", target) as until:
        until(lambda: computed(copy, "math-r1") > 5)
        urgent = ("--partition", "urgent", "--exclusive", "--output", "/dev/null", "--wrap", "sleep 1")
        plain.ask("sbatch", *urgent)
        until(lambda: (copy.folder / target / ".snakemake_timestamp").exists())
        until(lambda: plain.jobs(copy.folder, "evaluate")[0]["JobState"] != "RUNNING")
    [job] = plain.jobs(copy.folder, "evaluate")
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1")
    log = (copy.results / "logs" / "evaluate" / "math.log").read_text()
    [old] = re.findall(r"^\d+ evaluations computed.* (\d+) found in the cache$", log, flags=re.MULTILINE)
    assert int(old) > 5, log
    assert scores(copy, "math") == scores(local, "math")


def test_two_jobs_on_the_same_sweep_harm_nothing(local: Clone, copy: Clone) -> None:
    unevaluated(copy, "news")
    command = [sys.executable, "-m", "flexmore", "evaluate", "news", "--config", "smoke.yaml"]
    options = {"cwd": copy.folder, "env": environment(), "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, **options) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert scores(copy, "news") == scores(local, "news")
