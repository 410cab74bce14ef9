"""Checkpoints against transformers: both layouts read the same, and what is wrong is named."""

from pathlib import Path

import pytest
import torch
from transformers import FlexOlmoForCausalLM

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.errors import CheckpointError


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


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    with pytest.raises(CheckpointError, match="LlamaForCausalLM; expected Olmo2ForCausalLM or FlexOlmoForCausalLM"):
        Checkpoint(tmp_path)
