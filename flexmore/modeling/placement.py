"""The devices of a sweep's model: one, or several GPUs for its layers where one cannot hold them."""

from collections.abc import Mapping, Sequence

import torch
from accelerate import dispatch_model
from transformers import PreTrainedModel

from flexmore.architectures.flexmore import FLEXMORE
from flexmore.device import torch_device
from flexmore.errors import FlexmoreError
from flexmore.mixtures.spreading import WEIGHT_SHARE, spread_layers
from flexmore.mixtures.weight_bytes import SweepWeights

_GIB = 2**30

DeviceMap = Mapping[str, torch.device]
"""The device of each module, in accelerate's form; modules that are not named are on the first device."""


def device_map(device: str, weights: SweepWeights) -> DeviceMap:
    """Return the device of each module.

    Everything goes to the device that the configuration names. With `auto` and several GPUs, of which the first cannot
    hold everything, the layers are spread over all of them.

    Raises:
        FlexmoreError: all GPUs together cannot hold the weights.
    """
    if device == "auto" and torch.cuda.device_count() > 1:
        usable = [int(WEIGHT_SHARE * torch.cuda.mem_get_info(i)[0]) for i in range(torch.cuda.device_count())]
        if weights.total > usable[0]:
            found = spread_layers(weights.layers, weights.outside, weights.per_layer, usable)
            if found is None:
                raise FlexmoreError(
                    f"evaluate.device: the sweep needs {weights.total / _GIB:.1f} GiB for weights; found "
                    f"{sum(usable) / _GIB:.1f} GiB on {len(usable)} GPUs; use more or larger ones, or lower ranks"
                )
            return on_devices([torch.device("cuda", number) for number in found], torch.device("cuda", 0))
    return {"": torch_device(device)}


def on_devices(layers: Sequence[torch.device], first: torch.device) -> DeviceMap:
    """Return a map with the device of each layer; everything else is on the first device."""
    names = FLEXMORE.names
    inside = {names.layer(layer): device for layer, device in enumerate(layers)}
    return dict.fromkeys(names.outside_layers, first) | inside


def to_empty(model: PreTrainedModel, where: DeviceMap) -> None:
    """Give a model on the meta device memory that is not filled yet."""
    for name, device in where.items():
        model.get_submodule(name).to_empty(device=device)


def connect(model: PreTrainedModel, where: DeviceMap) -> None:
    """Let accelerate carry hidden states from device to device, where there are several."""
    if "" not in where:
        dispatch_model(model, dict(where), skip_keys="past_key_values", force_hooks=True)
