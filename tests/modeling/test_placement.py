"""Layers over several devices: the arithmetic, and accelerate's hooks on the one device that every machine has."""

from typing import Any

import pytest
import torch

from flexmore.errors import FlexmoreError
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import Mixture, find_sweep
from flexmore.mixtures.weight_bytes import SweepWeights, weigh_sweep
from flexmore.modeling import SweepModel, placement

GIB = 2**30
IDS = torch.tensor([[5, 9, 2, 17, 30, 8]])


def weights_of(per_layer: int) -> SweepWeights:
    """Weights of 32 layers with 2 GiB outside them."""
    return SweepWeights(32, 2 * GIB, 32 * per_layer, 0, 0, 0, 0)


def test_several_gpus_are_used_only_where_one_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number: (80 * GIB, 80 * GIB))
    assert placement.device_map("cpu", weights_of(GIB)) == {"": torch.device("cpu")}
    found = placement.device_map("auto", weights_of(3 * GIB))
    on = [found[f"model.layers.{layer}"].index for layer in range(32)]
    assert on == sorted(on)
    assert 14 <= on.count(0) <= 17
    assert {found[name].index for name in ("model.embed_tokens", "model.norm", "lm_head")} == {0}
    with pytest.raises(FlexmoreError, match=r"needs 162.0 GiB for weights; found 120.0 GiB on 2 GPUs"):
        placement.device_map("auto", weights_of(5 * GIB))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert placement.device_map("auto", weights_of(GIB)) == {"": torch.device("cuda")}


def test_a_sweep_holds_the_bytes_that_are_expected(composed: Any) -> None:
    """Counted in a loaded sweep: parameters without experts, loaded factors, dense weights at the largest moment."""
    sizes = sizes_of(composed)
    for name in ("math", "joint-a2", "joint-a4"):
        mixtures = find_sweep(composed, name).mixtures
        sweep = SweepModel.load(composed.paths, mixtures, device="cpu")
        expected, held = weigh_sweep(sizes, mixtures, 4), 0
        for mixture in mixtures:
            sweep.set_mixture(mixture)
            held = max(held, sweep.dense_cache.used)
        named = sweep.model.named_parameters()
        shared = sum(p.nbytes for name, p in named if ".experts." not in name or ".experts.0." in name)
        assert shared == expected.shared
        assert held == expected.dense
        assert sum(sweep._loaded.values()) * sizes.per_rank * 4 == expected.factors
        assert expected.full + expected.adapted == expected.dense


def test_a_sweep_behind_accelerates_hooks_is_the_same(composed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a map of single layers, as over several GPUs; every device of it is the CPU."""
    mixtures = find_sweep(composed, "news").mixtures
    plain = SweepModel.load(composed.paths, mixtures, device="cpu")
    cpu = torch.device("cpu")
    monkeypatch.setattr(
        "flexmore.modeling.sweep.device_map", lambda device, weights: placement.on_devices([cpu] * weights.layers, cpu)
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
