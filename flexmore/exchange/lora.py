"""PEFT LoRA adapters of the public model's feed-forward projections, read as factors."""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from flexmore.architectures.registry import architecture_named
from flexmore.architectures.sizes import ModelSizes
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.errors import CheckpointError
from flexmore.files import read_json

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"


class LoraAdapter:
    """Read a folder that PEFT wrote for a plain LoRA adapter.

    Args:
        sizes: of the public model that it adapts.

    Raises:
        CheckpointError: on opening, where it is not a plain LoRA, adapts anything but gate_proj, up_proj and
            down_proj of the feed-forward networks, or lacks a file; the message names file, key or tensor.
    """

    def __init__(self, folder: Path, sizes: ModelSizes) -> None:
        self.config: dict[str, Any] = read_json(folder / CONFIG)
        self._path = folder / WEIGHTS
        self._sizes = sizes
        self._names = architecture_named(sizes.architecture).names
        plain = {"peft_type": "LORA", "bias": "none", "use_dora": False, "lora_bias": False, "fan_in_fan_out": False}
        for key, expected in plain.items():
            if (found := self.config.get(key, expected)) != expected:
                raise CheckpointError(f"{folder / CONFIG}: {key} is {found!r}, expected {expected!r}: a plain LoRA")
        for key in ("modules_to_save", "target_parameters", "layer_replication"):
            if found := self.config.get(key):
                raise CheckpointError(f"{folder / CONFIG}: {key} is {found!r}, expected none: a plain LoRA")
        try:
            self._file: Any = safe_open(self._path, framework="pt")
        except (FileNotFoundError, SafetensorError) as error:
            raise CheckpointError(f"{self._path}: {error}; only whole safetensors files are read") from None
        names = self._file.keys()  # type: ignore[no-untyped-call]
        self._tensors = {self._parse(name): name for name in names}

    def _parse(self, name: str) -> tuple[int, str, str]:
        """Return layer, projection and side (`A` or `B`) of a tensor."""
        found = self._names.parse_lora(name)
        if found is None:
            raise CheckpointError(
                f"{self._path}: tensor {name}; expected lora_A and lora_B of the feed-forward projections "
                f"alone ({', '.join(PROJECTIONS)}): an expert is a feed-forward network"
            )
        if found[0] >= self._sizes.layers:
            raise CheckpointError(f"{self._path}: tensor {name}; the public model has {self._sizes.layers} layers")
        return found

    def factors(self, layer: int, projection: str) -> tuple[Tensor, Tensor]:
        """Return a [r, in] and b [r, out] of the delta, rank-major, fp32, the scaling in b.

        r is 0 for a projection that is not adapted.

        Raises:
            CheckpointError: one of the two tensors is missing, has another shape, or holds NaN or infinity.
        """
        out, in_ = self._sizes.shape(projection)
        keys = [(layer, projection, side) for side in "AB"]
        if not any(key in self._tensors for key in keys):
            return torch.zeros(0, in_), torch.zeros(0, out)
        for key in keys:
            if key not in self._tensors:
                missing = f"lora_{key[2]} of layer {layer}, {projection} is missing"
                raise CheckpointError(f"{self._path}: {missing}; expected A and B")
        name = self._tensors[keys[0]]
        a, b = (self._file.get_tensor(self._tensors[key]) for key in keys)
        if a.shape[1:] != (in_,) or b.shape != (out, a.shape[0]):
            raise CheckpointError(
                f"{self._path}: {name} and lora_B have shapes {tuple(a.shape)} and "
                f"{tuple(b.shape)}, expected (r, {in_}) and ({out}, r)"
            )
        if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
            raise CheckpointError(f"{self._path}: {name} or lora_B holds NaN or infinity; expected finite numbers")
        return a.float(), b.float().T * self._scaling(self._names.module(layer, projection), a.shape[0])

    def _scaling(self, module: str, rank: int) -> float:
        """Return alpha / r as PEFT does: `alpha_pattern` before `lora_alpha`, sqrt(r) with rsLoRA."""
        alpha = self.config.get("lora_alpha", 8)
        for key, value in (self.config.get("alpha_pattern") or {}).items():
            if re.match(rf"(.*\.)?({key})$", module):
                alpha = value
                break
        return float(alpha / (rank**0.5 if self.config.get("use_rslora") else rank))
