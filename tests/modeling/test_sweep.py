"""A mixture's model against transformers' own FlexOlmo on the checkpoint that `materialize` writes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import check_recipe
from flexmore.errors import FlexmoreError
from flexmore.exchange.materialize import materialize
from flexmore.factors.factorize import factorize_expert
from flexmore.files import read_json, sha256_of, write_json
from flexmore.mixtures.grid import Mixture, find_sweep, grid
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling import ExpertWeights, SweepModel

IDS = torch.tensor([[5, 9, 2, 17, 30, 8], [7, 7, 3, 40, 12, 2]])


def dense(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """transformers' own model; its default experts implementation on a CPU knows no fp64."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, experts_implementation="eager")


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(IDS).logits
        return found


@pytest.mark.parametrize(
    "name", ["math-r1", "math-r16", "math-full", "math-random", "joint-a2-r4", "joint-a4-r16", "joint-a4-full"]
)
def test_the_sweeps_model_is_the_materialized_checkpoint(composed: Any, tmp_path: Path, name: str) -> None:
    recipe = Recipe.read(composed.paths.recipe(name))
    materialize(recipe, composed.paths, tmp_path / name, shard_bytes=20_000)
    witness = dense(tmp_path / name)
    sweep = SweepModel.load(composed.paths, [recipe.mixture], device="cpu")
    sweep.set_mixture(recipe.mixture)
    torch.testing.assert_close(logits(sweep.model), logits(witness), rtol=1e-4, atol=1e-5)
    if "full" in name:
        assert witness.num_parameters() == recipe.parameters["total"]
    assert AutoTokenizer.from_pretrained(tmp_path / name)("w3 w4")["input_ids"] == [5, 6]
    hashes = read_json(tmp_path / name / "flexmore.json")["sha256"]
    assert all(sha256_of(tmp_path / name / file) == digest for file, digest in hashes.items())


def test_full_rank_factors_give_the_original_experts_logits(composed: Any, tmp_path: Path) -> None:
    materialize(Recipe.read(composed.paths.recipe("math-r16")), composed.paths, tmp_path / "rebuilt")
    rebuilt, original = (
        logits(dense(folder, torch.float64)) for folder in (tmp_path / "rebuilt", composed.paths.expert("math"))
    )
    public = logits(AutoModelForCausalLM.from_pretrained(composed.paths.expert("public"), dtype=torch.float64))
    assert float((rebuilt - original).norm() / (original - public).norm()) < 1e-5


def test_rank_zero_is_the_public_model_at_every_active_count(composed: Any) -> None:
    baseline = Mixture("public", "baseline", (), (), 1, "0")
    public = logits(SweepModel.load(composed.paths, [baseline], dtype="float64", device="cpu").model)
    for experts in (("math",), composed.names):
        zero = [
            Mixture("zero", "joint", experts, (0,) * len(experts), active, "0") for active in range(1, len(experts) + 2)
        ]
        sweep = SweepModel.load(composed.paths, zero, dtype="float64", device="cpu")
        for mixture in zero:
            sweep.set_mixture(mixture)
            torch.testing.assert_close(logits(sweep.model), public, rtol=1e-4, atol=1e-5)


def test_ranks_are_switched_in_place_in_any_order(composed: Any) -> None:
    mixtures = [m for m in grid(composed) if m.experts == ("news",)]
    sweep = SweepModel.load(composed.paths, mixtures, device="cpu")
    forward, backward = {}, {}
    for mixture in mixtures:
        sweep.set_mixture(mixture)
        forward[mixture.name] = logits(sweep.model)
    for mixture in reversed(mixtures):
        sweep.set_mixture(mixture)
        backward[mixture.name] = logits(sweep.model)
    assert all(torch.equal(forward[name], backward[name]) for name in forward)
    assert torch.equal(forward["news-r16"], forward["news-r32"]), "saturated ranks are one adapter"
    assert not torch.equal(forward["news-r1"], forward["news-r4"])
    assert not torch.equal(forward["news-full"], forward["news-random"])


def test_a_mixture_of_another_sweep_is_refused(composed: Any) -> None:
    mixtures = [m for m in grid(composed) if m.experts == ("news",)]
    sweep = SweepModel.load(composed.paths, mixtures, device="cpu")
    with pytest.raises(FlexmoreError, match="this sweep loaded"):
        sweep.set_mixture(Mixture("m", "pair", ("math",), (1,), 2, "1"))


def test_materialize_overwrites_nothing_and_leaves_nothing_half_done(
    composed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe.read(composed.paths.recipe("math-r1"))
    (tmp_path / "there").mkdir()
    with pytest.raises(FlexmoreError, match="exists already"):
        materialize(recipe, composed.paths, tmp_path / "there")

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Checkpoint, "router", fail)
    with pytest.raises(FlexmoreError, match="cannot be written: No space"):
        materialize(recipe, composed.paths, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir() if path.name != "results"] == ["there"]


def test_a_recipe_of_other_weights_is_refused(composed: Any, tmp_path: Path) -> None:
    """Weights that were acquired or factorized again by hand must not be named by an old fingerprint."""
    recipe = Recipe.read(composed.paths.recipe("math-r4"))
    check_recipe(composed.paths, recipe)
    index = composed.paths.factors("math") / "index.json"
    content = read_json(index)
    write_json(index, content | {"fingerprint": "other"})
    with pytest.raises(FlexmoreError, match=r"made from other weights.*flexmore compose"):
        materialize(recipe, composed.paths, tmp_path / "new")
    write_json(index, content | {"source": "other"})
    with pytest.raises(FlexmoreError, match="flexmore factorize math"):
        check_recipe(composed.paths, recipe)


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
    sweep.dense_cache.limit = 0
    kept = expert.full("up_proj").weight.detach().clone()
    sweep.set_mixture(pair("full"))
    assert sweep.dense_cache.keys() == [("news", "full", None)], "what is shown is kept in any case, nothing else"
    place(16)
    assert torch.equal(expert.full("up_proj").weight, kept)


def test_dense_weights_beyond_the_limit_go_before_others_come(composed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a joint mixture of the paper's experts twice all of them would not fit a GPU."""
    joint = [mixture for mixture in find_sweep(composed, "joint-a2").mixtures if mixture.rank in ("16", "full")]
    sweep = SweepModel.load(composed.paths, joint, device="cpu")
    sweep.dense_cache.limit = 0
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
    assert len(sweep.dense_cache.keys()) == len(composed.names)


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
