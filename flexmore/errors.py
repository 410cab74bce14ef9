"""The errors that a user is meant to read: one message that says what was found, what was expected, what to do."""


class FlexmoreError(Exception):
    """Something in the user's hands is wrong; the CLI prints the message and exits with `status`."""

    status = 1


class ConfigError(FlexmoreError):
    """A configuration that cannot be meant; raised before any job starts."""


class CheckpointError(FlexmoreError):
    """A checkpoint that is not what it should be; the message names file and tensor."""


class NotFinite(FlexmoreError):
    """A model's logits are NaN or infinite."""


class Interrupted(FlexmoreError):
    """SIGTERM arrived: what was finished is written, the rest is left for the next run."""

    status = 143
