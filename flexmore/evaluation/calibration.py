"""Compare the public model's scores with those published for it, before anything expensive is computed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flexmore.config.calibration import CalibrationSettings
from flexmore.errors import FlexmoreError

TaskRecords = Mapping[str, Mapping[str, Any]]
"""Task -> its record in `scores/<sweep>/<mixture>.json`."""


class CalibrationFailed(FlexmoreError):
    """Say that a group's score is too far from its reference; the message is the table."""


@dataclass(frozen=True)
class GroupCheck:
    """Hold one group's score and its reference, in points.

    Attributes:
        tasks: number of the group's tasks.
        metric: the metric of the scores, such as `acc` or `f1`.
        score: unweighted mean over the group's tasks.
        error: its standard error, over items.
        allowed: how far the score may be from the reference.
        unread, cut: how many answers are unread, and for how many items a prompt was cut: of a score that is off, the
            first things to look at.
    """

    group: str
    tasks: int
    metric: str
    score: float
    error: float
    reference: float
    allowed: float
    unread: int
    cut: int

    @property
    def difference(self) -> float:
        """Return score minus reference."""
        return self.score - self.reference

    @property
    def passed(self) -> bool:
        """Tell whether the difference is allowed."""
        return abs(self.difference) <= self.allowed


def check_groups(tasks: TaskRecords, settings: CalibrationSettings) -> list[GroupCheck]:
    """Compare each group that has a reference with it.

    Args:
        tasks: the public model's records.

    Raises:
        FlexmoreError: there is no reference; a group has no tasks; a task lacks the metric or has a single item.
    """
    if not settings.reference:
        raise FlexmoreError(
            "calibration.reference: nothing to compare with; give the points that each group should have"
        )
    return [_check(group, tasks, settings) for group in settings.reference]


def render_table(checks: Sequence[GroupCheck], settings: CalibrationSettings) -> str:
    """Return the comparison as a table for a person."""
    head = (
        f"{'group':9} {'tasks':>5} {'metric':12} {'score':>6} {'s.e.':>5} {'reference':>9} {'off by':>7} "
        f"{'allowed':>8} {'unread':>6} {'cut':>5}"
    )
    lines = [
        f"{found.group:9} {found.tasks:5} {found.metric:12} {found.score:6.1f} {found.error:5.1f} "
        f"{found.reference:9.1f} {found.difference:+7.1f} {found.allowed:8.1f} {found.unread:6} {found.cut:5}  "
        f"{'ok' if found.passed else 'OFF'}"
        for found in checks
    ]
    items = "all items" if settings.limit is None else f"at most {settings.limit} items a task"
    allowed = f"allowed: {settings.errors:g} standard errors + {settings.points:g} points"
    return "\n".join([head, *lines, f"points; {items}; {allowed}; reference: {settings.source or 'the configuration'}"])


def _check(group: str, tasks: TaskRecords, settings: CalibrationSettings) -> GroupCheck:
    records = {name: record for name, record in tasks.items() if record["group"] == group}
    if not records:
        raise FlexmoreError(f"calibration.reference: found {group!r}, of which the suite has no task")
    wanted = settings.metrics.get(group)
    values = [_value(name, record, wanted) for name, record in records.items()]
    score = 100 * math.fsum(score for score, _ in values) / len(values)
    error = 100 * math.sqrt(math.fsum(stderr**2 for _, stderr in values)) / len(values)
    metric = wanted or ", ".join(dict.fromkeys(str(record["metric"]) for record in records.values()))
    allowed = settings.errors * error + settings.points
    unread, cut = (sum(record[what] for record in records.values()) for what in ("unread", "cut"))
    return GroupCheck(group, len(values), metric, score, error, settings.reference[group], allowed, unread, cut)


def _value(name: str, record: Mapping[str, Any], metric: str | None) -> tuple[float, float]:
    """Return a task's score and standard error, both in 0..1, in a metric; None: its primary one."""
    if metric is not None and metric != str(record["metric"]).partition(",")[0]:
        if metric not in record.get("others", {}):
            raise FlexmoreError(f"calibration.metrics: {name} has no {metric!r}; it has {record['metric']!r}")
        record = record["others"][metric]
    if record["stderr"] is None:
        raise FlexmoreError(
            f"calibration.limit: {name} has a single item, which has no standard error; raise the limit"
        )
    return float(record["score"]), float(record["stderr"])
