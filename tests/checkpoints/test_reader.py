"""Checkpoints against transformers: both layouts read the same, and what is wrong is named."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, FlexOlmoForCausalLM

from flexmore.architectures.names import PROJECTIONS
from flexmore.checkpoints.family import check_family, check_shared, read_source
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.writer import write_sharded
from flexmore.errors import CheckpointError
from flexmore.exchange.formats import plan_copy
from flexmore.experts.acquire import acquire
from flexmore.experts.describe import describe
from flexmore.files import read_json, sha256_of, write_json


def copied(source: Path, target: Path) -> Path:
    target.mkdir()
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def edit(folder: Path, part: str, change: Any) -> str:
    """Apply `change` to the first tensor whose name holds `part`; returns its name."""
    weight_map = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    name = next(name for name in sorted(weight_map) if part in name)
    tensors = load_file(folder / weight_map[name])
    tensors[name] = change(tensors[name].clone())
    save_file(tensors, folder / weight_map[name], metadata={"format": "pt"})
    return name


def test_the_hubs_layout_is_several_shards_with_a_name_per_expert(family: Path) -> None:
    checkpoint = Checkpoint(family / "math")
    assert len(checkpoint.files) > 2
    assert "model.layers.0.mlp.experts.1.gate_proj.weight" in checkpoint
    assert checkpoint.experts == 2


def test_fused_and_per_expert_layouts_read_the_same(family: Path, tmp_path: Path) -> None:
    model = FlexOlmoForCausalLM.from_pretrained(family / "math")
    model.save_pretrained(tmp_path / "fused", save_original_format=False)
    fused, named = Checkpoint(tmp_path / "fused"), Checkpoint(family / "math")
    assert "model.layers.0.mlp.experts.gate_up_proj" in fused
    for layer in range(2):
        for expert in range(2):
            for projection in PROJECTIONS:
                ours = fused.expert_weight(layer, expert, projection)
                assert torch.equal(ours, named.expert_weight(layer, expert, projection))
                block = model.model.layers[layer].mlp.experts
                fused_rows = block.gate_up_proj[expert].chunk(2)
                theirs = {"gate_proj": fused_rows[0], "up_proj": fused_rows[1], "down_proj": block.down_proj[expert]}
                assert torch.equal(ours, theirs[projection])


def test_what_is_saved_in_shards_transformers_loads(family: Path, tmp_path: Path) -> None:
    source = Checkpoint(family / "news")
    hashes = write_sharded(tmp_path, [plan_copy(source, name) for name in source.tensor_names], 9000)
    assert all(sha256_of(tmp_path / file) == digest for file, digest in hashes.items())
    (tmp_path / "config.json").write_bytes((family / "news" / "config.json").read_bytes())
    again, before = (AutoModelForCausalLM.from_pretrained(folder) for folder in (tmp_path, family / "news"))
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), before.parameters(), strict=True))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: sorted(f.glob("*.safetensors"))[0].unlink(), "missing"),
        (lambda f: sorted(f.glob("*.safetensors"))[0].write_bytes(b"x" * 40), "not a whole safetensors file"),
        (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda f: edit(f, "experts.1.up_proj", lambda w: w.fill_(float("nan"))), "experts.1.up_proj.weight holds NaN"),
        (lambda f: edit(f, "experts.1.up_proj", lambda w: w[:3].contiguous()), r"shape \(3, 16\), expected \(24, 16\)"),
    ],
)
def test_a_spoilt_checkpoint_is_refused_by_name(family: Path, tmp_path: Path, spoil: Any, said: str) -> None:
    folder = copied(family / "math", tmp_path / "math")
    spoil(folder)
    with pytest.raises(CheckpointError, match=said):
        describe(folder, "math")


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    with pytest.raises(CheckpointError, match="LlamaForCausalLM; expected Olmo2ForCausalLM or FlexOlmoForCausalLM"):
        Checkpoint(tmp_path)


@pytest.mark.parametrize("part", ["self_attn.q_proj", "experts.0.down_proj", "mlp.gate.weight", "embed_tokens"])
def test_an_expert_of_another_public_model_is_refused_with_the_tensors_name(
    study_of: Any, family: Path, tmp_path: Path, part: str
) -> None:
    def nudge(weight: torch.Tensor) -> torch.Tensor:
        weight.view(-1)[0] += 1e-6  # row 0 of a router, one element elsewhere
        return weight

    study = study_of()
    other = copied(family / "code", tmp_path / "code")
    name = edit(other, part, nudge)
    shared = {n: describe(family / n, n)["public_tensors"] for n in ("public", "math")}
    shared["code"] = describe(other, "code")["public_tensors"]
    with pytest.raises(CheckpointError, match="math and code were not branched") as caught:
        check_shared(shared)
    assert name.replace("experts.0.", "").removesuffix(".weight") in str(caught.value)
    assert study.names == ("math", "news", "code")


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


@pytest.mark.parametrize(("key", "value"), [("rope_theta", 10000.0), ("rms_norm_eps", 1e-5), ("tokenizer", "other")])
def test_an_expert_that_reads_its_weights_otherwise_is_refused(study_of: Any, key: str, value: object) -> None:
    study = study_of()
    for name in study.experts:
        acquire(study, name)
    path = study.paths.expert("news") / "source.json"
    content = read_json(path)
    write_json(path, content | {"public_config": content["public_config"] | {key: value}})
    with pytest.raises(CheckpointError, match=f"news: {key} is {value}, the public model's is"):
        check_family(study.paths, study.experts)
