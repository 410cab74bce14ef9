"""A checkpoint that lacks a tensor of its architecture, or holds one that nobody would use, is refused by name."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from edited_checkpoints import INDEX, add, configure, copied, drop, edit
from safetensors.torch import load_file, save_file
from transformers import FlexOlmoForCausalLM

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.completeness import check_tensors
from flexmore.checkpoints.reader import Checkpoint
from flexmore.errors import CheckpointError, FlexmoreError

EACH_LAYER = (
    "self_attn.q_proj self_attn.k_proj self_attn.v_proj self_attn.o_proj self_attn.q_norm self_attn.k_norm "
    "post_attention_layernorm post_feedforward_layernorm"
).split()
BACKBONE = ["lm_head", "embed_tokens", "model.norm", *(f"layers.1.{name}" for name in EACH_LAYER)]
EXPERTS = [f"layers.1.mlp.experts.{expert}.{projection}" for expert in (0, 1) for projection in PROJECTIONS]


@pytest.mark.parametrize("part", [*BACKBONE, *EXPERTS, "layers.0.mlp.gate.weight"])
def test_a_tensor_that_is_missing_is_named(family: Path, tmp_path: Path, part: str) -> None:
    folder = copied(family / "math", tmp_path / "math")
    name = drop(folder, part)
    with pytest.raises(CheckpointError, match=f"tensor {name.replace('.', '[.]')} is missing"):
        check_tensors(Checkpoint(folder))


@pytest.mark.parametrize("part", [*BACKBONE, *(f"layers.0.mlp.{projection}" for projection in PROJECTIONS)])
def test_of_a_dense_model_too(family: Path, tmp_path: Path, part: str) -> None:
    folder = copied(family / "public", tmp_path / "public")
    name = drop(folder, part)
    with pytest.raises(CheckpointError, match=f"tensor {name.replace('.', '[.]')} is missing"):
        check_tensors(Checkpoint(folder))


@pytest.mark.parametrize(
    "name",
    [
        "model.layers.0.mlp.gate.bias",  # FlexOlmo's issue 32
        "model.layers.1.self_attn.q_proj.bias",
        "model.layers.0.input_layernorm.weight",
        "model.layers.2.self_attn.q_proj.weight",
        "model.layers.0.mlp.experts.2.up_proj.weight",
        "model.layers.0.mlp.experts.1.up_proj_a.weight",
        "model.layers.0.mlp.experts.gate_up_proj",
        "model.layers.0.mlp.up_proj.weight",
        "model.layers.0.self_attn.rotary_emb.inv_freq",
        "model.layers.0.self_attn.q_proj.weight_scale",
        "value_head.weight",
    ],
)
def test_a_tensor_that_nobody_would_use_is_named(family: Path, tmp_path: Path, name: str) -> None:
    folder = copied(family / "math", tmp_path / "math")
    add(folder, name, torch.zeros(2, 2))
    with pytest.raises(
        CheckpointError, match=rf"tensor {name.replace('.', '[.]')} \(1 such\) is none that FlexOlmoFor"
    ):
        check_tensors(Checkpoint(folder))


def test_fewer_layers_or_experts_than_the_tensors_are_of_are_refused(family: Path, tmp_path: Path) -> None:
    layers, experts = (copied(family / "math", tmp_path / name) for name in ("layers", "experts"))
    configure(layers, num_hidden_layers=1)
    with pytest.raises(CheckpointError, match=r"model\.layers\.1\.mlp\.experts\.0\.down_proj.* is none that"):
        check_tensors(Checkpoint(layers))
    configure(experts, num_experts=1)
    with pytest.raises(CheckpointError, match=r"experts\.1\.down_proj\.weight \(6 such\) is none that"):
        check_tensors(Checkpoint(experts))


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("q_norm", lambda w: w[:8].clone(), r"q_norm.weight has shape \(8,\), expected \(16,\)"),
        ("embed_tokens", lambda w: w[:40].clone(), r"embed_tokens.weight has shape \(40, 16\), expected \(48, 16\)"),
        ("mlp.gate.weight", lambda w: w[:1].clone(), r"gate.weight has shape \(1, 16\), expected \(2, 16\)"),
        (
            "o_proj",
            lambda w: w.to(torch.int8),
            "o_proj.weight has dtype I8; expected F64, F32, BF16, F16, not quantized",
        ),
        ("up_proj", lambda w: w.to(torch.float8_e4m3fn), "up_proj.weight has dtype F8_E4M3; expected F64"),
    ],
)
def test_another_shape_or_dtype_is_named(family: Path, tmp_path: Path, part: str, change: Any, said: str) -> None:
    folder = copied(family / "math", tmp_path / "math")
    edit(folder, part, change)
    with pytest.raises(CheckpointError, match=said):
        check_tensors(Checkpoint(folder))


def test_every_layout_is_complete(family: Path, tmp_path: Path) -> None:
    for name in ("public", "math"):
        check_tensors(Checkpoint(family / name))
    model = FlexOlmoForCausalLM.from_pretrained(family / "math")
    model.save_pretrained(tmp_path / "fused", save_original_format=False)
    check_tensors(Checkpoint(tmp_path / "fused"))


def one_file(folder: Path) -> None:
    """Of all shards."""
    tensors = {name: value for file in folder.glob("*.safetensors") for name, value in load_file(file).items()}
    for file in (*folder.glob("*.safetensors"), folder / INDEX):
        file.unlink()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_single_file_is_checked_as_shards_are(family: Path, tmp_path: Path) -> None:
    folder = copied(family / "math", tmp_path / "math")
    one_file(folder)
    check_tensors(Checkpoint(folder))
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {"model.layers.0.mlp.gate.bias": torch.zeros(2)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"gate\.bias .* is none that"):
        check_tensors(Checkpoint(folder))


@pytest.mark.parametrize("equal", [True, False])
def test_a_head_beside_the_embeddings_that_are_it_must_equal_them(family: Path, tmp_path: Path, equal: bool) -> None:
    folder = Path(shutil.copytree(family / "public", tmp_path / "public"))
    configure(folder, tie_word_embeddings=True)
    if equal:
        embeddings = Checkpoint(folder).tensor("model.embed_tokens.weight")
        edit(folder, "lm_head", lambda weight: embeddings.clone())
        check_tensors(Checkpoint(folder))
    else:
        with pytest.raises(
            CheckpointError, match=r"lm_head\.weight differs from model\.embed_tokens\.weight, and config"
        ):
            check_tensors(Checkpoint(folder))


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("{}", "index.json: no weight_map; expected the file of each tensor"),
        ('{"metadata": {}}', "index.json: no weight_map"),
        ("[]", "index.json: no weight_map"),
        ('{"weight_map": {}}', "index.json: no weight_map"),
        ('{"weight_map": {"lm_head.weight": "../model.safetensors"}}', "lm_head.weight is '../model.safetensors'; exp"),
        ('{"weight_map": {"lm_head.weight": 1}}', "lm_head.weight is 1; expected the name of a file beside it"),
        ("", "index.json: not a JSON file"),
    ],
)  # fmt: skip
def test_an_index_that_does_not_say_where_tensors_are_is_named(
    family: Path, tmp_path: Path, index: str, said: str
) -> None:
    folder = copied(family / "math", tmp_path / "math")
    (folder / INDEX).write_text(index)
    with pytest.raises(FlexmoreError, match=said):
        check_tensors(Checkpoint(folder))


def test_a_tensor_that_is_not_in_the_shard_of_the_index_is_named(family: Path, tmp_path: Path) -> None:
    folder = copied(family / "math", tmp_path / "math")
    index = (folder / INDEX).read_text()
    name = drop(folder, "lm_head")
    (folder / INDEX).write_text(index)
    with pytest.raises(CheckpointError, match=rf"safetensors: no tensor {name}, which .*index\.json says is there"):
        check_tensors(Checkpoint(folder))
