"""SIGTERM as an error that ends the work in order: not in the middle of a write, and not swallowed on its way."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flexmore.errors import Interrupted


class _Terminated(BaseException):
    """Raised where SIGTERM finds the program; no Exception, so that nothing takes it for a failed task."""


class Termination:
    """Turns SIGTERM into `Interrupted` while it is entered (in the main thread; elsewhere it does nothing).

    Args:
        advice: what the message tells the user after "stopped by SIGTERM".
    """

    def __init__(self, advice: str) -> None:
        self._advice = advice
        self._writing = False
        self._arrived = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let SIGTERM end what runs inside.

        Raises:
            Interrupted: it came.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, self._receive)
        try:
            yield
        except _Terminated:
            raise Interrupted(f"stopped by SIGTERM; {self._advice}") from None
        finally:
            signal.signal(signal.SIGTERM, before)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Put a SIGTERM off until what runs inside is done."""
        self._writing = True
        try:
            yield
        finally:
            self._writing = False
        if self._arrived:
            raise _Terminated

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._arrived = True
        if not self._writing:
            raise _Terminated
