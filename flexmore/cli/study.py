"""The verbs of the panel "Steps of the study", in the order in which the workflow runs them."""

from typing import Annotated

import typer

from flexmore.cli.options import DEFAULT, Config, Expert, Partial, Stage, Threads, load_with_expert
from flexmore.mixtures.grid import find_sweep
from flexmore.steps.planned import load_planned

PANEL = "Steps of the study"
verbs = typer.Typer()


@verbs.command(rich_help_panel=PANEL)
def acquire(
    expert: Annotated[str, typer.Argument(help="An expert's name, or public.")],
    config: Config = DEFAULT,
    threads: Threads = 1,
    update: Annotated[
        bool, typer.Option("--update", help="Take the hub's revision also where it moved since it was acquired.")
    ] = False,
) -> None:
    """Train, link or download one expert into experts/<name>/, check it and describe it in source.json."""
    study = load_with_expert(config, expert, public=True)
    from flexmore.steps.study.acquire import acquire as step

    step(study, expert, update=update, threads=threads)


@verbs.command(rich_help_panel=PANEL)
def datasets(config: Config = DEFAULT) -> None:
    """Download the data sets of the paper's tasks, at recorded revisions, into datasets/; evaluation is offline."""
    study = load_planned(config)
    from flexmore.steps.study.datasets import datasets as step

    typer.echo(step(study))


@verbs.command(rich_help_panel=PANEL)
def suite(config: Config = DEFAULT) -> None:
    """Write the suite, tasks and their data, into suite/; `flexmore tasks` lists it."""
    study = load_planned(config)
    from flexmore.steps.study.suite import suite as step

    step(study)


@verbs.command(rich_help_panel=PANEL)
def factorize(expert: Expert, config: Config = DEFAULT, threads: Threads = 1) -> None:
    """Factorize one expert's deltas into factors/<expert>/: factors and spectrum."""
    study = load_with_expert(config, expert)
    from flexmore.steps.study.factorize import factorize as step

    step(study, expert, threads=threads)


@verbs.command(rich_help_panel=PANEL)
def measure(expert: Expert, config: Config = DEFAULT) -> None:
    """Write what one expert's adapters keep and cost at each rank: adapters/<expert>/r<rank>.json."""
    study = load_with_expert(config, expert)
    from flexmore.steps.study.measure import measure as step

    step(study, expert)


@verbs.command(rich_help_panel=PANEL)
def compose(
    sweep: Annotated[
        str | None, typer.Argument(help="A sweep, as for evaluate; default: every sweep but the selected ones.")
    ] = None,
    config: Config = DEFAULT,
) -> None:
    """Write the recipes of a sweep's mixtures; those of a selected sweep come from the pairs' scores."""
    study = load_planned(config)
    found = None if sweep is None else find_sweep(study, sweep)
    from flexmore.steps.study.compose import compose as step

    step(study, found)


@verbs.command(rich_help_panel=PANEL)
def evaluate(
    sweep: Annotated[str, typer.Argument(help="public, an expert's name, joint-a2, joint-a2-selected ...")],
    config: Config = DEFAULT,
    threads: Threads = 1,
    mixture: Annotated[str | None, typer.Option(help="Only this mixture, into the cache.")] = None,
    group: Annotated[str | None, typer.Option(help="Only the tasks of this group, into the cache.")] = None,
    shard: Annotated[str | None, typer.Option(help="i/n: only the i-th of n parts, into the cache.")] = None,
    stage: Stage = None,
) -> None:
    """Evaluate the mixtures of one sweep on the suite; what is cached is not computed again."""
    study = load_planned(config)
    found = find_sweep(study, sweep)
    from flexmore.evaluation.parts import SweepPart, parse_shard

    part = SweepPart(mixture, group, None if shard is None else parse_shard(shard))
    from flexmore.steps.study.evaluate import evaluate as step

    typer.echo(step(study, found, part, stage=stage, threads=threads))


@verbs.command(rich_help_panel=PANEL)
def calibrate(config: Config = DEFAULT, threads: Threads = 1, stage: Stage = None) -> None:
    """Evaluate the public model alone, on few items, and end with an error where published scores differ."""
    study = load_planned(config)
    from flexmore.steps.study.calibrate import calibrate as step

    typer.echo(step(study, stage=stage, threads=threads))


@verbs.command(rich_help_panel=PANEL)
def collect(config: Config = DEFAULT, partial: Partial = False) -> None:
    """Gather the scores, spectra and adapters of a complete study into tables/."""
    study = load_planned(config)
    if partial:
        from flexmore.steps.partial_tables import collect_partial

        typer.echo(collect_partial(study))
        return
    from flexmore.steps.study.collect import collect as step

    step(study)


@verbs.command(rich_help_panel=PANEL)
def analyze(config: Config = DEFAULT) -> None:
    """Compute gains, r95, tests, regression, selections and predictions, from tables/ into tables/."""
    study = load_planned(config)
    from flexmore.steps.study.analyze import analyze as step

    step(study)


@verbs.command(rich_help_panel=PANEL)
def draw(config: Config = DEFAULT) -> None:
    """Draw the figures and write README.md and explore.html from tables/."""
    study = load_planned(config)
    from flexmore.steps.study.draw import draw as step

    step(study)
