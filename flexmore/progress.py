"""Progress of long work: a bar with the remaining time on a terminal; elsewhere a line of text from time to time."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")


def track(
    iterable: Iterable[Item],
    total: int,
    description: str,
    *,
    done: int = 0,
    every: float = 30.0,
    status: Callable[[], str] | None = None,
) -> Iterator[Item]:
    """Yield the items of `iterable`, and report on stderr how many of `total` are done.

    Args:
        done: how many were done before, such as by a killed run; they count for the bar, not for the rate.
        every: seconds between two lines if stderr is not a terminal; the last line is always printed.
        status: returns text to show after the count.
    """
    if sys.stderr.isatty():
        extra = TextColumn("{task.fields[status]}")
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), extra, TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(description, total=total, completed=done, status="")
            for item in iterable:
                yield item
                bar.update(task, advance=1, status=status() if status else "")
        return
    start = last = time.monotonic()
    for fresh, item in enumerate(iterable, start=1):
        yield item
        now = time.monotonic()
        if now - last >= every or done + fresh == total:
            rate = fresh / max(now - start, 1e-9)
            left = (total - done - fresh) / rate
            speed = f"{rate:.1f}/s" if rate >= 0.1 else f"{1 / rate:.0f} s each"
            parts = [f"{done + fresh}/{total}", *([status()] if status else []), speed, f"{left:.0f} s to go"]
            print(f"{description}: {', '.join(parts)}", file=sys.stderr, flush=True)
            last = now
