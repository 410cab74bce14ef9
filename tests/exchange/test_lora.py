"""LoRA adapters that peft saved, imported as experts, against the model that peft merges them into."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lora_adapters import lora_adapter
from safetensors.torch import load_file, save_file

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange.imports import import_checkpoint
from flexmore.exchange.materialize import materialize
from flexmore.factors.store import FactorStore
from flexmore.files import read_json, write_json
from flexmore.mixtures.recipe import Recipe


@pytest.mark.parametrize(
    ("settings", "rank"),
    [
        ({}, 3),
        ({"use_rslora": True}, 3),
        ({"rank_pattern": {"layers.1.mlp.up_proj": 5}, "alpha_pattern": {r".*\.1\.mlp\.up_proj": 2}}, 5),
        ({"target_modules": ["down_proj"]}, 3),
        ({"r": 20}, 16),
    ],
    ids=["plain", "rslora", "patterns", "down alone", "above saturation"],
)
def test_a_lora_somebody_trained_is_an_expert_of_its_rank(
    family: Path, tmp_path: Path, settings: dict[str, Any], rank: int
) -> None:
    merged = lora_adapter(family / "public", tmp_path / "lora", **settings)
    paths = StudyPaths(tmp_path / "mine")
    recipe = Recipe.read(import_checkpoint(tmp_path / "lora", paths.root, ["law"], public=family / "public"))
    assert recipe.mixture.name == f"law-r{rank}"
    checkpoint, store = Checkpoint(paths.expert("law")), FactorStore(paths.factors("law"))
    for layer, block in enumerate(merged.model.layers):
        for projection in PROJECTIONS:
            theirs = getattr(block.mlp, projection).weight
            torch.testing.assert_close(checkpoint.expert_weight(layer, 1, projection), theirs, rtol=0, atol=2e-6)
            public = checkpoint.expert_weight(layer, 0, projection)
            s = torch.linalg.svdvals((theirs - public).double())[:rank]
            torch.testing.assert_close(store.singular_values(layer, projection).double(), s, rtol=1e-4, atol=1e-5)
            a, b = store.prefix(layer, projection, 1)
            best = torch.linalg.svdvals((theirs - public).double())[1:].norm()
            torch.testing.assert_close((theirs - public - b.T @ a).double().norm(), best, rtol=1e-4, atol=1e-5)
    materialize(recipe, paths, tmp_path / "out", format="peft")
    assert not checkpoint.router(0).any(), "zero rows: public and expert weigh the same"


def spoil_tensor(folder: Path, part: str, change: Any) -> None:
    file = next(folder.glob("*.safetensors"))
    tensors = load_file(file)
    name = next(name for name in sorted(tensors) if part in name)
    value = tensors.pop(name)
    tensors |= change(name, value)
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("lora_A", lambda n, v: {n: v.fill_(float("nan"))}, "lora_A.weight or lora_B holds NaN or infinity"),
        ("lora_A", lambda n, v: {n: v[:, 1:].contiguous()}, r"have shapes \(3, 23\) and \(16, 3\), expected \(r, 24\)"),
        ("lora_B", lambda n, v: {}, "lora_B of layer 0, down_proj is missing; expected A and B"),
        ("lora_B", lambda n, v: {n: v, n.replace("mlp.down", "self_attn.q"): v + 0}, "q_proj.lora_B.weight; expected"),
        ("lora_B", lambda n, v: {n: v, n.replace("layers.0", "layers.7"): v + 0}, "the public model has 2 layers"),
    ],
)  # fmt: skip
def test_a_spoilt_adapter_is_refused_by_name(family: Path, tmp_path: Path, part: str, change: Any, said: str) -> None:
    lora_adapter(family / "public", tmp_path / "lora")
    spoil_tensor(tmp_path / "lora", part, change)
    with pytest.raises(FlexmoreError, match=said):
        import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"], public=family / "public")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("peft_type", "IA3", "peft_type is 'IA3', expected 'LORA'"),
        ("use_dora", True, "use_dora is True, expected False"),
        ("modules_to_save", ["lm_head"], "modules_to_save is"),
    ],
)
def test_another_kind_of_adapter_is_refused(family: Path, tmp_path: Path, key: str, value: Any, said: str) -> None:
    lora_adapter(family / "public", tmp_path / "lora")
    path = tmp_path / "lora" / "adapter_config.json"
    write_json(path, read_json(path) | {key: value})
    with pytest.raises(FlexmoreError, match=said):
        import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"], public=family / "public")
