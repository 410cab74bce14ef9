"""`flexmore.load`, and a sweep's choice between prefixes of factors and dense weights."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import flexmore
from flexmore.checkpoints.reader import Checkpoint
from flexmore.errors import FlexmoreError
from flexmore.exchange.materialize import materialize
from flexmore.factors.factorize import factorize_expert
from flexmore.mixtures.grid import Mixture, find_sweep
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling import ExpertWeights, FlexMoREForCausalLM, SweepModel

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


def test_torch_is_not_imported_with_the_package() -> None:
    code = "import sys, flexmore; assert 'torch' not in sys.modules; flexmore.load; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def pair(rank: Any) -> Mixture:
    return Mixture(f"news-{rank}", "pair", ("news",), (rank,), 2, str(rank))


def test_below_break_even_a_sweep_copies_nothing(composed: Any) -> None:
    """Break-even of 16 x 24 is rank 9; the sweep has 1, 3, 4 below it and 16, 32, full and a control above."""
    mixtures = find_sweep(composed, "news").mixtures
    sweep = SweepModel.load(composed.paths, mixtures, device="cpu")
    expert = sweep.model.blocks[0].experts[1]
    places = set()
    for mixture in mixtures:
        sweep.set_mixture(mixture)
        if (factors := expert.factors("gate_proj")) is not None:
            assert factors[0].out_features == mixture.ranks[0]
            places.add(factors[0].weight.data_ptr())
        else:
            assert mixture.ranks[0] == "full" or mixture.ranks[0] > 9
    assert len(places) == 1


def test_dense_weights_are_made_once_and_kept_within_the_limit(composed: Any) -> None:
    sweep = SweepModel.load(composed.paths, [pair(4), pair(16), pair("full")], device="cpu")
    expert = sweep.model.blocks[0].experts[1]

    def place(rank: Any) -> int:
        sweep.set_mixture(pair(rank))
        return int(expert.full("up_proj").weight.data_ptr())

    first = place(16)
    sweep.set_mixture(pair(4))
    assert place(16) == first, "kept"
    assert place("full") != first
    assert place(16) == first, "both fit"
    sweep.dense.limit = 0
    kept = expert.full("up_proj").weight.detach().clone()
    sweep.set_mixture(pair("full"))
    assert sweep.dense.keys() == [("news", "full", None)], "what is shown is kept in any case, nothing else"
    place(16)
    assert torch.equal(expert.full("up_proj").weight, kept)


def test_dense_weights_beyond_the_limit_go_before_others_come(composed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a joint mixture of the paper's experts twice all of them would not fit a GPU."""
    joint = [mixture for mixture in find_sweep(composed, "joint-a2").mixtures if mixture.rank in ("16", "full")]
    sweep = SweepModel.load(composed.paths, joint, device="cpu")
    sweep.dense.limit = 0
    made, held = ExpertWeights.weight, []

    def weight(*words: Any) -> torch.Tensor:
        places = {
            (name, parameter.data_ptr())
            for name, parameter in sweep.model.named_parameters()
            if ".experts." in name and ".experts.0." not in name and parameter.shape[0] * parameter.shape[1] == 16 * 24
        }
        held.append(len(places))
        return made(*words)

    monkeypatch.setattr(ExpertWeights, "weight", weight)
    for mixture in (joint[0], joint[1], joint[0]):
        sweep.set_mixture(mixture)
    each = 2 * 3  # layers, projections
    assert max(held) == (len(composed.names) - 1) * each
    assert len(sweep.dense.keys()) == len(composed.names)


def test_a_rank_that_was_not_foreseen_runs_dense(composed: Any) -> None:
    sweep = SweepModel.load(composed.paths, [pair(1)], device="cpu")
    foreseen = SweepModel.load(composed.paths, [pair(4)], device="cpu")
    for one in (sweep, foreseen):
        one.set_mixture(pair(4))
    with torch.no_grad():
        found, expected = sweep.model(IDS).logits, foreseen.model(IDS).logits
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert sweep.model.blocks[0].experts[1].rank("up_proj") is None


def test_a_store_that_was_cut_serves_the_ranks_that_it_holds(composed: Any) -> None:
    """A saturating adapter is then the expert's own weights, as its recipe has it."""
    folder = composed.paths.factors("news")
    settings = composed.factors.model_copy(update={"max_rank": 4})
    factorize_expert(Checkpoint(composed.paths.expert("news")), "cut", folder, settings, "news")
    sweep = SweepModel.load(composed.paths, [pair(4), pair(16), pair("full")], device="cpu")
    found = {}
    for rank in (4, 16, "full"):
        sweep.set_mixture(pair(rank))
        with torch.no_grad():
            found[rank] = sweep.model(IDS).logits
    assert torch.equal(found[16], found["full"])
    assert not torch.allclose(found[4], found["full"])
    with pytest.raises(FlexmoreError, match="rank 8 of news, whose store holds 4"):
        sweep.set_mixture(pair(8))


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
