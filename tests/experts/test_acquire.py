"""Experts acquired from a folder or from the hub: checked before the weights, pinned, linked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from edited_checkpoints import add, configure, copied, drop, edit
from hub_fixtures import CUT, Fresh, edited
from local_hub import Hub
from safetensors.torch import load_file, save_file
from tiny_family import SIZES, word_tokenizer, write_family
from transformers import AutoModelForCausalLM

from flexmore.checkpoints.family import check_family, read_source
from flexmore.checkpoints.reader import Checkpoint
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.experts.acquire import acquire
from flexmore.factors.factorize import factorize_expert
from flexmore.hub.models import ModelHub
from flexmore.mixtures.grid import find_mixture
from flexmore.modeling import SweepModel


def test_a_family_from_folders_is_linked_and_described(study_of: Any, family: Path) -> None:
    study = study_of()
    for name in study.experts:
        acquire(study, name)
    check_family(study.paths, study.experts)
    folder = study.paths.expert("math")
    assert all(path.is_symlink() for path in folder.iterdir() if path.name != "source.json")
    assert read_source(study.paths, "math")["fingerprint"] != read_source(study.paths, "news")["fingerprint"]
    acquire(study, "math")  # again: links are replaced, the user's files stay
    assert (family / "math" / "config.json").is_file()


def test_the_same_checkpoint_from_a_folder_has_the_same_fingerprint(hub: Hub, study: Fresh, study_of: Any) -> None:
    made, linked = study(), study_of()
    acquire(made, "math", ModelHub(hub.url))
    acquire(linked, "math")
    ours, theirs = read_source(made.paths, "math"), read_source(linked.paths, "math")
    assert {key: ours[key] for key in ("fingerprint", "files", "public_tensors", "sizes")} == {
        key: theirs[key] for key in ("fingerprint", "files", "public_tensors", "sizes")
    }


def test_a_revision_that_moved_is_refused_until_told(hub: Hub, study: Fresh, tmp_path: Path) -> None:
    made = study()
    acquire(made, "math", ModelHub(hub.url))
    first = read_source(made.paths, "math")["commit"]
    (made.paths.expert("math") / "source.json").unlink()  # as Snakemake does
    second = edited(hub, tmp_path, "math", lambda folder: (folder / "generation_config.json").write_text("{}\n"))
    with pytest.raises(FlexmoreError, match=f"main was {first} .* is {second} now; .*`revision: {first}`.*--update"):
        acquire(made, "math", ModelHub(hub.url))
    hub.sent.clear()
    acquire(study(first), "math", ModelHub(hub.url))  # named, it is not lost
    assert read_source(made.paths, "math")["commit"] == first
    assert not hub.sent
    acquire(made, "math", ModelHub(hub.url), update=True)
    assert read_source(made.paths, "math")["commit"] == second
    assert set(hub.sent) == {"generation_config.json"}
    acquire(made, "math", ModelHub(hub.url))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: configure(f, architectures=["LlamaForCausalLM"]), "LlamaForCausalLM; expected Olmo2"),
        (lambda f: configure(f, num_experts=7), "7 experts; expected 2 for an expert's checkpoint"),
        (
            lambda f: configure(f, hidden_size=32),
            "hidden is 32, the configuration's `sizes` states 16; correct",
        ),
        (lambda f: (f / CUT).unlink(), f"it names {CUT}, which is missing"),
    ],
)
def test_what_the_small_files_tell_comes_before_the_weights(
    hub: Hub, study: Fresh, tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    edited(hub, tmp_path, "math", change)
    sizes = {"hidden": 16, "ffn": 24, "layers": 2, "vocabulary": 48, "heads": 2, "key_value_heads": 2}
    with pytest.raises(CheckpointError, match=said):
        acquire(study(sizes=sizes), "math", ModelHub(hub.url))
    assert not any(name.endswith(".safetensors") for name in hub.sent)


def test_a_truncated_file_on_the_hub_is_named(hub: Hub, study: Fresh, tmp_path: Path) -> None:
    edited(hub, tmp_path, "math", lambda f: (f / CUT).write_bytes((f / CUT).read_bytes()[:-100]) and None)
    with pytest.raises(CheckpointError, match=f"{CUT}: not a whole safetensors file"):
        acquire(study(), "math", ModelHub(hub.url))


@pytest.mark.parametrize("source", ["hub", "folder"])
def test_an_expert_of_another_public_model_is_refused_when_it_is_acquired(
    hub: Hub, study: Fresh, tmp_path: Path, source: str
) -> None:
    def nudge(folder: Path) -> None:
        tensors = load_file(folder / CUT)
        name = next(name for name in tensors if ".experts.1." not in name)
        tensors[name] = torch.nextafter(tensors[name], tensors[name] + 1)
        save_file(tensors, folder / CUT, metadata={"format": "pt"})

    edited(hub, tmp_path, "math", nudge)
    made = study()
    acquire(made, "public", ModelHub(hub.url))
    if source == "folder":
        given = {"source": "folder", "path": str(tmp_path / "made" / "math")}
        made = study(experts={"public": made.experts["public"].model_dump(), "math": given})
    with pytest.raises(CheckpointError, match=r"public and math were not branched|math and public were not branched"):
        acquire(made, "math", ModelHub(hub.url))
    assert not (made.paths.expert("math") / "source.json").exists()


def test_a_folder_links_only_what_is_needed(hub: Hub, study: Fresh, tmp_path: Path, family: Path) -> None:
    given = {name: {"source": "folder", "path": str(tmp_path / "made" / name)} for name in ("public", "math")}
    made = study(experts=given)
    acquire(made, "math")
    there = {path.name for path in made.paths.expert("math").iterdir()}
    assert there == {path.name for path in (family / "math").iterdir()} | {"source.json"}


def test_a_checkpoint_in_the_experts_own_folder_is_not_replaced_by_links_to_itself(study_of: Any, family: Path) -> None:
    """An imported expert, say, whose family a study continues in the same results folder."""
    study = study_of()
    own = copied(family / "math", study.paths.expert("math"))
    weights = {path.name: path.read_bytes() for path in own.iterdir()}
    given = {name: source.model_dump() for name, source in study.experts.items()}
    study = study_of(experts=given | {"math": {"source": "folder", "path": str(own)}})
    acquire(study, "math")
    assert {path.name: path.read_bytes() for path in own.iterdir() if path.name != "source.json"} == weights
    inner = copied(family / "math", own / "inner")
    study = study_of(experts=given | {"math": {"source": "folder", "path": str(inner)}})
    with pytest.raises(FlexmoreError, match=r"experts\.math\.path: .*/inner lies in .*math, which is replaced"):
        acquire(study, "math")
    assert (inner / "config.json").is_file()


def test_an_expert_that_is_refused_leaves_the_one_before(study_of: Any, family: Path, tmp_path: Path) -> None:
    study = study_of()
    acquire(study, "math")
    given = {name: source.model_dump() for name, source in study.experts.items()}
    before = read_source(study.paths, "math")
    spoilt = copied(family / "math", tmp_path / "spoilt")
    edit(spoilt, "experts.1.up_proj", lambda weight: weight.fill_(float("nan")))
    with pytest.raises(CheckpointError, match=r"spoilt: tensor .* holds NaN"):
        acquire(study_of(experts=given | {"math": {"source": "folder", "path": str(spoilt)}}), "math")
    assert read_source(study.paths, "math") == before
    assert all(path.resolve().parent == family / "math" for path in study.paths.expert("math").glob("*.safetensors"))


def test_a_link_in_an_experts_place_loses_the_link_alone(
    hub: Hub, study: Fresh, study_of: Any, family: Path, tmp_path: Path
) -> None:
    """Somebody linked a folder of models to where the expert is to be: nothing is removed there."""
    mine = copied(family / "math", tmp_path / "models")
    (mine / "notes.txt").write_text("mine")
    made, linked = study(), study_of(results=str(tmp_path / "linked"))
    for paths in (made.paths, linked.paths):
        paths.expert("math").parent.mkdir(parents=True, exist_ok=True)
        paths.expert("math").symlink_to(mine)
    with pytest.raises(FlexmoreError, match=r"math: a link to .*/models; expected a folder, .*source: folder, path"):
        acquire(made, "math", ModelHub(hub.url))
    acquire(linked, "math")
    assert not linked.paths.expert("math").is_symlink()
    assert (mine / "notes.txt").read_text() == "mine"
    assert len(list(mine.iterdir())) == len(list((family / "math").iterdir())) + 1


@pytest.mark.parametrize(
    "part", ["lm_head", "layers.0.self_attn.q_proj", "model.norm", "layers.1.post_attention_layern"]
)
def test_a_tensor_that_public_and_experts_alike_lack_is_named(
    study_of: Any, family: Path, tmp_path: Path, part: str
) -> None:
    """Every step returned 0, and the model's parameter held whatever was in memory."""
    names = {name: copied(family / name, tmp_path / name) for name in ("public", "math")}
    missing = {drop(folder, part) for folder in names.values()}
    given = {name: {"source": "folder", "path": str(folder)} for name, folder in names.items()}
    study = study_of(experts=given, joint={"active": [2], "selections": []})
    for name in names:
        with pytest.raises(CheckpointError, match=f"tensor {missing.copy().pop()} is missing"):
            acquire(study, name)


def test_names_of_tensors_are_checked_before_the_weights_come(hub: Hub, study: Fresh, tmp_path: Path) -> None:
    edited(hub, tmp_path, "math", lambda folder: add(folder, "model.layers.0.mlp.gate.bias", torch.zeros(2)))
    with pytest.raises(CheckpointError, match=r"mlp\.gate\.bias .* is none that FlexOlmoForCausalLM uses"):
        acquire(study(), "math", ModelHub(hub.url))
    assert not any(name.endswith(".safetensors") for name in hub.sent)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"rope_parameters": {"rope_type": "linear", "factor": 8.0, "rope_theta": 5e5}},
            "rope is .*linear.*, that of pub",
        ),
        ({"rope_parameters": None, "rope_theta": 1e4}, "rope is .*10000.0.*, that of public is .*500000.0"),
        ({"rope_scaling": {"type": "yarn", "factor": 2.0}}, "rope is .*yarn"),
        ({"num_attention_heads": 4, "num_key_value_heads": 4}, "head_dim is 4, that of public is 8"),
        ({"rms_norm_eps": 1e-5}, "rms_norm_eps is 1e-05, that of public is 1e-06"),
        ({"hidden_act": "gelu"}, "hidden_act is gelu, that of public is silu"),
        ({"sliding_window": 16}, "sliding_window is 16, that of public is None"),
        ({"logits_scaling": 2.0}, "logits_scaling is 2.0, that of public is None"),
        ({"use_cache": False, "transformers_version": "4.0.0", "torch_dtype": "float32", "head_dim": 8}, None),
    ],
)
def test_an_expert_whose_configuration_computes_something_else_is_refused(
    study_of: Any, family: Path, tmp_path: Path, changes: dict[str, Any], said: str | None
) -> None:
    study = study_of()
    other = copied(family / "math", tmp_path / "math")
    configure(other, **changes)
    given = {name: source.model_dump() for name, source in study.experts.items()}
    study = study_of(experts=given | {"math": {"source": "folder", "path": str(other)}})
    acquire(study, "public")
    if said is None:
        acquire(study, "math")
    else:
        with pytest.raises(CheckpointError, match=said):
            acquire(study, "math")


def test_experts_that_would_be_mixed_otherwise_are_refused(study_of: Any, family: Path, tmp_path: Path) -> None:
    """The order of the experts decided how they were mixed."""
    other = copied(family / "news", tmp_path / "news")
    configure(other, norm_topk_prob=True)
    given = {name: source.model_dump() for name, source in study_of().experts.items()}
    study = study_of(experts=given | {"news": {"source": "folder", "path": str(other)}})
    for name in study.experts:
        acquire(study, name)
    with pytest.raises(CheckpointError, match="news: norm_topk_prob is True, that of math is False"):
        check_family(study.paths, study.experts)


@pytest.mark.parametrize(("having", "equal"), [("math", True), ("public", True), ("math", False), ("public", False)])
def test_a_head_that_only_one_file_of_a_tied_model_has_is_taken_where_it_is_the_embeddings(
    study_of: Any, tmp_path: Path, having: str, equal: bool
) -> None:
    write_family(tmp_path, ["math"], SIZES | {"tie_word_embeddings": True}, word_tokenizer(48), shard="10KB")
    assert not any("lm_head.weight" in Checkpoint(tmp_path / name) for name in ("public", "math"))
    head = Checkpoint(tmp_path / "public").tensor("model.embed_tokens.weight")
    add(tmp_path / having, "lm_head.weight", head if equal else head + 1)
    given = {name: {"source": "folder", "path": str(tmp_path / name)} for name in ("public", "math")}
    study = study_of(experts=given, ranks=["full"], joint={"active": [2], "selections": []})
    if not equal:
        with pytest.raises(CheckpointError, match=r"lm_head\.weight differs from model\.embed_tokens\.weight"):
            acquire(study, having)
        return
    for name in study.experts:
        acquire(study, name)
    check_family(study.paths, study.experts)
    factorize_expert(Checkpoint(tmp_path / "math"), "x", study.paths.factors("math"), study.factors, "math")
    mixture = find_mixture(study, "math-full")
    sweep = SweepModel.load(study.paths, [mixture], device="cpu")
    sweep.set_mixture(mixture)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "math", experts_implementation="eager")
    ids = torch.tensor([[5, 9, 2, 17]])
    with torch.no_grad():
        torch.testing.assert_close(sweep.model(ids).logits, theirs(ids).logits, rtol=0, atol=1e-4)
