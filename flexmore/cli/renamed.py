"""Verbs and options that were renamed: each answers with its new name."""

from collections.abc import Sequence

from flexmore.errors import FlexmoreError

RENAMED = {
    ("import",): "`import` is now `import-experts`",
    ("import-experts", "--rows"): "`import-experts --rows` is now `import-experts --router-file`",
    ("import-experts", "--against"): "`import-experts --against` is now `import-experts --other-text`",
    ("suite", "--write"): "`suite --write` is now `suite`",
    ("suite", "--json"): "`suite --json` is now `tasks --json`; `suite` writes the suite",
    ("plan", "--measure"): "`plan --measure` is now `plan --hours`",
}
"""A verb, or a verb and an option, as they were called, and what to use instead."""


class Renamed(FlexmoreError):
    """A verb or an option is used by the name that it had before."""

    status = 2


def refuse_renamed(words: Sequence[str]) -> None:
    """Check that a command line uses no name that was changed.

    Args:
        words: without the program's name.

    Raises:
        Renamed: it does; the message says the new name.
    """
    for (verb, *options), message in RENAMED.items():
        if words[:1] == [verb] and set(options) <= set(words[1:]):
            raise Renamed(message)
