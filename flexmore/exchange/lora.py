"""PEFT LoRA adapters of the public model's feed-forward projections, read as products b·a."""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from flexmore.architectures.names import PROJECTIONS
from flexmore.architectures.registry import architecture_named
from flexmore.architectures.sizes import ModelSizes
from flexmore.errors import CheckpointError
from flexmore.files import read_json

CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"


class LoraAdapter:
    """A LoRA adapter folder of PEFT.

    Raises:
        CheckpointError: on opening, where it is of another kind, adapts something else than gate_proj, up_proj and
            down_proj of the feed-forward layers, or its files are missing; the message names file, key or tensor.
    """

    def __init__(self, folder: Path, sizes: ModelSizes) -> None:
        self.folder = folder
        self.config: dict[str, Any] = read_json(folder / CONFIG)
        self._sizes = sizes
        self._tensors = architecture_named(sizes.architecture).names
        plain = {"peft_type": "LORA", "bias": "none", "use_dora": False, "lora_bias": False, "fan_in_fan_out": False}
        for key, expected in plain.items():
            if (found := self.config.get(key, expected)) != expected:
                raise CheckpointError(f"{folder / CONFIG}: {key} is {found!r}, expected {expected!r}: a plain LoRA")
        for key in ("modules_to_save", "target_parameters", "layer_replication"):
            if found := self.config.get(key):
                raise CheckpointError(f"{folder / CONFIG}: {key} is {found!r}, expected none: a plain LoRA")
        try:
            self._file: Any = safe_open(folder / _WEIGHTS, framework="pt")
        except (FileNotFoundError, SafetensorError) as error:
            raise CheckpointError(f"{folder / _WEIGHTS}: {error}; only whole safetensors files are read") from None
        names = self._file.keys()  # type: ignore[no-untyped-call]
        self._names = {self._parse(name): name for name in names}

    def _parse(self, name: str) -> tuple[int, str, str]:
        found = self._tensors.parse_lora(name)
        if found is None:
            raise CheckpointError(
                f"{self.folder / _WEIGHTS}: tensor {name}; expected lora_A and lora_B of the feed-forward projections "
                f"alone ({', '.join(PROJECTIONS)}): an expert is a feed-forward network"
            )
        if found[0] >= self._sizes.layers:
            raise CheckpointError(
                f"{self.folder / _WEIGHTS}: tensor {name}; the public model has {self._sizes.layers} layers"
            )
        return found

    def product(self, layer: int, projection: str) -> tuple[Tensor, Tensor]:
        """a [r, in] and b [r, out], rank-major, scaling included; r = 0 for a projection that is not adapted."""
        out, in_ = self._sizes.shape(projection)
        keys = [(layer, projection, side) for side in "AB"]
        if not any(key in self._names for key in keys):
            return torch.zeros(0, in_), torch.zeros(0, out)
        for key in keys:
            if key not in self._names:
                missing = f"lora_{key[2]} of layer {layer}, {projection} is missing"
                raise CheckpointError(f"{self.folder / _WEIGHTS}: {missing}; expected A and B")
        a, b = (self._file.get_tensor(self._names[key]) for key in keys)
        if a.shape[1:] != (in_,) or b.shape != (out, a.shape[0]):
            raise CheckpointError(
                f"{self.folder / _WEIGHTS}: {self._names[keys[0]]} and lora_B have shapes {tuple(a.shape)} and "
                f"{tuple(b.shape)}, expected (r, {in_}) and ({out}, r)"
            )
        if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
            raise CheckpointError(f"{self.folder / _WEIGHTS}: {self._names[keys[0]]} or lora_B holds NaN or infinity")
        scaling = self._scaling(self._tensors.module(layer, projection), a.shape[0])
        return a.float(), b.float().T * scaling

    def _scaling(self, module: str, rank: int) -> float:
        """alpha / r as PEFT scales: `alpha_pattern` before `lora_alpha`, sqrt(r) with rsLoRA."""
        alpha = self.config.get("lora_alpha", 8)
        for key, value in (self.config.get("alpha_pattern") or {}).items():
            if re.match(rf"(.*\.)?({key})$", module):
                alpha = value
                break
        return float(alpha / (rank**0.5 if self.config.get("use_rslora") else rank))
