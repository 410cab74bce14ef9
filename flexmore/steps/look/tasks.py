"""List a configuration's tasks."""

import json

from flexmore.config.study import Study
from flexmore.suites.study_suite import tasks_of


def tasks(study: Study, *, as_json: bool = False) -> str:
    """Return a study's tasks, as text (one a line) or JSON."""
    found = tasks_of(study)
    if as_json:
        return json.dumps([vars(task) for task in found], indent=1)
    return "\n".join(
        f"{task.task:44} {task.group:9} {task.metric:12} {task.num_fewshot}-shot  {task.n} items" for task in found
    )
