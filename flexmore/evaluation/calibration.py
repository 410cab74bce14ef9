"""Does the public model score what was published for it? Asked before anything dear is computed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flexmore.config.calibration import CalibrationSettings
from flexmore.errors import FlexmoreError

Tasks = Mapping[str, Mapping[str, Any]]
"""Task -> its record in `scores/<sweep>/<mixture>.json`."""


class CalibrationFailed(FlexmoreError):
    """A group is too far from its reference; the message is the table."""


@dataclass(frozen=True)
class GroupCheck:
    """One group against its reference; all but `tasks` in points.

    Attributes:
        metric: what the scores are, `acc` or `f1` say.
        score: unweighted mean over the group's tasks. error: its standard error, over items.
        allowed: how far it may be from the reference.
    """

    group: str
    tasks: int
    metric: str
    score: float
    error: float
    reference: float
    allowed: float

    @property
    def difference(self) -> float:
        """Score minus reference."""
        return self.score - self.reference

    @property
    def passed(self) -> bool:
        """Whether the difference is allowed."""
        return abs(self.difference) <= self.allowed


def check(tasks: Tasks, settings: CalibrationSettings) -> list[GroupCheck]:
    """Compare each group that has a reference.

    Args:
        tasks: of the public model.

    Raises:
        FlexmoreError: no reference, a group without tasks, a task without the metric or with a single item.
    """
    if not settings.reference:
        raise FlexmoreError(
            "calibration.reference: nothing to compare with; give the points that each group should have"
        )
    return [_check(group, tasks, settings) for group in settings.reference]


def render(checks: Sequence[GroupCheck], settings: CalibrationSettings) -> str:
    """The table for a person, and what it is compared with."""
    head = (
        f"{'group':9} {'tasks':>5} {'metric':12} {'score':>6} {'s.e.':>5} {'reference':>9} {'off by':>7} {'allowed':>8}"
    )
    lines = [
        f"{found.group:9} {found.tasks:5} {found.metric:12} {found.score:6.1f} {found.error:5.1f} "
        f"{found.reference:9.1f} {found.difference:+7.1f} {found.allowed:8.1f}  {'ok' if found.passed else 'OFF'}"
        for found in checks
    ]
    items = "all items" if settings.limit is None else f"at most {settings.limit} items a task"
    allowed = f"allowed: {settings.errors:g} standard errors + {settings.points:g} points"
    return "\n".join([head, *lines, f"points; {items}; {allowed}; reference: {settings.source or 'the configuration'}"])


def _check(group: str, tasks: Tasks, settings: CalibrationSettings) -> GroupCheck:
    records = {name: record for name, record in tasks.items() if record["group"] == group}
    if not records:
        raise FlexmoreError(f"calibration.reference: found {group!r}, of which the suite has no task")
    wanted = settings.metrics.get(group)
    values = [_value(name, record, wanted) for name, record in records.items()]
    score = 100 * math.fsum(score for score, _ in values) / len(values)
    error = 100 * math.sqrt(math.fsum(stderr**2 for _, stderr in values)) / len(values)
    metric = wanted or ", ".join(dict.fromkeys(str(record["metric"]) for record in records.values()))
    allowed = settings.errors * error + settings.points
    return GroupCheck(group, len(values), metric, score, error, settings.reference[group], allowed)


def _value(name: str, record: Mapping[str, Any], metric: str | None) -> tuple[float, float]:
    """Score and standard error of a task in a metric, its primary one for None; both in 0..1."""
    if record["score"] is None:
        raise FlexmoreError(f"calibration: {name} of the public model is quarantined: {record['alarm']}")
    if metric is not None and metric != str(record["metric"]).partition(",")[0]:
        if metric not in record.get("others", {}):
            raise FlexmoreError(f"calibration.metrics: {name} has no {metric!r}; it has {record['metric']!r}")
        record = record["others"][metric]
    if record["stderr"] is None:
        raise FlexmoreError(
            f"calibration.limit: {name} has a single item, which has no standard error; raise the limit"
        )
    return float(record["score"]), float(record["stderr"])
