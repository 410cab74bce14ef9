"""`flexmore.load`: recipes and folders as models that generate."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from edited_checkpoints import add, drop

import flexmore
from flexmore.errors import FlexmoreError
from flexmore.exchange.materialize import materialize
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling import FlexMoREForCausalLM

IDS = torch.tensor([[5, 9, 2, 17, 30, 8]])


@pytest.mark.parametrize("name", ["math-r4", "math-full", "math-random", "joint-a4-r4"])
def test_a_recipe_loads_as_a_model_that_generates_what_its_weights_do(composed: Any, tmp_path: Path, name: str) -> None:
    model, tokenizer = flexmore.load(composed.paths.recipe(name), dtype="float64", device="cpu")
    materialize(Recipe.read(composed.paths.recipe(name)), composed.paths, tmp_path / "dense")
    dense, _ = flexmore.load(tmp_path / "dense", dtype="float64", device="cpu")
    dense.set_experts_implementation("eager")
    encoded = tokenizer("w3 w4", return_tensors="pt")
    arguments = {**encoded, "max_new_tokens": 8, "do_sample": False}
    assert isinstance(model, FlexMoREForCausalLM)
    assert torch.equal(model.generate(**arguments), dense.generate(**arguments))


def test_a_loaded_recipe_is_saved_with_its_rank(composed: Any, tmp_path: Path) -> None:
    model, tokenizer = flexmore.load(composed.paths.recipe("joint-a2-r4"), device="cpu")
    assert model.config.expert_ranks == [None, 4, 4, 4]
    assert model.config.num_experts_per_tok == 2
    assert model.num_parameters() == Recipe.read(composed.paths.recipe("joint-a2-r4")).parameters["total"]
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, _ = flexmore.load(str(tmp_path), device="cpu")
    with torch.no_grad():
        torch.testing.assert_close(again(IDS).logits, model(IDS).logits, rtol=1e-5, atol=1e-5)


def test_what_cannot_be_loaded_is_refused(composed: Any, tmp_path: Path) -> None:
    with pytest.raises(FlexmoreError, match="expected a folder of weights or a recipe"):
        flexmore.load(tmp_path / "nothing")
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        flexmore.other  # noqa: B018
    for spoil, said in (
        (lambda f: drop(f, "lm_head"), r"lm_head\.weight is missing"),
        (lambda f: add(f, "model.layers.0.mlp.gate.bias", torch.zeros(2)), r"mlp\.gate\.bias \(1 such\) is none"),
    ):
        folder = tmp_path / said[:7]
        materialize(Recipe.read(composed.paths.recipe("math-r4")), composed.paths, folder, format="flexmore")
        spoil(folder)
        with pytest.raises(FlexmoreError, match=said):
            flexmore.load(folder)


def test_torch_is_not_imported_with_the_package() -> None:
    code = "import sys, flexmore; assert 'torch' not in sys.modules; flexmore.load; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["math-r4", "joint-a4-r4", "joint-a2-full"])
def test_the_factored_checkpoint_is_this_model(composed: Any, tmp_path: Path, name: str) -> None:
    recipe = Recipe.read(composed.paths.recipe(name))
    materialize(recipe, composed.paths, tmp_path / "factored", format="flexmore")
    found, _ = flexmore.load(tmp_path / "factored", device="cpu")
    expected, _ = flexmore.load(composed.paths.recipe(name), device="cpu")
    assert isinstance(found, FlexMoREForCausalLM)
    assert found.config.expert_ranks == [None, *(None if rank == "full" else rank for rank in recipe.effective_ranks)]
    assert found.num_parameters() == recipe.parameters["total"]
    with torch.no_grad():
        torch.testing.assert_close(found(IDS).logits, expected(IDS).logits, rtol=1e-5, atol=1e-5)
