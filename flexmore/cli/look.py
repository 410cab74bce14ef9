"""The verbs of the panel "Look before you run"."""

from pathlib import Path
from typing import Annotated

import typer

from flexmore.cli.options import DEFAULT, AsJson, Config
from flexmore.config.loading import load_study
from flexmore.errors import FlexmoreError

PANEL = "Look before you run"
verbs = typer.Typer()


@verbs.command(rich_help_panel=PANEL)
def plan(
    config: Config = DEFAULT,
    as_json: AsJson = False,
    hub: Annotated[bool, typer.Option("--hub", help="Ask the hub for the sizes of files.")] = False,
    hours: Annotated[
        bool,
        typer.Option("--hours", help="Estimate hours: count tokens and time a layer of true shape on this device."),
    ] = False,
) -> None:
    """Say what a configuration does and takes: mixtures, tasks, downloads, disk, memory; warn of what is too small."""
    study = load_study(config)
    from flexmore.steps.look.plan import plan as step

    typer.echo(step(study, ask_hub=hub, time_layers=hours, as_json=as_json))


@verbs.command(rich_help_panel=PANEL)
def grid(config: Config = DEFAULT, as_json: AsJson = False) -> None:
    """List a configuration's mixtures."""
    study = load_study(config)
    from flexmore.steps.look.grid import grid as step

    typer.echo(step(study, as_json=as_json))


@verbs.command(rich_help_panel=PANEL)
def tasks(config: Config = DEFAULT, as_json: AsJson = False) -> None:
    """List a configuration's tasks: group, metric, shots, items."""
    study = load_study(config)
    from flexmore.steps.look.tasks import tasks as step

    typer.echo(step(study, as_json=as_json))


@verbs.command(rich_help_panel=PANEL)
def params(
    recipe: Annotated[Path | None, typer.Argument(help="mixtures/<name>.json")] = None,
    sets: Annotated[
        str | None, typer.Option(help="List the sets of ranks that have this many parameters, such as 10.75B.")
    ] = None,
    config: Config = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Count the parameters of a mixture by part, or list the sets of ranks that have a number of parameters."""
    from flexmore.steps.look.params import params as step
    from flexmore.steps.look.params import rank_sets

    if recipe is not None and sets is None:
        typer.echo(step(recipe, as_json=as_json))
    elif sets is not None and recipe is None:
        typer.echo(rank_sets(load_study(config), sets, as_json=as_json))
    else:
        raise FlexmoreError("params: expected one of a recipe (mixtures/<name>.json) and --sets")


@verbs.command(rich_help_panel=PANEL)
def inspect(
    mixture: Annotated[str, typer.Argument(help="A mixture that has been evaluated, such as math-r16.")],
    task: Annotated[str, typer.Argument(help="A task of the suite.")],
    items: Annotated[
        str | None, typer.Option(help="Item numbers from 0, such as 0-4,17; default: the first three.")
    ] = None,
    config: Config = DEFAULT,
) -> None:
    """Print items of a task: prompt, choices with loglikelihoods or the generated text, what was read, right or wrong.

    `>` marks the likeliest choice, `=` the right one.
    """
    study = load_study(config)
    from flexmore.steps.look.inspect import inspect as step

    typer.echo(step(study, mixture, task, items))


@verbs.command(rich_help_panel=PANEL)
def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="Every key with its default and meaning.")] = False,
) -> None:
    """Print the JSON schema of configurations, or with --markdown the page that explains them."""
    from flexmore.steps.look.schema import schema as step

    typer.echo(step(markdown=markdown))
