"""Where a sweep's model goes: one device, or its layers over several GPUs where one cannot hold them."""

from collections.abc import Mapping, Sequence

import torch
from accelerate import dispatch_model
from transformers import PreTrainedModel

from flexmore.architectures.flexmore import FLEXMORE
from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank
from flexmore.device import torch_device
from flexmore.errors import FlexmoreError

USABLE = 0.75
"""Of a GPU's free memory, the share for weights; the rest is for keys and values, activations, logits."""
_GIB = 2**30

DeviceMap = Mapping[str, torch.device]
"""Of modules, as accelerate has it; every module that is not named is on the first device."""


def sweep_bytes(sizes: ModelSizes, shown: Sequence[Sequence[Rank]], dense: int, width: int) -> tuple[int, int]:
    """What a sweep holds in memory, at most: bytes of the parts outside the layers, and of each layer.

    Args:
        shown: of each mixture, each expert's effective rank.
        dense: bytes of dense weights that are kept for the next mixture.
        width: bytes of a parameter.
    """
    per_layer = sizes.full_expert // sizes.layers
    fixed = sizes.outside_layers
    layers = (sizes.backbone - fixed + sizes.full_expert) // sizes.layers
    experts = 0
    for ranks in zip(*shown, strict=True):
        costs = [per_layer if rank == "full" else rank * sizes.per_rank // sizes.layers for rank in ranks]
        experts += max((cost for cost in costs if cost < per_layer), default=0)  # factors, loaded once
        experts += per_layer if 2 * max(costs) > per_layer else 0  # at half a dense weight or more it may run dense
    routers = sizes.hidden * (len(shown[0]) + 1) if shown and shown[0] else 0
    return width * fixed, width * (layers + experts + routers) + dense // sizes.layers


def spread(layers: int, fixed: int, per_layer: int, usable: Sequence[int]) -> list[int]:
    """The device of each layer: in order, each device filled to about the same share.

    Args:
        fixed: bytes that the first device holds beside layers.
        usable: bytes of each device.

    Raises:
        FlexmoreError: all of them together are too small.
    """
    used, counts = [float(fixed), *[0.0] * (len(usable) - 1)], [0] * len(usable)
    for _ in range(layers):
        best = min(range(len(usable)), key=lambda i: (used[i] + per_layer) / usable[i] if usable[i] else float("inf"))
        if used[best] + per_layer > usable[best]:
            raise FlexmoreError(
                f"evaluate.device: the sweep needs {(fixed + layers * per_layer) / _GIB:.1f} GiB for weights; found "
                f"{sum(usable) / _GIB:.1f} GiB on {len(usable)} GPUs; use more or larger ones, or lower ranks"
            )
        used[best] += per_layer
        counts[best] += 1
    return [device for device, count in enumerate(counts) for _ in range(count)]


def device_map(device: str, layers: int, fixed: int, per_layer: int) -> DeviceMap:
    """Where the modules go: everything on the device that the configuration names; with `auto` and several GPUs, of
    which the first cannot hold everything, the layers over all of them.

    Raises:
        FlexmoreError: as `spread`.
    """
    if device == "auto" and torch.cuda.device_count() > 1:
        usable = [int(USABLE * torch.cuda.mem_get_info(i)[0]) for i in range(torch.cuda.device_count())]
        if fixed + layers * per_layer > usable[0]:
            found = spread(layers, fixed, per_layer, usable)
            return on_devices([torch.device("cuda", number) for number in found], torch.device("cuda", 0))
    return {"": torch_device(device)}


def on_devices(layers: Sequence[torch.device], first: torch.device) -> DeviceMap:
    """A map with each layer on a device of its own, all else on the first."""
    names = FLEXMORE.names
    inside = {names.layer(layer): device for layer, device in enumerate(layers)}
    return dict.fromkeys(names.outside_layers, first) | inside


def to_empty(model: PreTrainedModel, where: DeviceMap) -> None:
    """Give a model on the meta device memory, not yet filled."""
    for name, device in where.items():
        model.get_submodule(name).to_empty(device=device)


def connect(model: PreTrainedModel, where: DeviceMap) -> None:
    """Let accelerate carry hidden states from device to device; nothing to do where there is one."""
    if "" not in where:
        dispatch_model(model, dict(where), skip_keys="past_key_values", force_hooks=True)
