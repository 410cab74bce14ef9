"""Which tasks a study evaluates, and their way into `suite/`, where evaluation reads them."""

import shutil
from pathlib import Path

from flexmore.config import Study
from flexmore.evaluation.suite import Suite, TaskInfo
from flexmore.files import published_folder, sha256_of, write_json


def tasks_of(study: Study) -> tuple[TaskInfo, ...]:
    """The tasks of a study in the order of its suite, before anything is written.

    Raises:
        FlexmoreError: a task that the suite does not have.
    """
    if study.suite.source == "folder":
        return Suite.read(Path(str(study.suite.path))).select(study.suite.tasks).index
    from flexmore.pocket.tasks import list_tasks

    chosen = study.suite.tasks
    return tuple(task for task in list_tasks(study.pocket, study.seed) if chosen is None or task.task in chosen)


def write_suite(study: Study) -> None:
    """Put the whole suite into `suite/`, with the SHA-256 of every file in `source.json`."""
    with published_folder(study.layout.suite) as temporary:
        if study.suite.source == "folder":
            shutil.copytree(str(study.suite.path), temporary, dirs_exist_ok=True)
        else:
            from flexmore.pocket.suite import write_suite as write

            write(temporary, study.pocket, study.seed)
        files = sorted(path for path in temporary.rglob("*") if path.is_file())
        hashes = {str(path.relative_to(temporary)): sha256_of(path) for path in files}
        write_json(temporary / "source.json", hashes)
