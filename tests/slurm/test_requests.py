"""What the paper's jobs ask for, at their first attempt and their last, taken by a real sbatch for another day."""

from pathlib import Path

import pytest
import yaml
from slurm_cluster import cluster

from flexmore.config.loading import load_study
from flexmore.mixtures.grid import grid, sweeps
from flexmore.planning import requests as resources

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(600)]


def test_a_large_enough_node_accepts_every_request_and_a_small_one_does_not() -> None:
    study = load_study(Path("config/paper.yaml"))
    attempts = (1, 1 + yaml.safe_load(Path("profiles/slurm/config.yaml").read_text())["retries"])
    asked = {
        f"evaluate {sweep.name}": (resources.evaluate_mb(study, sweep), resources.evaluate_minutes(study, sweep), 1)
        for sweep in sweeps(study)
    }
    factorize = (resources.factorize_mb(study), resources.factorize_minutes(study), 1)
    asked |= {f"factorize {name}": factorize for name in study.names}
    asked |= {step: (resources.tables_mb(study, len(grid(study))), 60, 0) for step in ("collect", "analyze", "draw")}
    with cluster("--db", large="1", mem="2000000", cpus="64") as slurm:

        def taken(megabytes: int, minutes: int, gpus: int) -> str:
            wanted = [f"--mem={megabytes}", f"--time={minutes}", *(["-p", "gpu", f"--gpus={gpus}"] if gpus else [])]
            return slurm.ask(
                "sbatch", "--parsable", "--begin=now+1day", "--output=/dev/null", "--wrap=true", *wanted
            ).strip()

        for megabytes, minutes, gpus in asked.values():
            for attempt in attempts:
                assert taken(megabytes * attempt, resources.grown(minutes, attempt), gpus).isdigit()
        waiting = slurm.ask("squeue", "--noheader", "--format=%T %r").splitlines()
        assert waiting == ["PENDING BeginTime"] * len(asked) * len(attempts)
        with pytest.raises(Exception, match="sbatch"):
            taken(3_000_000, 60, 0)  # so that acceptance means something
