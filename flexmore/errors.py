"""Errors for the user: a message says what was found, what was expected and what to do."""


class FlexmoreError(Exception):
    """Something that the user can correct is wrong; the CLI prints the message and exits with `status`."""

    status = 1


class ConfigError(FlexmoreError):
    """A configuration is wrong; raised before any job starts."""


class CheckpointError(FlexmoreError):
    """A checkpoint is not what it should be; the message names file and tensor."""


class NotFinite(FlexmoreError):
    """A model's logits are NaN or infinite."""


class Interrupted(FlexmoreError):
    """SIGTERM arrived; what was finished has been written, and the next run continues from it."""

    status = 143
