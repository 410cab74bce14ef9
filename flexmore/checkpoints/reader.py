"""Checkpoints on disk: safetensors in, safetensors out, a tensor at a time.

Both layouts of a FlexOlmo checkpoint are read: one tensor per expert and projection (the hub's), and the fused
3-D tensors of transformers 5 (`experts.gate_up_proj` [E, 2·ffn, hidden], gate first; `down_proj` [E, hidden, ffn]).
A dense Olmo2 checkpoint reads as one with a single expert and no router. A FlexMoRE checkpoint may hold an expert as
factors (`experts.1.gate_proj_a.weight` [r, in], `_b.weight` [out, r]): its weights are public's plus their product.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from flexmore.architectures.sizes import ModelSizes
from flexmore.errors import CheckpointError
from flexmore.files import read_json
from flexmore.lowrank.svd import adapted

INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_ARCHITECTURES = ("Olmo2ForCausalLM", "FlexOlmoForCausalLM", "FlexMoREForCausalLM")


def read_config(folder: Path) -> tuple[dict[str, Any], bool]:
    """`config.json` of a checkpoint, and whether it is a dense one.

    Raises:
        CheckpointError: it is missing, or says another architecture than Olmo2 or FlexOlmo.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder}: no config.json; expected a checkpoint folder in the hub's layout")
    config: dict[str, Any] = read_json(path)
    found = (config.get("architectures") or ["nothing"])[0]
    if found not in _ARCHITECTURES:
        raise CheckpointError(f"{path}: architecture {found}; expected {' or '.join(_ARCHITECTURES)}")
    return config, found == "Olmo2ForCausalLM"


class Checkpoint:
    """A checkpoint folder, its tensors read when asked for.

    Raises:
        CheckpointError: on opening, where `config.json` or a shard is missing, a shard is cut short, or the
            architecture is not one of Olmo2, FlexOlmo and FlexMoRE; the message names the file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config, self.dense = read_config(folder)
        self.experts: int = 1 if self.dense else int(self.config["num_experts"])
        self.sizes = ModelSizes.from_config(self.config)
        self._files = self._locate()
        self._open: dict[str, Any] = {}

    def _locate(self) -> dict[str, str]:
        """Map each tensor's name to the file that holds it."""
        index = self.folder / INDEX
        if index.is_file():
            return dict(read_json(index)["weight_map"])
        if not (self.folder / _SINGLE).is_file():
            raise CheckpointError(f"{self.folder}: neither {_SINGLE} nor {INDEX}; only safetensors are read")
        return dict.fromkeys(self._shard(_SINGLE).keys(), _SINGLE)

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
    def names(self) -> list[str]:
        """Names of all tensors on disk, sorted."""
        return sorted(self._files)

    @property
    def files(self) -> list[str]:
        """The files of weights, sorted."""
        return sorted(set(self._files.values()))

    def slice_of(self, name: str) -> Any:
        """A tensor that is read only where it is indexed (safetensors' `PySafeSlice`)."""
        if name not in self._files:
            raise CheckpointError(f"{self.folder}: tensor {name} is missing; expected it in this architecture")
        file = self._files[name]
        if file not in self._open:
            self._open[file] = self._shard(file)
        return self._open[file].get_slice(name)

    def tensor(self, name: str) -> torch.Tensor:
        """A whole tensor."""
        whole: torch.Tensor = self.slice_of(name)[:]
        return whole

    def file_of(self, name: str) -> str:
        """The file, in the folder, that holds a tensor."""
        return self._files[name]

    def where(self, name: str) -> str:
        """A tensor's file and name, for messages."""
        return f"{self.folder / self._files[name]}: tensor {name}"

    def expert_name(self, layer: int, expert: int, projection: str) -> str:
        """The tensor on disk that holds (a fused one: holds among others) a projection; of factors, A.

        Raises:
            CheckpointError: there is none.
        """
        prefix = f"model.layers.{layer}.mlp"
        own = f"{prefix}.experts.{expert}.{projection}"
        fused = f"{prefix}.experts.{'down_proj' if projection == 'down_proj' else 'gate_up_proj'}"
        names = [f"{own}.weight", f"{own}_a.weight", fused]
        if expert == 0:
            names.append(f"{prefix}.{projection}.weight")  # a dense model's, or its shards linked beside an adapter
        for name in names:
            if name in self:
                return name
        raise CheckpointError(f"{self.folder}: tensor {names[0]} is missing; expected it in this architecture")

    def expert_weight(self, layer: int, expert: int, projection: str) -> torch.Tensor:
        """One projection of one expert: [ffn, hidden] for gate and up, [hidden, ffn] for down."""
        expected = self._shape(projection)
        if expert and self._declared_rank(layer, expert, projection) == 0:
            return self.expert_weight(layer, 0, projection)
        name = self.expert_name(layer, expert, projection)
        if name.endswith("_a.weight"):
            return adapted(self.expert_weight(layer, 0, projection), *self.expert_factors(layer, expert, projection))
        if name.endswith(".weight"):
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
        """A factored expert's A [r, in] and B [r, out] of one projection, rank-major, as on disk."""
        out, in_ = self._shape(projection)
        name = f"model.layers.{layer}.mlp.experts.{expert}.{projection}"
        a, b = self.tensor(f"{name}_a.weight"), self.tensor(f"{name}_b.weight")
        if a.shape[1:] != (in_,) or b.shape != (out, a.shape[0]):
            raise CheckpointError(
                f"{self.where(f'{name}_a.weight')} and _b have shapes {tuple(a.shape)} and {tuple(b.shape)}, "
                f"expected (r, {in_}) and ({out}, r)"
            )
        return a, b.T

    def _shape(self, projection: str) -> tuple[int, int]:
        ffn, hidden = self.sizes.ffn, self.sizes.hidden
        return (hidden, ffn) if projection == "down_proj" else (ffn, hidden)

    def _declared_rank(self, layer: int, expert: int, projection: str) -> int | None:
        """The rank that config.json of a FlexMoRE checkpoint gives an expert; None: full-size, or no such config."""
        if self.config.get("rank_encoding") != "null_is_full":  # the authors write 0 for full-size
            return None
        found = self.config["expert_ranks"][expert]
        if isinstance(found, dict):
            found = found[projection]
        if isinstance(found, list):
            found = found[layer]
        return None if found is None else int(found)

    def router(self, layer: int) -> torch.Tensor:
        """The router's rows of one layer, [experts, hidden]."""
        return self.tensor(f"model.layers.{layer}.mlp.gate.weight")

    @property
    def public_config(self) -> dict[str, Any]:
        """What of config.json decides how the public part of the weights is read, the same in both architectures."""
        keys = ("vocab_size", "hidden_act", "rms_norm_eps", "max_position_embeddings", "tie_word_embeddings")
        rope = self.config.get("rope_parameters") or {"rope_theta": self.config.get("rope_theta")}
        return {"rope_theta": rope["rope_theta"], **{key: self.config.get(key) for key in keys}}

    @property
    def backbone_names(self) -> list[str]:
        """Names of the tensors outside the FFNs and routers: the same in every layout."""
        return [name for name in self.names if ".mlp." not in name]


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata in a safetensors file's header; empty where the file is missing or not whole."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (FileNotFoundError, SafetensorError, json.JSONDecodeError):
        return {}
