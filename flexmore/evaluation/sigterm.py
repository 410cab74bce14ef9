"""SIGTERM as an error that ends work in order: not in the middle of a write, and not taken for a failed task."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flexmore.errors import Interrupted


class _Terminated(BaseException):
    """Say that SIGTERM arrived; no Exception, so that nothing takes it for a failed task."""


class SigtermHandler:
    """Turn SIGTERM into `Interrupted` while active (in the main thread; in others it does nothing).

    Args:
        advice: what the message tells the user after "stopped by SIGTERM".
    """

    def __init__(self, advice: str) -> None:
        self._advice = advice
        self._deferring = False
        self._arrived = False

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let SIGTERM end what runs inside.

        Raises:
            Interrupted: SIGTERM arrived.
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
    def deferred(self) -> Iterator[None]:
        """Let SIGTERM wait until what runs inside is done."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False
        if self._arrived:
            raise _Terminated

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._arrived = True
        if not self._deferring:
            raise _Terminated
