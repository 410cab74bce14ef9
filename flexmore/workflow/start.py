"""What happens once before the jobs of a run: it owns its results folder, and its configuration is written for them."""

import atexit
from collections.abc import Iterable
from pathlib import Path

from flexmore.cluster.owner import Run, claim, read_run, refuse_owned, release, this_run
from flexmore.cluster.processes import find_processes
from flexmore.cluster.slurm import find_jobs, find_unrecorded
from flexmore.config.loading import dump_study, load_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.files import clear_leftovers, remove, write_text
from flexmore.steps.planned import digest_of
from flexmore.workflow.depends import Dependencies
from flexmore.workflow.jobs import StudyJobs


def check_records(study: Study, config: Path, folder: Path) -> None:
    """Check that Snakemake can tell what a changed configuration makes again.

    It records how each file was made in the folder that it was started in. Elsewhere it would take the results of
    another configuration for those of this one.

    Args:
        config: the file that the jobs read, as the last run left it.
        folder: the working directory of the run.

    Raises:
        FlexmoreError: the results are of another configuration, and were made in another folder.
    """
    if not config.is_file() or config.read_text(encoding="utf-8") == dump_study(study):
        return
    root, last = study.paths.root, read_run(study.paths.root)
    elsewhere = last is not None and _made_elsewhere(last, folder, root)
    outputs, stale = outputs_of(StudyJobs(study)), []
    for step in _changed_steps(study, config):
        made = [output for output in outputs[step] if (folder / output).exists()]
        if made and (elsewhere or find_unrecorded(folder, made)):
            stale.append(step)
    if stale:
        where = f"in {last.folder}" if last is not None and elsewhere else "without their records in .snakemake"
        raise FlexmoreError(
            f"{root} holds results of another configuration ({', '.join(stale)}), made {where}; what is to be made "
            "again cannot be told from here: give this study other `results:`, run it where they were made, or make "
            "all of it again with --forceall; nothing was changed"
        )


def outputs_of(jobs: StudyJobs) -> dict[str, list[str]]:
    """Return the outputs of each step, as the rules name them; of the steps that make tables and pages, one."""
    root, names = jobs.root, jobs.study.names
    parts = [part for sweep in jobs.cut for part in jobs.evaluated_parts(sweep)]
    return {
        "acquire": jobs.acquired(*jobs.study.experts),
        "datasets": [f"{root}/datasets/source.json"],
        "suite": [f"{root}/suite/source.json"],
        "factorize": jobs.factorized(*names),
        "measure": jobs.measured(*names),
        "compose": jobs.recipes(*jobs.sweeps),
        "evaluate": [*jobs.scores(*jobs.sweeps), *parts],
        "calibrate": [f"{root}/calibration/passed.json"],
        "collect": [f"{root}/tables/scores.csv"],
        "analyze": [f"{root}/tables/averages.csv"],
        "draw": [f"{root}/explore.html"],
    }


def _made_elsewhere(last: Run, folder: Path, root: Path) -> bool:
    """Tell whether these very results were last made from another folder; copies have their records beside them."""
    there = Path(last.folder)
    if not last.folder or there == folder.resolve() or not there.is_dir():
        return False
    return (there / root).resolve() == (folder / root).resolve()


def start_run(study: Study, config: Path, folder: Path, *, cluster: bool) -> None:
    """Make the results folder this run's, and write the configuration, with every default, where its jobs read it.

    Unfinished temporary files of killed runs are removed, unless a process is alive in the folder.

    Args:
        config: the file that the jobs read.
        folder: the working directory of the run.
        cluster: whether the run sends its jobs to a cluster.

    Raises:
        FlexmoreError: the results belong to another run, jobs of another run are in the cluster's queue, or a process
            that is alive reads another configuration.
    """
    root, last = study.paths.root, read_run(study.paths.root)
    mine = this_run(folder, digest_of(study))
    if last is not None and (last.host, last.pid, last.created) != (mine.host, mine.pid, mine.created):
        refuse_owned(root, last)
        _refuse_left(last, config)
    jobs = find_jobs(folder)
    if jobs and cluster:
        raise FlexmoreError(
            f"{len(jobs)} jobs of another run in this folder are in the cluster's queue: wait for that run, or, "
            "where it was killed, run `flexmore resume`; nothing was submitted"
        )
    alone = not jobs and not find_processes(folder)
    changed = not config.is_file() or config.read_text(encoding="utf-8") != dump_study(study)
    if changed and not alone:
        raise FlexmoreError(
            f"a run is alive in this folder and reads {config}, which this one would change: wait for it"
        )
    claim(root, mine)
    atexit.register(release, root, mine)
    if alone:
        clear_leftovers(root)
        remove(study.paths.failures, inside=root)
    if changed:
        write_text(config, dump_study(study))


def _refuse_left(last: Run, config: Path) -> None:
    """Check that a run that was killed in another folder has left no job that is alive.

    Raises:
        FlexmoreError: it has.
    """
    folder = Path(last.folder)
    if not last.folder or not folder.is_dir() or folder == Path.cwd():
        return
    reads = [p for p in find_processes(folder) if _names(p.info["cmdline"], folder, config)]
    left = [f"process {process.pid}" for process in reads] + [f"job {job.number}" for job in find_jobs(folder)]
    if left:
        raise FlexmoreError(
            f"{config.parent} belongs to a run that was killed and has left {', '.join(left)} ({last}): wait for them, "
            "or call `flexmore resume` there; nothing was changed"
        )


def _names(command: Iterable[str], folder: Path, config: Path) -> bool:
    """Tell whether a command in a folder names a configuration's file."""
    return any((folder / word).resolve() == config.resolve() for word in command if word.endswith(config.name))


def _changed_steps(study: Study, config: Path) -> list[str]:
    """Return the steps that would run again, since their part of the configuration is not that of a file."""
    try:
        before = Dependencies(load_study(config)).by_job()
    except FlexmoreError:  # of an older version, or of experts that are no longer there
        before = {}
    now = Dependencies(study).by_job()
    if not before:
        return list(dict.fromkeys(step for step, _ in now))
    return list(dict.fromkeys(step for step, of in now if before.get((step, of), now[step, of]) != now[step, of]))
