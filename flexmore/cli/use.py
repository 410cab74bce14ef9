"""The verbs of the panel "Use": what a study has measured, and exchange with other software."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flexmore.cli.options import DEFAULT, REPORTS, AsJson, Config, Partial, Reports, Threads
from flexmore.config.loading import load_study
from flexmore.exchange.choices import Base, Format, ImportChoice, RouterChoice, RouterSource
from flexmore.steps.planned import load_planned

if TYPE_CHECKING:
    from flexmore.steps.measured_tables import Measured

PANEL = "Use"
verbs = typer.Typer()
Folder = Annotated[
    Path | None, typer.Argument(help="Answer from the tables in FOLDER/tables/, as `flexmore report` does.")
]


@verbs.command(rich_help_panel=PANEL)
def figures(config: Config = DEFAULT, reports: Reports = REPORTS, partial: Partial = False) -> None:
    """Make tables, figures and pages from this study's results where complete, else from the committed tables."""
    study = load_planned(config)
    from flexmore.steps.use.figures import figures as step
    from flexmore.steps.use.figures import partial_figures

    typer.echo(partial_figures(study) if partial else step(study, reports))


@verbs.command(rich_help_panel=PANEL)
def report(folder: Annotated[Path, typer.Argument(help="Measured tables in FOLDER/tables/ (docs/tables.md).")]) -> None:
    """Analyse any tidy table of scores: tables, figures, README.md and explore.html in FOLDER."""
    from flexmore.steps.use.report import report as step

    typer.echo(step(folder))


@verbs.command(rich_help_panel=PANEL)
def publish(
    config: Config = DEFAULT,
    reports: Reports = REPORTS,
    as_seed: Annotated[bool, typer.Option("--as-seed", help="A further training seed: to seeds/<seed>/.")] = False,
) -> None:
    """Copy a complete study's measured tables to reports/<family>/ and make the report there, to be committed."""
    study = load_study(config)
    from flexmore.steps.use.publish import publish as step

    typer.echo(step(study, reports, as_seed=as_seed))


@verbs.command(rich_help_panel=PANEL)
def recommend(
    budget: Annotated[str, typer.Option(help="Total parameters of the joint mixture: 10.75B, 800k, 1,000,000.")],
    folder: Folder = None,
    config: Config = DEFAULT,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Print the rank for each expert under a parameter budget, from what has been measured."""
    measured = _measured(folder, config, reports)
    from flexmore.steps.use.recommend import recommend as step

    typer.echo(step(measured, budget, as_json=as_json))


@verbs.command(rich_help_panel=PANEL)
def compare(
    mixture: Annotated[str, typer.Argument(help="A mixture, such as joint-a4-best.")],
    other: Annotated[str, typer.Argument(help="Another.")],
    folder: Folder = None,
    config: Config = DEFAULT,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Say whether the data tell two mixtures apart: paired difference, McNemar's test, detectable difference."""
    measured = _measured(folder, config, reports)
    from flexmore.steps.use.compare import compare as step

    typer.echo(step(measured, mixture, other, as_json=as_json))


@verbs.command(rich_help_panel=PANEL)
def materialize(
    recipe: Annotated[Path, typer.Argument(help="mixtures/<name>.json, in a family's folder.")],
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    format: Annotated[
        Format, typer.Option("--format", help="Dense; factored; or a pair's expert alone as a LoRA adapter.")
    ] = "flexolmo",
    base: Annotated[
        Base, typer.Option("--layout", help="With peft: layout of the public model that the adapter is for.")
    ] = "dense",
) -> None:
    """Write a mixture's weights for other software, with configuration, tokenizer, card and hashes."""
    from flexmore.steps.use.materialize import materialize as step

    step(recipe, out, format=format, base=base)


@verbs.command(rich_help_panel=PANEL)
def import_experts(
    checkpoint: Annotated[Path, typer.Argument(help="A factored FlexMoRE checkpoint, or a PEFT LoRA adapter.")],
    root: Annotated[Path, typer.Argument(help="A family's folder of artefacts, new or not, such as results/mine.")],
    name: Annotated[list[str], typer.Option(help="A name for each of its experts, in their order; repeat the option.")],
    public: Annotated[
        Path | None, typer.Option(help="The dense public model; default: the family's, else the checkpoint's expert 0.")
    ] = None,
    active: Annotated[
        int | None, typer.Option(help="Experts per token of the recipe; default: the checkpoint's; an adapter: 2.")
    ] = None,
    router: Annotated[
        RouterSource, typer.Option(help="An adapter's router row: zero, read from a file, fitted to text.")
    ] = "zero",
    router_file: Annotated[
        Path | None,
        typer.Option(help="With file: safetensors with a tensor `router`, layers x hidden; with fit: a domain's text."),
    ] = None,
    other_text: Annotated[
        Path | None, typer.Option(help="With fit: text of other domains; default: random tokens.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace experts of these names that are there.")] = False,
    threads: Threads = 1,
) -> None:
    """Turn low-rank experts of others into experts of a family: experts/, factors/ and a recipe."""
    from flexmore.steps.use.import_experts import import_experts as step

    choice = ImportChoice(public, active, RouterChoice(router, router_file, other_text), replace)
    typer.echo(step(checkpoint, root, name, choice, threads=threads))


@verbs.command(rich_help_panel=PANEL)
def import_results(
    folder: Annotated[Path, typer.Argument(help="What OLMES or lm-eval wrote for one model.")],
    out: Annotated[Path, typer.Argument(help="Tables are added to OUT/tables/; see `flexmore report`.")],
    mixture: Annotated[str, typer.Option(help="Whose results they are, such as math-r16.")],
    config: Config = DEFAULT,
) -> None:
    """Put the results of another evaluator into a tidy table, marked with their source."""
    study = load_study(config)
    from flexmore.steps.use.import_results import import_results as step

    typer.echo(step(study, folder, mixture, out))


@verbs.command(
    rich_help_panel=PANEL,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def resume(context: typer.Context) -> None:
    """Resume a study that was killed: `flexmore resume --cores all`, with Snakemake's own options."""
    from flexmore.steps.use.resume import resume as step

    raise typer.Exit(step(context.args))


def _measured(folder: Path | None, config: Path, reports: Path) -> "Measured":
    """Read what a question is answered from: the tables in a folder, else a study's or the committed ones."""
    study = None if folder else load_study(config)
    from flexmore.steps.measured_tables import read_folder_of, read_measured

    return read_measured(study, reports) if study else read_folder_of(folder or Path())
