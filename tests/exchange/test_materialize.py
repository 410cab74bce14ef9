"""What is materialized, read by transformers (FlexOlmo) and peft."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange.materialize import materialize
from flexmore.factors.store import FactorStore
from flexmore.files import read_json, sha256_of
from flexmore.mixtures.recipe import Recipe

IDS = torch.tensor([[5, 9, 2, 17, 30, 8], [7, 7, 3, 40, 12, 2]])


@pytest.mark.parametrize("out", ["there", "new/..", "new/../there", ".", "", "link", "dangling"])
def test_nothing_that_is_there_is_replaced(
    composed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    """`new/..` is this folder, which was emptied."""
    here = tmp_path / "here"
    (here / "there").mkdir(parents=True)
    (here / "there" / "notes.txt").write_text("mine")
    (here / "link").symlink_to(here / "there")
    (here / "dangling").symlink_to(here / "nowhere")
    recipe = recipe_of(composed, "math-r4")
    paths = StudyPaths(composed.paths.root.resolve())
    monkeypatch.chdir(here)
    with pytest.raises(FlexmoreError, match="exists already; name a new folder"):
        materialize(recipe, paths, Path(out))
    assert (here / "there" / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in here.iterdir()) == ["dangling", "link", "there"]


def recipe_of(study: Any, name: str) -> Recipe:
    return Recipe.read(study.paths.recipe(name))


def metadata_of(folder: Path) -> dict[str, Any]:
    head: dict[str, Any] = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    return head


def merged_expert(study: Any, layer: int, projection: str, rank: int) -> torch.Tensor:
    """Public + B·A of math, in fp64."""
    public = Checkpoint(study.paths.expert("math")).expert_weight(layer, 0, projection).double()
    a, b = FactorStore(study.paths.factors("math")).prefix(layer, projection, rank)
    return public + b.double().T @ a.double()


@pytest.mark.parametrize("format", ["flexolmo", "flexmore", "peft"])
def test_each_format_has_configuration_tokenizer_card_and_hashes(composed: Any, tmp_path: Path, format: Any) -> None:
    recipe, out = recipe_of(composed, "math-r4"), tmp_path / "out"
    materialize(recipe, composed.paths, out, format=format)
    assert AutoTokenizer.from_pretrained(out)("w3 w4")["input_ids"] == [5, 6]
    content = read_json(out / "flexmore.json")
    assert set(content["sha256"]) == {path.name for path in out.iterdir()} - {"flexmore.json"}
    assert all(sha256_of(out / file) == digest for file, digest in content["sha256"].items())
    assert (content["format"], content["name"]) == (format, "math-r4")
    assert metadata_of(out)["library_name"] == ("peft" if format == "peft" else "transformers")
    assert (out / "generation_config.json").is_file() == (format != "peft")


@pytest.mark.parametrize("name", ["math-r1", "joint-a2-r4", "joint-a4-full"])
def test_factored_tensors_compose_to_the_dense_form(composed: Any, tmp_path: Path, name: str) -> None:
    recipe = recipe_of(composed, name)
    for format in ("flexolmo", "flexmore"):
        materialize(recipe, composed.paths, tmp_path / format, format=format, shard_bytes=20_000)  # type: ignore[arg-type]
    dense, factored = ({}, {})
    for format, tensors in (("flexolmo", dense), ("flexmore", factored)):
        for file in sorted((tmp_path / format).glob("*.safetensors")):
            tensors.update(load_file(file))
    for key, value in dense.items():
        stem = key.removesuffix(".weight")
        if key in factored:
            assert torch.equal(value, factored.pop(key))
            continue
        a, b = factored.pop(f"{stem}_a.weight"), factored.pop(f"{stem}_b.weight")
        assert a.shape[0] == b.shape[1] == recipe.mixture.ranks[0]
        public = dense[".".join(["0" if part.isdigit() and before == "experts" else part for before, part in
                                 zip(["", *stem.split(".")], stem.split("."), strict=False)]) + ".weight"]  # fmt: skip
        torch.testing.assert_close(value, public + b @ a, rtol=1e-6, atol=1e-6)
    assert not factored, "nothing else"
    config = read_json(tmp_path / "flexmore" / "config.json")
    rank = None if "full" in name else recipe.mixture.ranks[0]
    assert config["expert_ranks"] == [None, *[rank] * len(recipe.mixture.experts)]
    assert config["model_type"] == "flexmore"
    assert config["rank_encoding"] == "null_is_full"
    assert config["num_experts_per_tok"] == recipe.mixture.active
    both = Checkpoint(tmp_path / "flexolmo"), Checkpoint(tmp_path / "flexmore")
    weights = [checkpoint.expert_weight(1, 1, "up_proj") for checkpoint in both]
    torch.testing.assert_close(*weights, rtol=0, atol=0)


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(IDS).logits
        return found


# peft looks for its own patterns of fused parameters among modules' names, and warns; it applies them all the same.
@pytest.mark.filterwarnings("ignore:The following (rank|alpha)_pattern keys did not match:RuntimeWarning")
@pytest.mark.parametrize("base", ["dense", "flexolmo"])
def test_pefts_merge_gives_the_experts_weights(composed: Any, tmp_path: Path, base: Any) -> None:
    from peft import PeftModel

    rank = 4
    materialize(recipe_of(composed, f"math-r{rank}"), composed.paths, tmp_path / "lora", format="peft", base=base)
    folder = composed.paths.expert("public")
    if base == "flexolmo":
        folder = tmp_path / "one"
        materialize(recipe_of(composed, "public"), composed.paths, folder)
    public = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, experts_implementation="eager")
    merged = PeftModel.from_pretrained(public, tmp_path / "lora").merge_and_unload()
    for layer, block in enumerate(merged.model.layers):
        if base == "dense":
            theirs = {projection: getattr(block.mlp, projection).weight for projection in PROJECTIONS}
        else:
            gate, up = block.mlp.experts.gate_up_proj[0].chunk(2)
            theirs = {"gate_proj": gate, "up_proj": up, "down_proj": block.mlp.experts.down_proj[0]}
        for projection in PROJECTIONS:
            ours = merged_expert(composed, layer, projection, rank)
            torch.testing.assert_close(theirs[projection].double(), ours, rtol=0, atol=1e-6)


def test_the_public_model_as_a_flexolmo_of_one_expert_is_the_public_model(composed: Any, tmp_path: Path) -> None:
    materialize(recipe_of(composed, "public"), composed.paths, tmp_path / "one")
    one = AutoModelForCausalLM.from_pretrained(tmp_path / "one", dtype=torch.float64, experts_implementation="eager")
    public = AutoModelForCausalLM.from_pretrained(composed.paths.expert("public"), dtype=torch.float64)
    torch.testing.assert_close(logits(one), logits(public), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "format", "said"),
    [
        ("joint-a2-r4", "peft", "3 experts; an adapter is one expert's"),
        ("math-full", "peft", "rank full is no adapter"),
        ("public", "peft", "0 experts; an adapter is one expert's"),
        ("public", "flexmore", "no experts to factor"),
        ("math-random", "flexmore", "a control's random delta has no factors"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(composed: Any, tmp_path: Path, name: str, format: Any, said: str) -> None:
    with pytest.raises(FlexmoreError, match=said):
        materialize(recipe_of(composed, name), composed.paths, tmp_path / "out", format=format)
    assert not (tmp_path / "out").exists()
