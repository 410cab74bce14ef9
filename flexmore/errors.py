"""Errors for the user: a message says what was found, what was expected and what to do."""

from collections.abc import Sequence


class FlexmoreError(Exception):
    """Say what is wrong that the user can correct; the CLI prints the message and exits with `status`."""

    status = 1


class ConfigError(FlexmoreError):
    """Say what is wrong with a configuration, before any job starts."""


class CheckpointError(FlexmoreError):
    """Say what is wrong with a checkpoint, and in which file and tensor."""


class NotFinite(FlexmoreError):
    """Say that a model's logits are NaN or infinite."""


class EvaluationFailed(FlexmoreError):
    """Say that some tasks could not be evaluated; all others were, and are in the cache.

    Attributes:
        failures: a line for each, of what and why.
    """

    status = 3

    def __init__(self, message: str, failures: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.failures = tuple(failures)


class Interrupted(FlexmoreError):
    """Say that SIGTERM arrived; what was finished has been written, and the next run continues from it."""

    status = 143
