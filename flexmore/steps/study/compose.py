"""Write recipes: what each mixture of a sweep is made of, into `mixtures/`."""

from dataclasses import replace

from flexmore.analysis.selection.rules import RULES
from flexmore.analysis.selection.selections import select
from flexmore.analysis.tables.collecting import collect
from flexmore.analysis.tables.spectra import gather_spectra
from flexmore.checkpoints.family import check_family
from flexmore.checkpoints.recipes import recipe_from_disk
from flexmore.config.study import Study
from flexmore.files import write_json
from flexmore.mixtures.grid import Mixture, Sweep, sweeps
from flexmore.mixtures.recipe import Recipe
from flexmore.steps.collected_files import check_evaluated


def compose(study: Study, sweep: Sweep | None = None) -> None:
    """Write the recipes of a sweep's mixtures; None: those of every sweep whose ranks the configuration gives.

    The ranks of a selected sweep are chosen from the pairs' scores and the spectra.

    Raises:
        CheckpointError: the experts were not branched from one public model.
        FlexmoreError: a selection needs a pair that has not been evaluated, or only with other settings.
    """
    if sweep is None:
        for one in sweeps(study):
            if not any(mixture.selected for mixture in one.mixtures):
                compose(study, one)
        return
    check_family(study.paths, ("public", *sweep.experts))
    for mixture in _with_ranks(study, sweep):
        recipe = recipe_from_disk(study.paths, mixture, study.seed if mixture.kind == "control" else None)
        write_json(study.paths.recipe(mixture.name), recipe.to_json(study.family))


def _with_ranks(study: Study, sweep: Sweep) -> list[Mixture]:
    """Return the mixtures of a sweep, with ranks for those that a selection chooses."""
    rules = {mixture.rank for mixture in sweep.mixtures if mixture.selected}
    if not rules:
        return list(sweep.mixtures)
    recipes, files = [], {}
    for pairs in sweeps(study):
        if not pairs.joint:
            for mixture in pairs.mixtures:
                recipes.append(Recipe.read(study.paths.recipe(mixture.name)))
                files[mixture.name] = study.paths.scores(pairs.name) / f"{mixture.name}.json"
    check_evaluated(study, files, recipes)
    found = collect(files, recipes)
    spectra = None
    if any(RULES[rule].reads == "spectra" for rule in rules):
        spectra = gather_spectra(study.paths.factors(name) / "spectrum.parquet" for name in study.names)
    ranks = {rule: select(rule, found.scores, found.items, spectra, study.analysis) for rule in rules}
    return [
        replace(mixture, ranks=tuple(ranks[mixture.rank][name] for name in mixture.experts))
        for mixture in sweep.mixtures
    ]
