"""The jobs into which a configuration cuts a sweep."""

import math
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from flexmore.config.evaluation import HourJobs
from flexmore.config.study import Study
from flexmore.evaluation.parts import SweepPart
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.grid import Sweep
from flexmore.planning.planned_mixtures import planned_sizes
from flexmore.planning.time import stated_hours


def cut_sweep(study: Study, sweep: Sweep, tasks: Sequence[TaskInfo]) -> Mapping[str, SweepPart]:
    """Return the parts of a sweep that one job each evaluates, by name; none where one job evaluates all of it.

    A name is that of a file; of a group, what no file name should hold is written as in a URL (%20 for a space).
    """
    found = _cut(study, sweep, tasks)
    return found if len(found) > 1 else {}


def _cut(study: Study, sweep: Sweep, tasks: Sequence[TaskInfo]) -> dict[str, SweepPart]:
    names, jobs = [mixture.name for mixture in sweep.mixtures], study.evaluate.jobs
    if isinstance(jobs, HourJobs):
        number = math.ceil(stated_hours(study, planned_sizes(study), sweep, tasks).most / jobs.hours)
        return {f"{i}-of-{number}": SweepPart(shard=(i, number)) for i in range(1, number + 1)}
    if jobs == "mixture":
        return {name: SweepPart(name) for name in names}
    if jobs == "mixture-group":
        groups = dict.fromkeys(info.group for info in tasks)
        return {f"{name}.{quote(group, safe='')}": SweepPart(name, group) for name in names for group in groups}
    return {}
