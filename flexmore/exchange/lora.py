"""PEFT LoRA adapters of the public model's feed-forward projections, read as factors."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from flexmore.architectures.registry import architecture_named
from flexmore.architectures.sizes import ModelSizes
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.errors import CheckpointError
from flexmore.exchange.lora_settings import LoraSettings

WEIGHTS = "adapter_model.safetensors"


class LoraAdapter:
    """Read a folder that PEFT wrote for a plain LoRA adapter.

    Args:
        sizes: of the public model that it adapts.

    Raises:
        CheckpointError: on opening, where it is not a plain LoRA, adapts anything but gate_proj, up_proj and
            down_proj of the feed-forward networks, or lacks a file or tensor; the message names file, key or tensor.
    """

    def __init__(self, folder: Path, sizes: ModelSizes) -> None:
        self._settings = LoraSettings(folder)
        self._path = folder / WEIGHTS
        self._sizes = sizes
        self._names = architecture_named(sizes.architecture).names
        try:
            self._file: Any = safe_open(self._path, framework="pt")
        except (FileNotFoundError, SafetensorError) as error:
            raise CheckpointError(f"{self._path}: {error}; only whole safetensors files are read") from None
        self._tensors: dict[tuple[int, str, str], str] = {}
        for name in self._file.keys():  # type: ignore[no-untyped-call]  # noqa: SIM118 - no mapping
            if (place := self._parse(name)) in self._tensors:
                raise CheckpointError(f"{self._path}: {name} and {self._tensors[place]} adapt the same; expected one")
            self._tensors[place] = name
        self._check_modules()

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

    def _check_modules(self) -> None:
        """Check that the modules with tensors are those that the configuration says are adapted."""
        stored = {(layer, projection): name for (layer, projection, _), name in self._tensors.items()}
        if not stored:
            raise CheckpointError(f"{self._path}: no tensors; expected lora_A and lora_B of {', '.join(PROJECTIONS)}")
        (layer, projection), name = next(iter(stored.items()))
        expert = None if self._names.lora_module(name) == self._names.module(layer, projection) else 0
        for layer in range(self._sizes.layers):
            for projection in PROJECTIONS:
                module = self._names.module(layer, projection, expert)
                said = self._settings.adapts(module)
                if said is not None and said != ((layer, projection) in stored):
                    raise CheckpointError(
                        f"{self._path}: {'no tensors' if said else 'tensors'} of {module}, and adapter_config.json "
                        f"says that it {'is' if said else 'is not'} adapted; expected both to agree"
                    )

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
        module = self._names.lora_module(name)
        rank = self._settings.rank_of(module)
        if a.shape != (rank, in_) or b.shape != (out, rank):
            raise CheckpointError(
                f"{self._path}: {name} and lora_B have shapes {tuple(a.shape)} and {tuple(b.shape)}, "
                f"expected ({rank}, {in_}) and ({out}, {rank}) as r and rank_pattern say"
            )
        if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
            raise CheckpointError(f"{self._path}: {name} or lora_B holds NaN or infinity; expected finite numbers")
        return a.float(), b.float().T * self._settings.scaling(module)
