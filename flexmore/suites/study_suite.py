"""The suite of a study: which tasks it has, written to `suite/`, and read from there for evaluation."""

from dataclasses import replace
from pathlib import Path

from flexmore.config.messages import suggest
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import INDEX, PAPER_SUITE, Suite, TaskInfo
from flexmore.files import atomic_folder, copy_folder, sha256_of, write_json


def tasks_of(study: Study) -> tuple[TaskInfo, ...]:
    """Return the tasks of a study in the order of its suite; nothing needs to be written before.

    Raises:
        FlexmoreError: the suite lacks a task that `suite.tasks` names.
    """
    if study.suite.source == "folder":
        return Suite.read(Path(str(study.suite.path))).select(study.suite.tasks).index
    if study.suite.source == "paper":
        return tuple(_paper(study, info) for info in Suite.read(PAPER_SUITE).select(study.suite.tasks).index)
    from flexmore.pocket.tasks import list_tasks

    tasks, chosen = list_tasks(study.pocket, study.seed), study.suite.tasks
    known = [task.task for task in tasks]
    if unknown := [name for name in chosen or () if name not in known]:
        raise FlexmoreError(f"suite.tasks: found {unknown[0]!r}; {suggest(unknown[0], known)}")
    return tuple(task for task in tasks if chosen is None or task.task in chosen)


def open_suite(study: Study) -> Suite:
    """Return the suite that was written for a study, with the tasks that it evaluates.

    Raises:
        FlexmoreError: it has not been written, or lacks a task.
    """
    datasets = study.paths.datasets if study.suite.source == "paper" else None
    return Suite.read(study.paths.suite, datasets).select(study.suite.tasks)


def write_suite(study: Study) -> None:
    """Write the whole suite to `suite/`, with the SHA-256 of every file in `source.json`."""
    with atomic_folder(study.paths.suite, study.paths.root) as temporary:
        if study.suite.source == "folder":
            copy_folder(Path(str(study.suite.path)), temporary)
        elif study.suite.source == "paper":
            copy_folder(PAPER_SUITE, temporary)
            shots = study.paths.datasets / "shots"
            if study.suite.shots == "olmes":
                copy_folder(shots, temporary / "shots")
            index = [_paper(study, info).to_json() for info in Suite.read(PAPER_SUITE).index]
            write_json(temporary / INDEX, index)
        else:
            from flexmore.pocket.suite import write_suite as write

            write(temporary, study.pocket, study.seed)
        files = sorted(path for path in temporary.rglob("*") if path.is_file())
        hashes = {str(path.relative_to(temporary)): sha256_of(path) for path in files}
        write_json(temporary / "source.json", hashes)


def _paper(study: Study, info: TaskInfo) -> TaskInfo:
    """Return a task of the paper with the primary metric that the study chooses."""
    return replace(info, metric=study.suite.words_metric) if info.group == "Gen5" else info
