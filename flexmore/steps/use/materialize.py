"""Write a mixture's weights out as a checkpoint or an adapter."""

from pathlib import Path

from flexmore.config.paths import StudyPaths
from flexmore.exchange.choices import Base, Format
from flexmore.mixtures.recipe import Recipe
from flexmore.steps.process import use_torch


def materialize(recipe: Path, out: Path, *, format: Format = "flexolmo", base: Base = "dense") -> None:
    """Write the weights of a recipe's mixture to a new folder, with configuration, tokenizer, card and hashes.

    Args:
        recipe: `mixtures/<name>.json`, in the folder that holds `experts/` and `factors/`.
        format: `flexolmo` (dense), `flexmore` (factored) or `peft` (a LoRA adapter).
        base: with `peft`, the layout of the public model that the adapter is for: `dense` or `flexolmo`.
    """
    use_torch()
    from flexmore.exchange.materialize import materialize as write_weights

    paths = StudyPaths(recipe.resolve().parent.parent)
    write_weights(Recipe.read(recipe), paths, out, format=format, base=base)
