"""What the paper's jobs request, at their first attempt and their last, accepted by a real sbatch for another day."""

from pathlib import Path

import pytest
import yaml
from slurm_cluster import cluster

from flexmore.config.loading import load_study
from flexmore.mixtures.grid import sweeps
from flexmore.planning.requests import for_attempt, request_evaluate, request_factorize, request_tables
from flexmore.suites.study_suite import tasks_of

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(600)]


def test_a_large_enough_node_accepts_every_request_and_a_small_one_does_not() -> None:
    study = load_study(Path("config/paper.yaml"))
    attempts = (1, 1 + yaml.safe_load(Path("profiles/slurm/config.yaml").read_text())["retries"])
    tasks = tasks_of(study)
    requests = [request_evaluate(study, sweep, tasks) for sweep in sweeps(study)]
    requests += [request_factorize(study)] * len(study.names)
    requests += [request_tables(study, tasks, step) for step in ("collect", "analyze", "draw")]
    with cluster("--db", large="1", mem="2000000", cpus="64") as slurm:

        def taken(megabytes: int, minutes: int, gpus: int) -> str:
            wanted = [f"--mem={megabytes}", f"--time={minutes}", *(["-p", "gpu", f"--gpus={gpus}"] if gpus else [])]
            return slurm.ask(
                "sbatch", "--parsable", "--begin=now+1day", "--output=/dev/null", "--wrap=true", *wanted
            ).strip()

        for request in requests:
            for attempt in attempts:
                found = for_attempt(request, attempt)
                assert taken(found.mb, found.minutes, found.gpus).isdigit()
        waiting = slurm.ask("squeue", "--noheader", "--format=%T %r").splitlines()
        assert waiting == ["PENDING BeginTime"] * len(requests) * len(attempts)
        with pytest.raises(Exception, match="sbatch"):
            taken(3_000_000, 60, 0)  # so that acceptance means something
