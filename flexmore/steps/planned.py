"""The configuration that jobs were planned with: a job reads that one, or none.

Jobs read `config.yaml` in the results folder, and may wait long in a queue before they do. What Snakemake planned them
with stands in their environment, so that a file which was changed underneath ends them at once.
"""

import hashlib
import os
from pathlib import Path

from flexmore.cluster.owner import read_run
from flexmore.config.loading import dump_study, load_study
from flexmore.config.study import Study
from flexmore.errors import ConfigError, FlexmoreError
from flexmore.evaluation.results.versions import COMMIT, code_commit

PLANNED = "FLEXMORE_PLANNED"
"""Environment variable of jobs: digest of the configuration, a space, and the file that holds it."""


def digest_of(study: Study) -> str:
    """Return a digest of a whole configuration."""
    return hashlib.sha256(dump_study(study).encode()).hexdigest()[:16]


def state_planned(study: Study, config: Path) -> None:
    """State the configuration that the jobs of this process are planned with, and the commit of the code.

    Args:
        config: the file that they read.
    """
    os.environ[PLANNED] = f"{digest_of(study)} {config.resolve()}"
    os.environ[COMMIT] = code_commit()


def planned_file() -> Path | None:
    """Return the configuration that this job was planned with; None where this process is no job."""
    return Path(os.environ[PLANNED].partition(" ")[2]) if PLANNED in os.environ else None


def load_planned(config: Path) -> Study:
    """Load the configuration of a step of the study.

    Raises:
        ConfigError: the step is a job that was planned with another one.
        FlexmoreError: it is none, and its results belong to a run that is alive and has another configuration.
    """
    study = load_study(config)
    refuse_unplanned(study, config)
    return study


def refuse_unplanned(study: Study, config: Path) -> None:
    """Check that a job has the configuration that it was planned with, and a step by hand that of a run that is alive.

    Args:
        config: the file that it was read from.

    Raises:
        ConfigError, FlexmoreError: as `load_planned`.
    """
    if PLANNED in os.environ:
        if os.environ[PLANNED].partition(" ")[0] != digest_of(study):
            raise ConfigError(
                f"{config}: changed since this job was planned; it would mix two configurations, so it computed "
                "nothing: run snakemake again"
            )
        return
    run = read_run(study.paths.root)
    if run is not None and run.alive and run.configuration != digest_of(study):
        raise FlexmoreError(
            f"{study.paths.root} belongs to a run that is alive and has another configuration than {config} ({run}): "
            "wait for it, or give this one other `results:`; nothing was changed"
        )
