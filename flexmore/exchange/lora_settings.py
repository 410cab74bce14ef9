"""What `adapter_config.json` of a PEFT LoRA adapter says of its weights: honoured, refused, or of no consequence.

Rules are those of peft 0.21 (`peft.tuners.lora`, `peft.utils.other.get_pattern_key`).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flexmore.errors import CheckpointError
from flexmore.files import read_json

CONFIG = "adapter_config.json"

_HONOURED = {
    "alpha_pattern",
    "exclude_modules",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "lora_alpha",
    "peft_type",
    "r",
    "rank_pattern",
    "target_modules",
    "use_rslora",
}
_NO_CONSEQUENCE = {
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",  # how factors were begun: `init_lora_weights` decides
    "ensure_weight_tying",  # of modules that are refused
    "eva_config",
    "inference_mode",
    "loftq_config",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",  # where `megatron_config` is none
    "peft_version",
    "qalora_group_size",  # where `use_qalora` is false
    "revision",
    "runtime_config",
    "task_type",
}
_EMPTY: tuple[Any, ...] = (None, False, "", "none", [], {})
"""The values with which a key asks for nothing."""
_KEEP_BASE = (None, True, False, "gaussian", "eva", "orthogonal", "mica")
"""Values of `init_lora_weights` that leave the base model's weights alone."""


class LoraSettings:
    """Hold what a plain LoRA adapter's configuration says of its weights.

    Raises:
        CheckpointError: on opening, where a key changes what the tensors mean in a way that is not read here, or has
            a value that cannot be; the message names file and key.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / CONFIG
        content = read_json(self._path)
        if not isinstance(content, Mapping):
            raise CheckpointError(
                f"{self._path}: found {type(content).__name__}; expected an object, as PEFT writes it"
            )
        self._content = content
        self._check_kind()
        self._check_start()
        self._rank = self._number("r", content.get("r", 8))
        self._alpha = self._number("lora_alpha", content.get("lora_alpha", 8))
        self._ranks, self._alphas = self._numbers("rank_pattern"), self._numbers("alpha_pattern")
        self._targets, self._excluded = self._modules("target_modules"), self._modules("exclude_modules")
        patterns = content.get("layers_pattern") or r"[^.]*"
        self._layer_patterns = [
            self._compiled("layers_pattern", rf"(?:^|.*?\.){pattern}\.(\d+)\.") for pattern in _listed(patterns)
        ]

    def scaling(self, module: str) -> float:
        """Return what B·A of a module is multiplied with: alpha / r, with rsLoRA alpha / sqrt(r).

        Args:
            module: its name in the model that was adapted, as it is stored.
        """
        rank, alpha = self.rank_of(module), _first(self._alphas, module, self._alpha)
        return float(alpha / (rank**0.5 if self._content.get("use_rslora") else rank))

    def rank_of(self, module: str) -> int:
        """Return the rank of a module's adapter."""
        return int(_first(self._ranks, module, self._rank))

    def adapts(self, module: str) -> bool | None:
        """Tell whether the adapter is said to adapt a module; None where the configuration names no modules."""
        if self._targets is None:
            return None
        if self._excluded is not None and _names(self._excluded, module):
            return False
        layers = self._content.get("layers_to_transform")
        return _names(self._targets, module) and (layers in (None, []) or self._layer_of(module) in _listed(layers))

    def _layer_of(self, module: str) -> int | None:
        """Return the layer that a module lies in, as `layers_pattern` finds it."""
        found = next((match for pattern in self._layer_patterns if (match := pattern.match(module))), None)
        return None if found is None else int(found[1])

    def _check_kind(self) -> None:
        """Check that no key asks for anything but a plain LoRA."""
        if (kind := self._content.get("peft_type")) != "LORA":
            raise CheckpointError(f"{self._path}: peft_type is {kind!r}, expected 'LORA'")
        for key in sorted(self._content.keys() - _HONOURED - _NO_CONSEQUENCE):
            if (found := self._content[key]) not in _EMPTY:
                raise CheckpointError(
                    f"{self._path}: {key} is {found!r}, which is not read here; expected a plain LoRA without it"
                )
        if not isinstance(rslora := self._content.get("use_rslora", False), bool):
            raise CheckpointError(f"{self._path}: use_rslora is {rslora!r}; expected true or false")

    def _check_start(self) -> None:
        """Check that the adapter belongs to the base model's own weights."""
        if (start := self._content.get("init_lora_weights", True)) not in _KEEP_BASE:
            raise CheckpointError(
                f"{self._path}: init_lora_weights is {start!r}: training began by changing the base model's weights, "
                "so B·A is not what it adds to them; expected an adapter that PEFT has converted, by "
                'model.save_pretrained(..., path_initial_model_for_weight_conversion="the adapter before training")'
            )

    def _number(self, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise CheckpointError(f"{self._path}: {key} is {value!r}; expected a number above zero")
        return value

    def _numbers(self, key: str) -> dict[re.Pattern[str], float]:
        """Return the numbers that a key gives to modules, by the endings of their names."""
        found = self._content.get(key) or {}
        if not isinstance(found, Mapping):
            raise CheckpointError(f"{self._path}: {key} is {found!r}; expected modules, each with a number")
        return {
            self._compiled(key, rf"(.*\.)?({ending})$"): self._number(f"{key}, {ending}", value)
            for ending, value in found.items()
        }

    def _modules(self, key: str) -> re.Pattern[str] | list[str] | None:
        """Return the modules that a key names: by a regular expression, or by the endings of their names."""
        found = self._content.get(key)
        if not found:
            return None
        if isinstance(found, str):
            return self._compiled(key, ".*" if found == "all-linear" else rf"(?:{found})\Z")
        return _listed(found)

    def _compiled(self, key: str, pattern: str) -> re.Pattern[str]:
        try:
            return re.compile(pattern)
        except re.error as error:
            raise CheckpointError(f"{self._path}: {key} holds {pattern!r}, no regular expression: {error}") from None


def _first(values: Mapping[re.Pattern[str], float], module: str, otherwise: float) -> float:
    """Return the value of the first pattern that matches a module's name."""
    return next((value for pattern, value in values.items() if pattern.match(module)), otherwise)


def _names(wanted: re.Pattern[str] | list[str], module: str) -> bool:
    """Tell whether a regular expression, or a list of endings, names a module."""
    if isinstance(wanted, re.Pattern):
        return wanted.match(module) is not None
    return any(module == name or module.endswith(f".{name}") for name in wanted)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
