"""Layers over several devices: the arithmetic, and accelerate's hooks on the one device that every machine has."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flexmore.architectures.sizes import ModelSizes
from flexmore.errors import FlexmoreError
from flexmore.mixtures.grid import Mixture, find_sweep
from flexmore.modeling import SweepModel
from flexmore.modeling import placement as devices

GIB = 2**30
PAPER = ModelSizes(hidden=4096, ffn=11008, layers=32, vocabulary=100352, heads=32, key_value_heads=32)
IDS = torch.tensor([[5, 9, 2, 17, 30, 8]])


@given(st.integers(1, 40), st.integers(0, 20), st.integers(1, 5), st.lists(st.integers(1, 100), min_size=1, max_size=8))
def test_layers_stay_in_order_and_within_memory(layers: int, fixed: int, each: int, usable: list[int]) -> None:
    try:
        found = devices.spread(layers, fixed, each, usable)
    except FlexmoreError:
        fit = max(0, usable[0] - fixed) // each + sum(size // each for size in usable[1:])
        assert fit < layers
        return
    assert len(found) == layers
    assert found == sorted(found)
    for device, size in enumerate(usable):
        held = found.count(device) * each + (fixed if device == 0 else 0)
        assert held <= size or found.count(device) == 0


def test_what_the_papers_sweeps_hold() -> None:
    """The published sizes: public 14.6 GB, a full expert 8.66 GB, factors at rank 2048 5.94 GB, in bf16."""

    def total(*shown: list[Any]) -> float:
        fixed, per_layer = devices.sweep_bytes(PAPER, list(shown), 0, 2)
        return (fixed + 32 * per_layer) / 1e9

    assert total([]) == pytest.approx(14.6, abs=0.05)
    assert total(["full"]) == pytest.approx(23.3, abs=0.05)
    assert total([16]) == pytest.approx(14.6 + 0.046, abs=0.05)
    assert total(["full"] * 6) == pytest.approx(66.5, abs=0.1)
    assert total([2048] * 6, ["full"] * 6) == pytest.approx(66.5 + 6 * 5.94, abs=0.1)


def test_several_gpus_are_used_only_where_one_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number: (80 * GIB, 80 * GIB))
    assert devices.device_map("cpu", 32, 100 * GIB, GIB) == {"": torch.device("cpu")}
    found = devices.device_map("auto", 32, 2 * GIB, 3 * GIB)
    on = [found[f"model.layers.{layer}"].index for layer in range(32)]
    assert on == sorted(on)
    assert 14 <= on.count(0) <= 17
    assert {found[name].index for name in ("model.embed_tokens", "model.norm", "lm_head")} == {0}
    with pytest.raises(FlexmoreError, match=r"needs 162.0 GiB for weights; found 120.0 GiB on 2 GPUs"):
        devices.device_map("auto", 32, 2 * GIB, 5 * GIB)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.device_map("auto", 32, 2 * GIB, GIB) == {"": torch.device("cuda")}


def test_a_sweep_behind_accelerates_hooks_is_the_same(composed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a map of single layers, as over several GPUs; every device of it is the CPU."""
    mixtures = find_sweep(composed, "news").mixtures
    plain = SweepModel.load(composed.paths, mixtures, device="cpu")
    cpu = torch.device("cpu")
    monkeypatch.setattr(
        "flexmore.modeling.sweep.device_map", lambda device, layers, *sizes: devices.on_devices([cpu] * layers, cpu)
    )
    hooked = SweepModel.load(composed.paths, mixtures, device="auto")
    assert hasattr(hooked.model.model.layers[0], "_hf_hook")
    for mixture in mixtures:
        assert isinstance(mixture, Mixture)
        for sweep in (plain, hooked):
            sweep.set_mixture(mixture)
        with torch.no_grad():
            assert torch.equal(hooked.model(IDS).logits, plain.model(IDS).logits)
            base = hooked.model.base_model(input_ids=IDS).last_hidden_state
            assert torch.equal(hooked.model.lm_head(base), plain.model(IDS).logits)
