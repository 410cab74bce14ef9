"""The command line: one verb a step, each a few lines that call the modules which do the work.

Torch is imported by the verbs that need it, so `flexmore --help`, the tables and the figures do without.
"""

import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.files import disk_problem
from flexmore.mixtures.grid import find_sweep
from flexmore.mixtures.recipe import Recipe

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

Config = Annotated[Path, typer.Option("--config", help="The study's configuration (YAML).")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the tensor library; results do not depend on it.")]
Stage = Annotated[
    Path | None,
    typer.Option(
        help="Copy weights to this folder of the node once, and read them there.",
        parser=lambda text: Path(text) if text else None,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reports = Annotated[Path, typer.Option(help="Committed tables, a folder a family.")]
DEFAULT, REPORTS = Path("config.yaml"), Path("reports")
STUDY, LOOK, USE = "Steps of the study", "Look before you run", "Use"


@app.command(rich_help_panel=STUDY)
def acquire(
    expert: Annotated[str, typer.Argument(help="An expert's name, or public.")],
    config: Config = DEFAULT,
    threads: Threads = 1,
    update: Annotated[
        bool, typer.Option("--update", help="Take a hub's revision that moved since it was acquired.")
    ] = False,
) -> None:
    """Train, link or download one expert into experts/<name>/, check it and describe it in source.json."""
    study = load_study(config)
    if expert not in study.experts:
        raise FlexmoreError(f"{config}: no expert {expert!r}; it has {', '.join(study.experts)}")
    _torch(threads)
    from flexmore.experts.acquire import acquire as run

    run(study, expert, update=update)


@app.command(rich_help_panel=STUDY)
def datasets(config: Config = DEFAULT) -> None:
    """Acquire the data sets of the paper's tasks, at recorded revisions: the one step of evaluation with a network."""
    study = load_study(config)
    from flexmore.hub.datasets import DatasetHub
    from flexmore.suites.datasets import acquire_datasets
    from flexmore.suites.study import tasks_of

    typer.echo(acquire_datasets(study, [task.task for task in tasks_of(study)], DatasetHub()))


@app.command(rich_help_panel=STUDY)
def factorize(
    expert: Annotated[str, typer.Argument(help="An expert's name.")],
    config: Config = DEFAULT,
    threads: Threads = 1,
) -> None:
    """Factorize one expert's deltas: factors, spectrum."""
    study = _study_with(config, expert)
    _torch(threads)
    from flexmore.checkpoints.family import read_source
    from flexmore.checkpoints.reader import Checkpoint
    from flexmore.factors.factorize import factorize_expert

    paths = study.paths
    checkpoint, source = Checkpoint(paths.expert(expert)), read_source(paths, expert)["fingerprint"]
    factorize_expert(checkpoint, source, paths.factors(expert), study.factors, expert)


@app.command(rich_help_panel=STUDY)
def measure(expert: Annotated[str, typer.Argument(help="An expert's name.")], config: Config = DEFAULT) -> None:
    """Write what one expert's adapters keep and cost at each rank: adapters/<expert>/r<rank>.json."""
    study = _study_with(config, expert)
    from flexmore.factors.measure import write_measurements

    write_measurements(study, expert)


@app.command(rich_help_panel=STUDY)
def compose(
    sweep: Annotated[str | None, typer.Argument(help="As for evaluate; default: all but the selected ones.")] = None,
    config: Config = DEFAULT,
) -> None:
    """Write the recipes of a sweep's mixtures; those of a selected sweep come from the pairs' scores."""
    study = load_study(config)
    found = None if sweep is None else find_sweep(study, sweep)
    from flexmore.steps.compose import compose_static, compose_sweep

    if found is None:
        compose_static(study)
    else:
        compose_sweep(study, found)


@app.command(rich_help_panel=STUDY)
def evaluate(
    sweep: Annotated[str, typer.Argument(help="public, an expert's name, joint-a2, joint-a2-selected ...")],
    config: Config = DEFAULT,
    threads: Threads = 1,
    mixture: Annotated[str | None, typer.Option(help="Only of this mixture, into the cache.")] = None,
    group: Annotated[str | None, typer.Option(help="Only the tasks of this group, into the cache.")] = None,
    shard: Annotated[str | None, typer.Option(help="i/n: only the i-th of n parts, into the cache.")] = None,
    stage: Stage = None,
) -> None:
    """Evaluate the mixtures of one sweep on the suite; what is cached is not computed again."""
    study = load_study(config)
    found = find_sweep(study, sweep)
    from flexmore.evaluation.parts import SweepPart, parse_shard

    part = SweepPart(mixture, group, None if shard is None else parse_shard(shard))
    _offline()
    _torch(threads)
    from flexmore.steps.evaluate import evaluate as run

    typer.echo(run(study, found, part, stage))


@app.command(rich_help_panel=STUDY)
def calibrate(config: Config = DEFAULT, threads: Threads = 1, stage: Stage = None) -> None:
    """Evaluate the public model alone, on few items, against published scores; ends with an error where it is off."""
    study = load_study(config)
    _offline()
    _torch(threads)
    from flexmore.steps.evaluate import calibrate as run

    typer.echo(run(study, stage))


@app.command(rich_help_panel=STUDY)
def collect(config: Config = DEFAULT) -> None:
    """Gather scores, spectra and adapters of a complete study into tables/."""
    from flexmore.steps.collect import collect_tables

    collect_tables(load_study(config))


@app.command(rich_help_panel=STUDY)
def analyze(config: Config = DEFAULT) -> None:
    """Gains, r95, tests, regression, selections and predictions, from tables/ into tables/."""
    from flexmore.steps.collect import analyze_study

    analyze_study(load_study(config))


@app.command(rich_help_panel=STUDY)
def draw(config: Config = DEFAULT) -> None:
    """Draw the figures and write README.md and explore.html from tables/."""
    from flexmore.steps.collect import draw_study

    draw_study(load_study(config))


@app.command(rich_help_panel=USE)
def figures(config: Config = DEFAULT, reports: Reports = REPORTS) -> None:
    """Tables, figures and pages from this study's results where complete, else from the committed ones; says which."""
    from flexmore.steps.collect import refresh

    typer.echo(refresh(load_study(config), reports))


@app.command(rich_help_panel=USE)
def report(folder: Annotated[Path, typer.Argument(help="Measured tables in FOLDER/tables/ (docs/tables.md).")]) -> None:
    """Analyse any tidy table of scores: tables, figures, README.md and explore.html in FOLDER."""
    from flexmore.steps.collect import report as run

    typer.echo(run(folder))


@app.command(rich_help_panel=USE)
def publish(
    config: Config = DEFAULT,
    reports: Reports = REPORTS,
    as_seed: Annotated[bool, typer.Option("--as-seed", help="A further training seed: to seeds/<seed>/.")] = False,
) -> None:
    """Copy a finished study's measured tables to reports/<family>/ and make the report there, to be committed."""
    from flexmore.steps.collect import publish as run

    typer.echo(run(load_study(config), reports, as_seed))


@app.command(rich_help_panel=USE)
def recommend(
    budget: Annotated[str, typer.Option(help="Total parameters of the joint mixture: 10.75B, 800k, 1,000,000.")],
    config: Config = DEFAULT,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """The rank for each expert under a parameter budget, from what has been measured."""
    from flexmore.analysis.selection.recommend import as_dict, describe
    from flexmore.steps.collect import recommendation

    study = load_study(config)
    found = recommendation(study, reports, budget)
    typer.echo(json.dumps(as_dict(found), indent=1) if as_json else describe(found, study.family))


@app.command(rich_help_panel=USE)
def compare(
    mixture: Annotated[str, typer.Argument(help="A mixture, such as joint-a4-best.")],
    other: Annotated[str, typer.Argument(help="Another.")],
    config: Config = DEFAULT,
    reports: Reports = REPORTS,
    as_json: AsJson = False,
) -> None:
    """Whether the data can tell two mixtures apart: paired difference, McNemar, what could be detected."""
    from flexmore.analysis.findings.comparisons import as_text
    from flexmore.steps.collect import comparison

    found = comparison(load_study(config), reports, mixture, other)
    typer.echo(json.dumps(found, indent=1) if as_json else as_text(found))


@app.command(rich_help_panel=LOOK)
def plan(
    config: Config = DEFAULT,
    as_json: AsJson = False,
    hub: Annotated[bool, typer.Option("--hub", help="Ask the hub for the sizes of files.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Count tokens, time a layer of true shape on this device: hours.")
    ] = False,
) -> None:
    """What a configuration will do and take: mixtures, tasks, jobs; downloads, disk, memory; where they will not do."""
    from flexmore.experts.sizes import sizes_of
    from flexmore.planning.plan import effort, render, sizes_on_hub
    from flexmore.planning.plan import plan as make
    from flexmore.suites.study import tasks_of

    study = load_study(config)
    content = make(study, sizes_of(study), tasks_of(study), sizes_on_hub(study) if hub else None)
    if measure:
        _offline()
        _torch(1)
        from flexmore.modeling.speed import device_name, time_layers
        from flexmore.planning.memory import itemsize
        from flexmore.steps.evaluate import count_tokens

        tokens = count_tokens(study)
        start = time.process_time()  # what a job does first has been done by now
        speed = time_layers(study, sizes_of(study), itemsize(study))
        content |= effort(study, content, tokens, speed, device_name(study), start)
    typer.echo(json.dumps(content, indent=1) if as_json else render(content))


@app.command(rich_help_panel=LOOK)
def grid(config: Config = DEFAULT, as_json: AsJson = False) -> None:
    """List a configuration's mixtures."""
    from flexmore.mixtures.grid import grid as make

    mixtures = make(load_study(config))
    if as_json:
        typer.echo(json.dumps([vars(mixture) for mixture in mixtures], indent=1))
        return
    for mixture in mixtures:
        parts = ", ".join(f"{e} {r}" for e, r in zip(mixture.experts, mixture.ranks, strict=False))
        chosen = "ranks chosen from the pairs' scores" if mixture.selected else parts
        typer.echo(f"{mixture.name:24} {mixture.kind:8} active {mixture.active}  {chosen}")


@app.command(rich_help_panel=LOOK)
def suite(
    config: Config = DEFAULT,
    as_json: AsJson = False,
    write: Annotated[bool, typer.Option("--write", help="Write the suite's YAMLs and data to suite/.")] = False,
) -> None:
    """List a configuration's tasks; with --write, put them where evaluation reads them."""
    from flexmore.suites.study import tasks_of, write_suite

    study = load_study(config)
    if write:
        write_suite(study)
        return
    tasks = tasks_of(study)
    if as_json:
        typer.echo(json.dumps([vars(task) for task in tasks], indent=1))
        return
    for task in tasks:
        typer.echo(f"{task.task:44} {task.group:9} {task.metric:12} {task.num_fewshot}-shot  {task.n} items")


@app.command(rich_help_panel=LOOK)
def params(
    recipe: Annotated[Path | None, typer.Argument(help="mixtures/<name>.json")] = None,
    sets: Annotated[str | None, typer.Option(help="List the sets of ranks that cost so much, such as 10.75B.")] = None,
    config: Config = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Parameters of a mixture by part, total and active; or with --sets, which ranks a number of parameters means."""
    if (recipe is None) == (sets is None):
        raise FlexmoreError("params: expected one of a recipe (mixtures/<name>.json) and --sets")
    if recipe is None:
        from flexmore.planning.rank_sets import list_sets

        typer.echo(list_sets(load_study(config), str(sets), as_json))
        return
    found = Recipe.read(recipe)
    if as_json:
        typer.echo(json.dumps(found.parameters, indent=1))
        return
    experts = found.parameters["experts"]
    for name, number in {**found.parameters, **experts}.items():
        if name != "experts":
            typer.echo(f"{name:12} {number:>18,}")


@app.command(rich_help_panel=USE)
def materialize(
    recipe: Annotated[Path, typer.Argument(help="mixtures/<name>.json, beside the experts/ and factors/ it names")],
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    form: Annotated[
        Literal["flexolmo", "flexmore", "peft"],
        typer.Option("--format", help="Dense; factored; or a pair's expert alone as a LoRA adapter."),
    ] = "flexolmo",
    base: Annotated[
        Literal["olmo2", "flexolmo"],
        typer.Option("--layout", help="With peft: of the public model that the adapter goes on."),
    ] = "olmo2",
) -> None:
    """Write a mixture's weights for others: configuration, tokenizer, card and hashes with them."""
    _torch(1)
    from flexmore.config.paths import StudyPaths
    from flexmore.exchange.materialize import materialize as run

    run(Recipe.read(recipe), StudyPaths(recipe.resolve().parent.parent), out, form=form, base=base)


@app.command("import", rich_help_panel=USE)
def import_(
    checkpoint: Annotated[Path, typer.Argument(help="A factored FlexMoRE checkpoint, or a PEFT LoRA adapter.")],
    root: Annotated[Path, typer.Argument(help="A family's folder of artefacts, new or not, such as results/mine.")],
    name: Annotated[list[str], typer.Option(help="Of its expert; once for each, in their order.")],
    public: Annotated[
        Path | None, typer.Option(help="The dense public model; default: the family's, else the checkpoint's expert 0.")
    ] = None,
    active: Annotated[
        int | None, typer.Option(help="Experts per token of the recipe; default: the checkpoint's; an adapter: 2.")
    ] = None,
    router: Annotated[
        Literal["zero", "file", "fit"], typer.Option(help="An adapter's router row: zero, given, fitted from text.")
    ] = "zero",
    rows: Annotated[
        Path | None, typer.Option(help="With file: safetensors, `router` [layers, hidden]; with fit: a domain's text.")
    ] = None,
    against: Annotated[Path | None, typer.Option(help="With fit: other text; default: random tokens.")] = None,
    threads: Threads = 1,
) -> None:
    """Turn low-rank experts of others into experts of a family: experts/, factors/ and a recipe."""
    _torch(threads)
    from flexmore.exchange.imports import import_checkpoint
    from flexmore.exchange.router_rows import RouterChoice

    choice = RouterChoice(router, rows, against)
    typer.echo(import_checkpoint(checkpoint, root, name, public=public, active=active, router=choice))


@app.command(rich_help_panel=USE)
def import_results(
    folder: Annotated[Path, typer.Argument(help="What OLMES or lm-eval wrote for one model.")],
    out: Annotated[Path, typer.Argument(help="Tables go to OUT/tables/, beside what is there; see `flexmore report`.")],
    mixture: Annotated[str, typer.Option(help="Whose results they are, such as math-r16.")],
    config: Config = DEFAULT,
) -> None:
    """Put the results of another evaluator into a tidy table, marked with their source."""
    from flexmore.exchange.results import import_results as run

    typer.echo(run(load_study(config), folder, mixture, out))


@app.command(
    rich_help_panel=USE,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def resume(context: typer.Context) -> None:
    """Go on with a study that was killed: `flexmore resume --cores all`, with Snakemake's own options."""
    from flexmore.cluster.resume import resume as run

    raise typer.Exit(run(context.args))


@app.command(rich_help_panel=LOOK)
def inspect(
    mixture: Annotated[str, typer.Argument(help="A mixture that has been evaluated, such as math-r16.")],
    task: Annotated[str, typer.Argument(help="A task of the suite.")],
    items: Annotated[str | None, typer.Option(help="Which, from 0, such as 0-4,17; default: the first three.")] = None,
    config: Config = DEFAULT,
) -> None:
    """Print items of a task: prompt, choices with loglikelihoods or the generated text, what was read, right or wrong.

    `>` is the likeliest choice, `=` the right one.
    """
    study = load_study(config)
    _offline()
    _torch(1)
    from flexmore.steps.evaluate import inspect as run

    typer.echo(run(study, mixture, task, items))


@app.command(rich_help_panel=LOOK)
def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="Every key with its default and meaning.")] = False,
) -> None:
    """Print the JSON schema of configurations, or with --markdown the page that explains them."""
    from flexmore.config.reference import markdown as page

    typer.echo(page() if markdown else json.dumps(Study.model_json_schema(), indent=1), nl=not markdown)


def main() -> None:
    """Run the command line; an error that a user can mend is one message and an exit status, no traceback."""
    gc.set_threshold(_COLLECT_EVERY)
    try:
        app()
    except FlexmoreError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.status)
    except Exception as error:
        if (reason := disk_problem(error)) is None:
            raise
        print(f"error: cannot write: {reason}; make room or give leave, and run again", file=sys.stderr)
        sys.exit(1)


def _study_with(config: Path, expert: str) -> Study:
    study = load_study(config)
    if expert not in study.names:
        raise FlexmoreError(f"{config}: no expert {expert!r}; it has {', '.join(study.names)}")
    return study


def _offline() -> None:
    """Before anything of the hub is imported: what evaluation reads has been acquired, on a node with a network."""
    os.environ["HF_HUB_OFFLINE"] = "1"


def _torch(threads: int) -> None:
    """Import torch with a fixed number of threads.

    Raises:
        FlexmoreError: this environment has only what analysis and figures need.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise FlexmoreError("this step needs torch, which is not here: pip install -e '.[models]'") from None

    torch.set_num_threads(threads)
