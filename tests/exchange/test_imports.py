"""Factored checkpoints, the FlexMoRE authors' and ours, imported as experts."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from edited_checkpoints import add, configure, edit
from lora_adapters import lora_adapter
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.family import read_source, read_sources
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import check_recipe
from flexmore.cluster.owner import claim, this_run
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange.choices import ImportChoice, RouterChoice
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
    path = import_checkpoint(source, tmp_path / "mine", ["math"], ImportChoice(public=public, active=2))
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
    path = import_checkpoint(tmp_path / "factored", tmp_path / "mine", names, ImportChoice(public=family / "public"))
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
    recipe = Recipe.read(import_checkpoint(source, tmp_path / "mine", ["math"], ImportChoice(active=2)))
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
    recipe = Recipe.read(
        import_checkpoint(source, paths.root, ["math"], ImportChoice(public=family / "public", active=2))
    )
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
        import_checkpoint(other, paths.root, ["news"], ImportChoice(active=2))


def test_wrong_arguments_are_refused(family: Path, tmp_path: Path) -> None:
    lora_adapter(family / "public", tmp_path / "lora")
    with pytest.raises(FlexmoreError, match="no public model yet; name it with --public"):
        import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"])
    for names in ([], ["law", "tax"], ["law", "law"]):
        with pytest.raises(FlexmoreError, match="1 experts and the names"):
            import_checkpoint(tmp_path / "lora", tmp_path / "mine", names, ImportChoice(public=family / "public"))
    with pytest.raises(FlexmoreError, match="5 active experts; allowed are 1 to 2, which --active says"):
        import_checkpoint(
            tmp_path / "lora", tmp_path / "mine", ["law"], ImportChoice(public=family / "public", active=5)
        )
    for choice, said in ((RouterChoice("file"), "needs a file"), (RouterChoice("fit", tmp_path / "no"), "not found")):
        given = ImportChoice(public=family / "public", router=choice)
        with pytest.raises(FlexmoreError, match=said):
            import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"], given)


def test_a_checkpoint_that_does_not_say_how_many_experts_are_active_is_told_how(family: Path, tmp_path: Path) -> None:
    source = authors_checkpoint(family / "math", tmp_path / "authors", 4)
    configure(source, num_experts_per_tok=None)
    with pytest.raises(FlexmoreError, match="authors: None active experts; allowed are 1 to 2, which --active says"):
        import_checkpoint(source, tmp_path / "mine", ["math"])
    assert import_checkpoint(source, tmp_path / "mine", ["math"], ImportChoice(active=1)).name == "math-r4.json"


def tree(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, links by what they lead to."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def mine(family: Path, tmp_path: Path) -> Path:
    """A family with the imported experts law and tax, and files of somebody's own around it."""
    root = tmp_path / "results" / "mine"
    for seed, name in enumerate(("law", "tax")):
        lora_adapter(family / "public", tmp_path / name, lora_alpha=12 + seed)
        import_checkpoint(tmp_path / name, root, [name], ImportChoice(public=family / "public"))
    for folder in (root, root.parent, root / "experts", root / "factors"):
        (folder / "notes.txt").write_text("mine")
    return root


BAD_NAMES = ["", ".", "..", "../evil", "a/b", "/tmp/x", "Law", "law ", "law\n", "9law", "lá", "public", "joint", "--x"]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("replace", [False, True])
def test_a_name_that_no_expert_can_have_touches_nothing(mine: Path, tmp_path: Path, name: str, replace: bool) -> None:
    before = tree(tmp_path)
    with pytest.raises(FlexmoreError, match="as the name of an expert; allowed are lower-case letters"):
        import_checkpoint(tmp_path / "law", mine, [name], ImportChoice(replace=replace))
    assert tree(tmp_path) == before


def test_an_expert_that_is_there_is_replaced_only_where_it_is_said(mine: Path, tmp_path: Path) -> None:
    before = tree(mine)
    with pytest.raises(FlexmoreError, match="experts/law: exists already; choose another name, or say --replace"):
        import_checkpoint(tmp_path / "tax", mine, ["law"])
    assert tree(mine) == before
    import_checkpoint(tmp_path / "tax", mine, ["law"], ImportChoice(replace=True))
    after = tree(mine)
    changed = {name.split("/")[0] + "/" + name.split("/")[1] for name in before if after[name] != before[name]}
    assert changed == {"experts/law", "factors/law", "mixtures/law-r3.json"}
    assert after["experts/law/expert.safetensors"] == before["experts/tax/expert.safetensors"]
    assert not list(mine.rglob(".*"))


def test_an_expert_that_a_living_run_may_read_is_not_replaced(mine: Path, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        created = psutil.Process(process.pid).create_time()
        claim(mine, replace(this_run(mine, "theirs"), pid=process.pid, created=created))
        before = tree(mine)
        with pytest.raises(FlexmoreError, match="mine belongs to a run that is alive"):
            import_checkpoint(tmp_path / "tax", mine, ["law"], ImportChoice(replace=True))
        assert tree(mine) == before
        import_checkpoint(tmp_path / "tax", mine, ["new"])  # what it does not read
        process.communicate(b"\n")
    import_checkpoint(tmp_path / "tax", mine, ["law"], ImportChoice(replace=True))


def test_what_a_killed_import_left_is_no_expert(mine: Path, tmp_path: Path) -> None:
    left = Path(shutil.copytree(mine / "experts" / "law", mine / "experts" / ".bad.0a1b2c3d.tmp", symlinks=True))
    content = read_json(left / "source.json")
    write_json(left / "source.json", content | {"public_tensors": {}})
    import_checkpoint(tmp_path / "tax", mine, ["new"])
    assert read_sources(StudyPaths(mine)).keys() == {"public", "law", "tax", "new"}


def test_a_recipe_of_other_experts_is_not_replaced_unless_it_is_said(
    composed: Any, family: Path, tmp_path: Path
) -> None:
    paths = composed.paths
    materialize(Recipe.read(paths.recipe("joint-a2-r4")), paths, tmp_path / "factored", format="flexmore")
    before = tree(paths.root)
    with pytest.raises(FlexmoreError, match=r"joint-a2-r4\.json: exists already; .*--replace"):
        import_checkpoint(tmp_path / "factored", paths.root, ["law", "tax", "lore"])
    assert tree(paths.root) == before


@pytest.mark.parametrize("spoilt", ["nan", "missing", "not one of the family"])
@pytest.mark.parametrize("name", ["law", "new"])
def test_an_import_that_fails_leaves_everything_as_it_was(
    mine: Path, family: Path, tmp_path: Path, spoilt: str, name: str
) -> None:
    lora_adapter(family / "public", tmp_path / "spoilt")
    file = tmp_path / "spoilt" / "adapter_model.safetensors"
    tensors = load_file(file)
    last = sorted(tensors)[-1]
    if spoilt == "nan":
        tensors[last].fill_(float("nan"))
    elif spoilt == "missing":
        del tensors[last]
    save_file(tensors, file, metadata={"format": "pt"})
    choice = ImportChoice(replace=True)
    if spoilt == "not one of the family":
        other = Path(shutil.copytree(family / "public", tmp_path / "public"))
        edit(other, "model.norm", lambda weight: weight + 1)
        choice = ImportChoice(replace=True, public=other)
    before = tree(mine)
    with pytest.raises(FlexmoreError):
        import_checkpoint(tmp_path / "spoilt", mine, [name], choice)
    assert tree(mine) == before
    with pytest.raises(FlexmoreError):  # nor is a public model left where there was nothing
        import_checkpoint(tmp_path / "spoilt", tmp_path / "new", [name], ImportChoice(active=3))
    with pytest.raises(FlexmoreError):
        import_checkpoint(tmp_path / "spoilt", tmp_path / "new", ["x", "y"], ImportChoice(public=family / "public"))
    assert not (tmp_path / "new").exists()
    if spoilt != "not one of the family":
        with pytest.raises(FlexmoreError):
            import_checkpoint(tmp_path / "spoilt", tmp_path / "new", [name], ImportChoice(public=family / "public"))
        assert tree(tmp_path / "new") == {}


def test_the_first_of_several_experts_is_not_left_when_the_second_fails(
    composed: Any, family: Path, tmp_path: Path
) -> None:
    materialize(Recipe.read(composed.paths.recipe("joint-a2-r4")), composed.paths, tmp_path / "bad", format="flexmore")
    edit(tmp_path / "bad", "experts.2.up_proj_a", lambda weight: weight.fill_(float("inf")))
    with pytest.raises(FlexmoreError, match=r"new/experts/b: tensor .*up_proj"):
        import_checkpoint(tmp_path / "bad", tmp_path / "new", ["a", "b", "c"])
    assert tree(tmp_path / "new") == {}


def test_an_expert_is_not_imported_over_its_own_source(composed: Any, family: Path, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    source = authors_checkpoint(family / "math", tmp_path / "authors", 4)
    shutil.copytree(source, root / "experts" / "math")
    before = tree(root)
    with pytest.raises(FlexmoreError, match=r"experts/math: lies in .*experts/math, which would be replaced"):
        import_checkpoint(root / "experts" / "math", root, ["math"], ImportChoice(replace=True, active=2))
    assert tree(root) == before


def test_another_public_model_than_the_familys_is_not_ignored(mine: Path, family: Path, tmp_path: Path) -> None:
    """The one that is there was taken, whatever was named."""
    same = Path(shutil.copytree(family / "public", tmp_path / "same"))
    import_checkpoint(tmp_path / "law", mine, ["lore"], ImportChoice(public=same))
    other = Path(shutil.copytree(family / "public", tmp_path / "other"))
    edit(other, "model.norm", lambda weight: weight + 1)
    with pytest.raises(FlexmoreError, match=r"/other and public were not branched .*: model\.norm\.weight differs"):
        import_checkpoint(tmp_path / "law", mine, ["more"], ImportChoice(public=other))


def test_a_public_model_in_its_place_stays_there(family: Path, tmp_path: Path) -> None:
    """A user put it where it belongs; it was deleted before it was linked to itself."""
    place = tmp_path / "mine" / "experts" / "public"
    shutil.copytree(family / "public", place)
    lora_adapter(family / "public", tmp_path / "law")
    with pytest.raises(FlexmoreError, match="experts/public: exists already"):
        import_checkpoint(tmp_path / "law", tmp_path / "mine", ["law"], ImportChoice(public=family / "public"))
    import_checkpoint(tmp_path / "law", tmp_path / "mine", ["law"], ImportChoice(public=place))
    assert tree(place).keys() - {"source.json"} == tree(family / "public").keys()


def test_an_imported_expert_has_the_modes_that_the_umask_gives(family: Path, tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        source = authors_checkpoint(family / "math", tmp_path / "authors", 4)
        import_checkpoint(source, tmp_path / "mine", ["math"], ImportChoice(active=2))
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "mine").rglob("*") if not path.is_symlink()}
    assert modes == {0o775, 0o664}


@pytest.mark.parametrize("name", ["model.layers.0.mlp.gate.bias", "model.layers.1.mlp.experts.1.up_proj.weight"])
def test_a_factored_checkpoint_with_a_tensor_that_nobody_would_use_is_refused(
    composed: Any, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "factored"
    materialize(Recipe.read(composed.paths.recipe("math-r4")), composed.paths, folder, format="flexmore")
    add(folder, name, torch.zeros(2))
    with pytest.raises(FlexmoreError, match="is none that FlexMoREForCausalLM uses"):
        import_checkpoint(folder, tmp_path / "mine", ["math"])
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("public", ["nowhere", "empty", "an expert"])
def test_a_public_model_that_is_none_is_named(family: Path, tmp_path: Path, public: str) -> None:
    lora_adapter(family / "public", tmp_path / "law")
    (tmp_path / "empty").mkdir()
    given = family / "math" if public == "an expert" else tmp_path / public
    said = "2 experts; expected 1 for the public model" if public == "an expert" else f"{public}: no config.json"
    with pytest.raises(FlexmoreError, match=said):
        import_checkpoint(tmp_path / "law", tmp_path / "mine", ["law"], ImportChoice(public=given))
    assert not (tmp_path / "mine").exists()
