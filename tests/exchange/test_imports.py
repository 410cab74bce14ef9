"""Factored checkpoints, the FlexMoRE authors' and ours, imported as experts."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from lora_adapters import lora_adapter
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.family import read_source
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import check_recipe
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange.choices import RouterChoice
from flexmore.exchange.imports import import_checkpoint
from flexmore.exchange.materialize import materialize
from flexmore.factors.factorize import factorize_expert
from flexmore.factors.store import FactorStore
from flexmore.files import read_json, write_json
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling import SweepModel

IDS = torch.tensor([[5, 9, 2, 17, 30, 8], [7, 7, 3, 40, 12, 2]])


def authors_checkpoint(pair: Path, folder: Path, rank: int, effective: int | None = None) -> Path:
    """What the authors' scripts write from a pair: `expert_ranks: [0, r]`, factors filled up with zeros.

    Args:
        effective: the rank of layer 0, lower than that of the others.
    """
    source = Checkpoint(pair)
    tensors = {name: source.tensor(name) for name in source.tensor_names if ".experts.1." not in name}
    for layer in range(2):
        for projection in PROJECTIONS:
            delta = source.expert_weight(layer, 1, projection) - source.expert_weight(layer, 0, projection)
            u, s, vt = torch.linalg.svd(delta, full_matrices=False)
            used = min(effective if effective and layer == 0 else rank, len(s))
            a, b = torch.zeros(rank, vt.shape[1]), torch.zeros(u.shape[0], rank)
            a[:used] = s[:used].sqrt()[:, None] * vt[:used]
            b[:, :used] = u[:, :used] * s[:used].sqrt()
            name = f"model.layers.{layer}.mlp.experts.1.{projection}"
            tensors |= {f"{name}_a.weight": a, f"{name}_b.weight": b}
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    for file in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copyfile(pair / file, folder / file)
    config = read_json(pair / "config.json")
    named = {"model_type": "flexmore", "architectures": ["FlexMoREForCausalLM"], "expert_ranks": [0, rank]}
    write_json(folder / "config.json", config | named)
    return folder


def dense_logits(folder: Path) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, experts_implementation="eager")
    with torch.no_grad():
        found: torch.Tensor = model(IDS).logits
        return found


@pytest.mark.parametrize("given", [True, False], ids=["public given", "public written out"])
def test_the_authors_checkpoint_is_a_pair_like_ours(composed: Any, family: Path, tmp_path: Path, given: bool) -> None:
    source = authors_checkpoint(family / "math", tmp_path / "authors", 4)
    public = family / "public" if given else None
    path = import_checkpoint(source, tmp_path / "mine", ["math"], public=public, active=2)
    recipe, paths = Recipe.read(path), StudyPaths(tmp_path / "mine")
    assert path.name == "math-r4.json"
    ours = Recipe.read(composed.paths.recipe("math-r4"))
    assert recipe.parameters == ours.parameters
    materialize(recipe, paths, tmp_path / "theirs")
    materialize(ours, composed.paths, tmp_path / "ours")
    torch.testing.assert_close(dense_logits(tmp_path / "theirs"), dense_logits(tmp_path / "ours"), rtol=0, atol=1e-4)
    if not given:
        theirs, before = (AutoModelForCausalLM.from_pretrained(f) for f in (paths.expert("public"), family / "public"))
        assert all(torch.equal(a, b) for a, b in zip(theirs.parameters(), before.parameters(), strict=True))
        assert AutoTokenizer.from_pretrained(paths.expert("public"))("w3")["input_ids"] == [5]


def test_factors_keep_their_bits_from_form_to_form(composed: Any, family: Path, tmp_path: Path) -> None:
    paths = composed.paths
    materialize(Recipe.read(paths.recipe("joint-a2-r4")), paths, tmp_path / "factored", format="flexmore")
    names = list(composed.names)
    path = import_checkpoint(tmp_path / "factored", tmp_path / "mine", names, public=family / "public")
    assert path.name == "joint-a2-r4.json"
    materialize(Recipe.read(path), StudyPaths(tmp_path / "mine"), tmp_path / "again", format="flexmore")
    before, after = (
        {name: value for file in folder.glob("*.safetensors") for name, value in load_file(file).items()}
        for folder in (tmp_path / "factored", tmp_path / "again")
    )
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(("rank", "effective", "expected"), [(32, None, 16), (8, 3, 8), (16, 5, 16)])
def test_zeros_that_fill_up_are_dropped_where_all_layers_have_them(
    family: Path, tmp_path: Path, rank: int, effective: int | None, expected: int
) -> None:
    source = authors_checkpoint(family / "math", tmp_path / "authors", rank, effective)
    recipe = Recipe.read(import_checkpoint(source, tmp_path / "mine", ["math"], active=2))
    assert recipe.mixture.ranks == recipe.effective_ranks == (expected,)
    store = FactorStore(StudyPaths(tmp_path / "mine").factors("math"))
    assert store.rank == expected
    full = Checkpoint(family / "math")
    for layer in range(2):
        delta = full.expert_weight(layer, 1, "up_proj") - full.expert_weight(layer, 0, "up_proj")
        s = torch.linalg.svdvals(delta)
        used = effective if effective and layer == 0 else min(rank, 16)
        torch.testing.assert_close(store.singular_values(layer, "up_proj")[:used], s[:used], rtol=1e-5, atol=1e-6)
        assert not store.singular_values(layer, "up_proj")[used:].any()
        a, b = store.prefix(layer, "up_proj", expected)
        error = (delta - b.T @ a).norm()
        torch.testing.assert_close(error, s[used:].norm(), rtol=1e-4, atol=1e-5)


def test_what_is_imported_is_an_expert_like_any_other(composed: Any, family: Path, tmp_path: Path) -> None:
    """Evaluation's model takes it, it factorizes as a folder of its own, and it refuses another public model."""
    source = authors_checkpoint(family / "math", tmp_path / "authors", 4)
    paths = StudyPaths(tmp_path / "mine")
    recipe = Recipe.read(import_checkpoint(source, paths.root, ["math"], public=family / "public", active=2))
    check_recipe(paths, recipe)
    sweep = SweepModel.load(paths, (recipe.mixture,), device="cpu")
    sweep.set_mixture(recipe.mixture)
    materialize(recipe, paths, tmp_path / "dense")
    with torch.no_grad():
        torch.testing.assert_close(sweep.model(IDS).logits, dense_logits(tmp_path / "dense"), rtol=0, atol=1e-4)
    checkpoint = Checkpoint(paths.expert("math"))
    made = read_source(paths, "math")["fingerprint"]
    factorize_expert(checkpoint, made, tmp_path / "again", composed.factors, "math")
    assert FactorStore(tmp_path / "again").singular_values(0, "down_proj")[4:].max() < 1e-5
    other = authors_checkpoint(family / "news", tmp_path / "other", 2)
    tensors = load_file(other / "model.safetensors")
    tensors["model.norm.weight"] += 1
    save_file(tensors, other / "model.safetensors")
    with pytest.raises(FlexmoreError, match=r"not branched from the same public model: model\.norm\.weight"):
        import_checkpoint(other, paths.root, ["news"], active=2)


def test_wrong_arguments_are_refused(family: Path, tmp_path: Path) -> None:
    lora_adapter(family / "public", tmp_path / "lora")
    with pytest.raises(FlexmoreError, match="no public model yet; name it with --public"):
        import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"])
    for names in ([], ["law", "tax"], ["public"]):
        with pytest.raises(FlexmoreError, match="1 experts and the names"):
            import_checkpoint(tmp_path / "lora", tmp_path / "mine", names, public=family / "public")
    with pytest.raises(FlexmoreError, match="5 active experts; allowed are 1 to 2"):
        import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"], public=family / "public", active=5)
    for choice, said in ((RouterChoice("file"), "needs a file"), (RouterChoice("fit", tmp_path / "no"), "not found")):
        with pytest.raises(FlexmoreError, match=said):
            import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"], router=choice)
