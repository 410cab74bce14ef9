"""Recipes: what each mixture is made of. Static ones need checkpoints and factors; selected ones the pairs' scores."""

from dataclasses import replace

from flexmore.analysis.rules import RULES
from flexmore.analysis.selections import select
from flexmore.analysis.spectra import gather_spectra
from flexmore.analysis.table import collect
from flexmore.config import Study
from flexmore.family import check_family, cook_from_disk
from flexmore.files import write_json
from flexmore.mixtures import Mixture, Recipe, Sweep, sweeps


def compose_sweep(study: Study, sweep: Sweep) -> None:
    """Write the recipes of a sweep's mixtures; selections are made from the pairs' scores and spectra.

    Raises:
        CheckpointError: the experts were not branched from one public model.
        FlexmoreError: a selection needs a pair that has not been evaluated.
    """
    check_family(study.layout, ("public", *sweep.experts))
    for mixture in _chosen(study, sweep):
        recipe = cook_from_disk(study.layout, mixture, study.seed if mixture.kind == "control" else None)
        write_json(study.layout.recipe(mixture.name), recipe.to_json(study.family))


def compose_static(study: Study) -> None:
    """Write the recipes of all mixtures whose ranks the configuration gives."""
    for sweep in sweeps(study):
        if not any(mixture.selected for mixture in sweep.mixtures):
            compose_sweep(study, sweep)


def _chosen(study: Study, sweep: Sweep) -> list[Mixture]:
    """The mixtures of a sweep, with ranks for those that a selection chooses."""
    rules = {mixture.rank for mixture in sweep.mixtures if mixture.selected}
    if not rules:
        return list(sweep.mixtures)
    recipes, files = [], {}
    for pairs in sweeps(study):
        if not pairs.joint:
            for mixture in pairs.mixtures:
                recipes.append(Recipe.read(study.layout.recipe(mixture.name)))
                files[mixture.name] = study.layout.scores(pairs.name) / f"{mixture.name}.json"
    scores, items, _ = collect(files, recipes, study.analysis.quarantine)
    spectra = None
    if any(RULES[rule].reads == "spectra" for rule in rules):
        spectra = gather_spectra(study.layout.factors(name) / "spectrum.parquet" for name in study.names)
    ranks = {rule: select(rule, scores, items, spectra, study.analysis) for rule in rules}
    return [
        replace(mixture, ranks=tuple(ranks[mixture.rank][name] for name in mixture.experts))
        for mixture in sweep.mixtures
    ]
