"""What happens once before the jobs of a run: no other run is disturbed, and the configuration is written for them."""

from pathlib import Path

from flexmore.cluster.processes import find_processes
from flexmore.cluster.slurm import find_jobs
from flexmore.config.loading import dump_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.files import clear_leftovers, write_text


def start_run(study: Study, config: Path, folder: Path, *, cluster: bool) -> None:
    """Write a study's configuration, with every default, where its jobs read it.

    Unfinished temporary files of killed runs are removed, unless a run is alive in the folder.

    Args:
        config: the file that the jobs read.
        folder: the working directory of the run.
        cluster: whether the run sends its jobs to a cluster.

    Raises:
        FlexmoreError: jobs of another run are in the cluster's queue, or a live run reads another configuration.
    """
    jobs = find_jobs(folder)
    if jobs and cluster:
        raise FlexmoreError(
            f"{len(jobs)} jobs of another run in this folder are in the cluster's queue: wait for that run, or, "
            "where it was killed, run `flexmore resume`; nothing was submitted"
        )
    alone = not jobs and not find_processes(folder)
    if alone:
        clear_leftovers(study.paths.root)
    if not config.is_file() or config.read_text(encoding="utf-8") != dump_study(study):
        if not alone:
            raise FlexmoreError(
                f"a run is alive in this folder and reads {config}, which this one would change: wait for it"
            )
        write_text(config, dump_study(study))
