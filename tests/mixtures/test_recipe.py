"""Recipes: when two mixtures have the same fingerprint, and their way over the disk."""

from pathlib import Path

import pytest

from flexmore.architectures.sizes import ModelSizes
from flexmore.errors import FlexmoreError
from flexmore.files import write_json
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe, make_recipe

POCKET = ModelSizes(hidden=64, ffn=256, layers=3, vocabulary=320, heads=4, key_value_heads=4)


def _recipe(rank: object, *, active: int = 2, expert: str = "e", factors: str = "f", kind: str = "pair") -> Recipe:
    mixture = Mixture("m", kind, ("math",), (rank,), active, "random" if kind == "control" else str(rank))  # type: ignore[arg-type]
    return make_recipe(mixture, POCKET, {"public": "p", "math": expert}, {"math": factors})


def test_recipes_share_a_fingerprint_only_where_the_weights_are_the_same() -> None:
    reference = _recipe(64)
    assert _recipe(128).fingerprint == _recipe(16384).fingerprint == reference.fingerprint
    others = [
        _recipe(32),
        _recipe("full"),
        _recipe(64, active=1),
        _recipe(64, expert="other"),
        _recipe(64, factors="other"),
        _recipe(64, kind="control"),
    ]
    prints = [recipe.fingerprint for recipe in (reference, *others)]
    assert len(set(prints)) == len(prints)
    assert _recipe("full", factors="other").fingerprint == _recipe("full").fingerprint


def test_a_recipe_survives_the_disk(tmp_path: Path) -> None:
    recipe = _recipe(16)
    write_json(tmp_path / "m.json", recipe.to_json("pocket"))
    assert Recipe.read(tmp_path / "m.json") == recipe
    (tmp_path / "m.json").write_text('{"name": "m"}')
    with pytest.raises(FlexmoreError, match="not a recipe"):
        Recipe.read(tmp_path / "m.json")
