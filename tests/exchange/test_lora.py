"""LoRA adapters that peft saved, imported as experts, against the model that peft merges them into."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from lora_adapters import lora_adapter
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from torch import nn

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange import lora_settings
from flexmore.exchange.choices import ImportChoice
from flexmore.exchange.imports import import_checkpoint
from flexmore.exchange.lora import LoraAdapter
from flexmore.exchange.lora_settings import LoraSettings
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
    recipe = Recipe.read(
        import_checkpoint(tmp_path / "lora", paths.root, ["law"], ImportChoice(public=family / "public"))
    )
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
        ("lora_A", lambda n, v: {n: v[:, 1:].contiguous()}, r"have shapes \(3, 23\) and \(16, 3\), expected \(3, 24\)"),
        ("lora_B", lambda n, v: {}, "lora_B of layer 0, down_proj is missing; expected A and B"),
        ("lora_B", lambda n, v: {n: v, n.replace("mlp.down", "self_attn.q"): v + 0}, "q_proj.lora_B.weight; expected"),
        ("lora_B", lambda n, v: {n: v, n.replace("layers.0", "layers.7"): v + 0}, "the public model has 2 layers"),
    ],
)  # fmt: skip
def test_a_spoilt_adapter_is_refused_by_name(family: Path, tmp_path: Path, part: str, change: Any, said: str) -> None:
    lora_adapter(family / "public", tmp_path / "lora")
    spoil_tensor(tmp_path / "lora", part, change)
    with pytest.raises(FlexmoreError, match=said):
        import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"], ImportChoice(public=family / "public"))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("peft_type", "IA3", "peft_type is 'IA3', expected 'LORA'"),
        ("use_dora", True, "use_dora is True, which is not read here"),
        ("modules_to_save", ["lm_head"], "modules_to_save is"),
        ("lora_alpha", None, "lora_alpha is None; expected a number above zero"),
        ("lora_alpha", "16", "lora_alpha is '16'; expected a number"),
        ("r", 0, "r is 0; expected a number above zero"),
        ("alpha_pattern", {"up_proj": None}, "alpha_pattern, up_proj is None; expected a number"),
        ("rank_pattern", ["up_proj"], r"rank_pattern is \['up_proj'\]; expected modules, each with a number"),
        ("alpha_pattern", {"up_proj[": 2}, r"alpha_pattern holds .*up_proj\[.*, no regular expression"),
        (
            "rank_pattern",
            {"up_proj": 5},
            r"shapes \(3, 16\) and \(24, 3\), expected \(5, 16\) and \(24, 5\) as r",
        ),
        ("target_modules", ["up_proj"], "tensors of model.layers.0.mlp.gate_proj, and .* it is not adapted"),
        ("exclude_modules", ["0.mlp.up_proj"], "tensors of model.layers.0.mlp.up_proj, and .* it is not adapted"),
        ("layers_to_transform", [1], "tensors of model.layers.0.mlp.gate_proj, and .* it is not adapted"),
        (
            "init_lora_weights",
            "pissa_niter_16",
            "init_lora_weights is 'pissa_niter_16': .*path_initial_model",
        ),
        ("init_lora_weights", "corda", "init_lora_weights is 'corda': training began by changing"),
        ("init_lora_weights", "loftq", "init_lora_weights is 'loftq': training began by changing"),
        ("init_lora_weights", "lora_ga", "init_lora_weights is 'lora_ga': training began by changing"),
        ("a_key_of_tomorrow", 3, "a_key_of_tomorrow is 3, which is not read here; expected a plain LoRA without it"),
    ],
)
def test_another_kind_of_adapter_is_refused(family: Path, tmp_path: Path, key: str, value: Any, said: str) -> None:
    lora_adapter(family / "public", tmp_path / "lora")
    path = tmp_path / "lora" / "adapter_config.json"
    write_json(path, read_json(path) | {key: value})
    with pytest.raises(FlexmoreError, match=said):
        import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"], ImportChoice(public=family / "public"))


CHANGING = {
    "alora_invocation_tokens": [1, 2],
    "arrow_config": {"top_k": 2},
    "bias": "lora_only",
    "fan_in_fan_out": True,
    "kasa_config": {"x": 1},
    "layer_replication": [[0, 2], [1, 2]],
    "lora_bias": True,
    "megatron_config": {"x": 1},
    "modules_to_save": ["lm_head"],
    "monteclora_config": {"x": 1},
    "target_parameters": ["experts.gate_up_proj"],
    "trainable_token_indices": [3],
    "use_bdlora": {"nblocks": 2},
    "use_dora": True,
    "use_qalora": True,
    "velora_config": {"x": 1},
}
"""Keys that change what the tensors of a LoRA mean, and are not read here."""


def test_every_key_that_peft_knows_is_honoured_refused_or_of_no_consequence(tmp_path: Path) -> None:
    """A new release of peft may bring keys: this says which."""
    plain = LoraConfig(r=4, target_modules=["up_proj"]).to_dict()
    write_json(tmp_path / "adapter_config.json", {k: list(v) if isinstance(v, set) else v for k, v in plain.items()})
    LoraSettings(tmp_path)  # all defaults together
    known = lora_settings._HONOURED | lora_settings._NO_CONSEQUENCE
    assert plain.keys() - known == CHANGING.keys()
    for key, value in CHANGING.items():
        write_json(tmp_path / "adapter_config.json", {"peft_type": "LORA", key: value})
        with pytest.raises(FlexmoreError, match=f"{key} is .*, which is not read here"):
            LoraSettings(tmp_path)


@pytest.mark.parametrize("start", ["pissa", "olora"])
def test_an_adapter_of_a_changed_base_is_refused_and_taken_once_peft_has_converted_it(
    family: Path, tmp_path: Path, start: str
) -> None:
    choice = ImportChoice(public=family / "public")
    lora_adapter(family / "public", tmp_path / "lora", init_lora_weights=start)
    with pytest.raises(FlexmoreError, match=f"init_lora_weights is '{start}': .*path_initial_model_for_weight_"):
        import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["law"], choice)
    merged = lora_adapter(family / "public", tmp_path / "converted", convert=True, init_lora_weights=start)
    import_checkpoint(tmp_path / "converted", tmp_path / "mine", ["law"], choice)
    checkpoint = Checkpoint(StudyPaths(tmp_path / "mine").expert("law"))
    for layer, block in enumerate(merged.model.layers):
        for projection in PROJECTIONS:
            theirs = getattr(block.mlp, projection).weight
            torch.testing.assert_close(checkpoint.expert_weight(layer, 1, projection), theirs, rtol=0, atol=1e-5)


class ExpertsOfATensorEach(nn.Module):
    """A layer's feed-forward network as transformers 4 and the files on the hub have it."""

    def __init__(self) -> None:
        super().__init__()
        names = {"gate_proj": (16, 24), "up_proj": (16, 24), "down_proj": (24, 16)}
        expert = nn.ModuleDict({name: nn.Linear(*shape, bias=False) for name, shape in names.items()})
        layer = nn.ModuleDict({"mlp": nn.ModuleDict({"experts": nn.ModuleList([expert])})})
        self.model = nn.ModuleDict({"layers": nn.ModuleList([layer, deepcopy(layer)])})


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha_pattern": {"experts.0.gate_proj": 30}},
        {"alpha_pattern": {"0.up_proj": 30, r"layers\.1\..*down_proj": 6}, "rank_pattern": {"0.down_proj": 5}},
        {"alpha_pattern": {"up_proj": 2, "experts.0.up_proj": 7}, "use_rslora": True},
        {"layers_to_transform": [1], "target_modules": ["experts.0.up_proj"], "alpha_pattern": {"up_proj": 9}},
        {"target_modules": r".*\.(up|down)_proj", "exclude_modules": ["layers.0.mlp.experts.0.up_proj"]},
        {"target_modules": ["gate_proj", "up_proj"], "layers_to_transform": 0, "layers_pattern": "layers"},
    ],
)
def test_keys_that_choose_modules_match_their_stored_names_as_peft_does(
    family: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    torch.manual_seed(2)
    config = {"r": 3, "lora_alpha": 6, "target_modules": list(PROJECTIONS), "init_lora_weights": False} | settings
    get_peft_model(ExpertsOfATensorEach(), LoraConfig(**config)).save_pretrained(tmp_path)
    model = PeftModel.from_pretrained(ExpertsOfATensorEach(), tmp_path)  # peft sorts patterns when it saves
    adapter = LoraAdapter(tmp_path, Checkpoint(family / "public").sizes)
    for layer, block in enumerate(model.base_model.model.model["layers"]):
        for projection, module in block["mlp"]["experts"][0].items():
            a, b = adapter.factors(layer, projection)
            adapted = isinstance(module, LoraLayer)
            theirs = module.get_delta_weight("default") if adapted else torch.zeros(b.shape[1], a.shape[1])
            torch.testing.assert_close(b.T @ a, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("missing", ["layers.1.", "0.mlp.up_proj", ""])
def test_modules_without_tensors_are_named(family: Path, tmp_path: Path, missing: str) -> None:
    lora_adapter(family / "public", tmp_path / "lora")
    file = tmp_path / "lora" / "adapter_model.safetensors"
    kept = {name: value for name, value in load_file(file).items() if missing not in name}
    save_file(kept, file, metadata={"format": "pt"})
    said = "no tensors of .*adapter_config.json says that it is adapted" if kept else "no tensors; expected lora_A"
    with pytest.raises(FlexmoreError, match=said):
        LoraAdapter(tmp_path / "lora", Checkpoint(family / "public").sizes)
