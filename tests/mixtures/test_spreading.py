"""Layers of a sweep over GPUs."""

from hypothesis import given
from hypothesis import strategies as st

from flexmore.mixtures.spreading import gpus_needed, spread_layers
from flexmore.mixtures.weight_bytes import SweepWeights


@given(st.integers(1, 40), st.integers(0, 20), st.integers(1, 5), st.lists(st.integers(1, 100), min_size=1, max_size=8))
def test_layers_stay_in_order_and_within_memory(layers: int, fixed: int, each: int, usable: list[int]) -> None:
    found = spread_layers(layers, fixed, each, usable)
    if found is None:
        fit = max(0, usable[0] - fixed) // each + sum(size // each for size in usable[1:])
        assert fit < layers
        return
    assert len(found) == layers
    assert found == sorted(found)
    for device, size in enumerate(usable):
        held = found.count(device) * each + (fixed if device == 0 else 0)
        assert held <= size or found.count(device) == 0


def test_as_few_gpus_as_hold_the_weights() -> None:
    weights = SweepWeights(layers=10, outside=5, backbone=100, factors=0, dense=0, adapted=0, full=0)
    assert gpus_needed(weights, 140, range(1, 9)) == 1
    assert gpus_needed(weights, 139, range(1, 9)) == 2
    assert gpus_needed(weights, 60, range(1, 9)) == 3
    assert gpus_needed(weights, 60, range(1, 3)) is None
