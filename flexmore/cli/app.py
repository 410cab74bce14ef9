"""The command line as a whole: all verbs together, and errors as one message.

A verb reads its arguments, says what is wrong with them and calls the step of its name (`flexmore.steps`), which it
imports only then: so `flexmore --help` loads no library, and verbs that need no torch run where it is not installed.
"""

import gc
import sys

import typer

from flexmore.cli import look, study, use
from flexmore.cli.renamed import refuse_renamed
from flexmore.errors import FlexmoreError
from flexmore.files import disk_problem

_COLLECT_EVERY = 100_000
"""New objects between garbage collections. At Python's 700 they take a fifth of the time to import libraries and a
third of that to build tasks and score items; a sweep of the pocket family takes no more memory for it (650 MB)."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Mixtures of experts of different ranks: the steps of the study, one verb each.",
    epilog="`snakemake --cores all` runs them all; any step can be run by hand.",
)
for panel in (study, use, look):
    app.add_typer(panel.verbs)


def main() -> None:
    """Run the command line; print an error that the user can correct as one message and exit with its status."""
    gc.set_threshold(_COLLECT_EVERY)
    try:
        refuse_renamed(sys.argv[1:])
        app()
    except FlexmoreError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.status)
    except Exception as error:
        if (reason := disk_problem(error)) is None:
            raise
        print(f"error: cannot write: {reason}; free space or give permission, and run again", file=sys.stderr)
        sys.exit(1)
