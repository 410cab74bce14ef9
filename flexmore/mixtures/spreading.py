"""How a sweep's weights are spread over GPUs: which layers go to which, and how many GPUs hold them."""

from collections.abc import Iterable, Sequence

from flexmore.mixtures.weight_bytes import SweepWeights

WEIGHT_SHARE = 0.75
"""Share of a GPU's memory for weights; the rest is for keys and values, activations and logits."""


def spread_layers(layers: int, outside: int, per_layer: int, usable: Sequence[int]) -> list[int] | None:
    """Return the device of each layer, in order, every device filled to about the same share; None where none fits.

    Args:
        outside: bytes that the first device holds beside layers.
        per_layer: bytes of one layer.
        usable: bytes of each device.
    """
    used, counts = [float(outside), *[0.0] * (len(usable) - 1)], [0] * len(usable)
    for _ in range(layers):
        best = min(range(len(usable)), key=lambda i: (used[i] + per_layer) / usable[i] if usable[i] else float("inf"))
        if used[best] + per_layer > usable[best]:
            return None
        used[best] += per_layer
        counts[best] += 1
    return [device for device, count in enumerate(counts) for _ in range(count)]


def gpus_needed(weights: SweepWeights, gpu_bytes: int, choices: Iterable[int]) -> int | None:
    """Return the smallest number of GPUs, of those to choose from, that hold a sweep's weights; None where none does.

    Args:
        gpu_bytes: memory of one GPU.
    """
    usable = int(WEIGHT_SHARE * gpu_bytes)
    for number in choices:
        if number == 1 and weights.total <= usable:
            return 1
        if number > 1 and spread_layers(weights.layers, weights.outside, weights.per_layer, [usable] * number):
            return number
    return None
