"""Read checkpoints: safetensors, one tensor at a time, in each layout that an architecture's files have.

The experts of a mixture lie in one of two layouts: a tensor for each expert and projection (the files on the hub), or
one 3-D tensor for all experts (transformers 5). A dense checkpoint reads as one with a single expert and no router. An
expert of a FlexMoRE checkpoint may be factored: its weights are then the public expert's plus the product of A and B.
`flexmore.architectures.tensor_names` has the names.
"""

import json
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open

from flexmore.architectures.flexmore import declared_rank
from flexmore.architectures.registry import architecture_of
from flexmore.architectures.sizes import ModelSizes
from flexmore.checkpoints.folder import INDEX, SINGLE, count_experts, read_config, read_weight_map
from flexmore.errors import CheckpointError
from flexmore.lowrank.svd import merge_adapter

ExpertLayout = Literal["whole", "factored", "fused"]
"""How a projection of an expert lies on disk: its weights, its factors A and B, or a slice of all experts' tensor."""


class Checkpoint:
    """Hold a checkpoint folder, whose tensors are read when asked for.

    Attributes:
        experts: how many, the public one included.

    Raises:
        CheckpointError: on opening, where `config.json` or a shard is missing, a shard is cut short, or the
            architecture is not known; the message names the file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = read_config(folder)
        self.architecture = architecture_of(self.config)
        self.names = self.architecture.names
        self.experts = count_experts(self.config)
        self.sizes = ModelSizes.from_config(self.config)
        self._files = self._locate()
        self._open: dict[str, Any] = {}

    def _locate(self) -> dict[str, str]:
        """Map the name of each tensor to the file that holds it."""
        if indexed := read_weight_map(self.folder):
            return indexed
        if not (self.folder / SINGLE).is_file():
            raise CheckpointError(f"{self.folder}: neither {SINGLE} nor {INDEX}; only safetensors are read")
        return dict.fromkeys(self._shard(SINGLE).keys(), SINGLE)

    def _shard(self, file: str) -> Any:
        path = self.folder / file
        if not path.is_file():
            raise CheckpointError(f"{path}: this shard is named by {INDEX} and missing; acquire the expert again")
        try:
            return safe_open(path, framework="pt")
        except SafetensorError as error:
            raise CheckpointError(f"{path}: not a whole safetensors file ({error}); acquire the expert again") from None

    def __contains__(self, name: str) -> bool:
        return name in self._files

    @property
    def tensor_names(self) -> list[str]:
        """Return the names of all tensors on disk, sorted."""
        return sorted(self._files)

    @property
    def backbone_names(self) -> list[str]:
        """Return the names of the tensors that are needed outside feed-forward networks and routers, sorted.

        They are the same in every layout; a head that is the embeddings is not among them.
        """
        return sorted(self.sizes.backbone_shapes())

    @property
    def files(self) -> list[str]:
        """Return the names of the files of weights, sorted."""
        return sorted(set(self._files.values()))

    def slice_of(self, name: str) -> Any:
        """Return a tensor that is read only where it is indexed (safetensors' `PySafeSlice`).

        Raises:
            CheckpointError: there is no tensor of that name.
        """
        if name not in self._files:
            raise CheckpointError(f"{self.folder}: tensor {name} is missing; expected it in this architecture")
        file = self._files[name]
        if file not in self._open:
            self._open[file] = self._shard(file)
        try:
            return self._open[file].get_slice(name)
        except SafetensorError:
            raise CheckpointError(
                f"{self.folder / file}: no tensor {name}, which {INDEX} says is there; acquire the expert again"
            ) from None

    def tensor(self, name: str) -> torch.Tensor:
        """Return a whole tensor."""
        whole: torch.Tensor = self.slice_of(name)[:]
        return whole

    def file_of(self, name: str) -> str:
        """Return the name of the file that holds a tensor."""
        return self._files[name]

    def where(self, name: str) -> str:
        """Return file and name of a tensor, for messages."""
        return f"{self.folder / self._files[name]}: tensor {name}"

    def expert_layout(self, layer: int, expert: int, projection: str) -> ExpertLayout:
        """Return how a projection of an expert lies on disk."""
        return self._find(layer, expert, projection)[0]

    def expert_name(self, layer: int, expert: int, projection: str) -> str:
        """Return the tensor on disk that holds a projection; of a factored expert, A; of a fused one, all experts'.

        Raises:
            CheckpointError: there is none.
        """
        return self._find(layer, expert, projection)[1]

    def _find(self, layer: int, expert: int, projection: str) -> tuple[ExpertLayout, str]:
        own = self.names.weight(layer, projection, expert if self.architecture.routed else None)
        candidates: list[tuple[ExpertLayout, str]] = [("whole", own)]
        if self.architecture.routed:
            candidates.append(("factored", self.names.factors(layer, projection, expert)[0]))
            candidates.append(("fused", self.names.fused(layer, projection)))
            if expert == 0:  # beside the linked shards of a dense model
                candidates.append(("whole", self.names.weight(layer, projection)))
        for layout, name in candidates:
            if name in self:
                return layout, name
        raise CheckpointError(f"{self.folder}: tensor {own} is missing; expected it in this architecture")

    def expert_weight(self, layer: int, expert: int, projection: str) -> torch.Tensor:
        """Return one projection of one expert: [ffn, hidden] for gate and up, [hidden, ffn] for down.

        Raises:
            CheckpointError: the tensor is missing or has another shape.
        """
        expected = self.sizes.shape(projection)
        if expert and declared_rank(self.config, expert, layer, projection) == 0:
            return self.expert_weight(layer, 0, projection)
        layout, name = self._find(layer, expert, projection)
        if layout == "factored":
            return merge_adapter(
                self.expert_weight(layer, 0, projection), *self.expert_factors(layer, expert, projection)
            )
        if layout == "whole":
            found = self.tensor(name)
        elif projection == "down_proj":
            found = self.slice_of(name)[expert]
        else:
            start = 0 if projection == "gate_proj" else expected[0]
            found = self.slice_of(name)[expert, start : start + expected[0]]
        if tuple(found.shape) != expected:
            raise CheckpointError(f"{self.where(name)} has shape {tuple(found.shape)}, expected {expected}")
        return found

    def expert_factors(self, layer: int, expert: int, projection: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a factored expert's A [r, in] and B [r, out] of one projection, rank-major.

        Raises:
            CheckpointError: a factor is missing or has another shape.
        """
        out, in_ = self.sizes.shape(projection)
        names = self.names.factors(layer, projection, expert)
        a, b = self.tensor(names[0]), self.tensor(names[1])
        if a.shape[1:] != (in_,) or b.shape != (out, a.shape[0]):
            raise CheckpointError(
                f"{self.where(names[0])} and _b have shapes {tuple(a.shape)} and {tuple(b.shape)}, "
                f"expected (r, {in_}) and ({out}, r)"
            )
        return a, b.T

    def router(self, layer: int) -> torch.Tensor:
        """Return the router of one layer, [experts, hidden]."""
        return self.tensor(self.names.router(layer))


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata in the header of a safetensors file; empty where the file is missing or not whole."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (FileNotFoundError, SafetensorError, json.JSONDecodeError):
        return {}
