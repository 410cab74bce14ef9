"""The factor store: prefixes, resuming by layer, what a rank keeps."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from flexmore import factors
from flexmore.adapters import measure, write_measurements
from flexmore.checkpoints import Checkpoint
from flexmore.errors import FlexmoreError
from flexmore.factors import FactorStore, factorize_expert
from flexmore.files import read_json
from flexmore.mixtures import PROJECTIONS


def delta_of(study: Any, layer: int, projection: str) -> torch.Tensor:
    checkpoint = Checkpoint(study.layout.expert("math"))
    return checkpoint.expert_weight(layer, 1, projection) - checkpoint.expert_weight(layer, 0, projection)


def test_the_store_holds_the_truncated_svd_of_every_delta(composed: Any) -> None:
    store = FactorStore(composed.layout.factors("math"))
    for layer in range(2):
        for projection in PROJECTIONS:
            delta = delta_of(composed, layer, projection).double()
            u, s, vt = torch.linalg.svd(delta, full_matrices=False)
            for rank in (0, 1, 5, 16):
                a, b = store.prefix(layer, projection, rank)
                best = (u[:, :rank] * s[:rank]) @ vt[:rank]
                torch.testing.assert_close((b.T @ a).double(), best, atol=1e-6, rtol=1e-5)
            torch.testing.assert_close(store.singular_values(layer, projection).double(), s, rtol=1e-5, atol=1e-6)


def test_a_rank_above_the_store_is_refused(composed: Any) -> None:
    with pytest.raises(FlexmoreError, match="rank 17 asked for, the store holds 16"):
        FactorStore(composed.layout.factors("math")).prefix(0, "up_proj", 17)


def test_a_killed_factorization_goes_on_at_the_next_layer(
    composed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, out = Checkpoint(composed.layout.expert("math")), tmp_path / "store"
    done: list[int] = []
    real = factors._factorize_layer

    def counted(checkpoint: Checkpoint, layer: int, settings: Any) -> Any:
        if layer == 1 and not done[1:]:
            done.append(-1)
            raise KeyboardInterrupt
        done.append(layer)
        return real(checkpoint, layer, settings)

    monkeypatch.setattr(factors, "_factorize_layer", counted)
    with pytest.raises(KeyboardInterrupt):
        factorize_expert(checkpoint, "source", out, composed.factors, "math")
    assert [path.name for path in out.iterdir()] == ["layer-00.safetensors"]
    factorize_expert(checkpoint, "source", out, composed.factors, "math")
    assert done == [0, -1, 1]
    same = composed.layout.factors("math")
    assert (out / "layer-01.safetensors").stat().st_size == (same / "layer-01.safetensors").stat().st_size
    factorize_expert(checkpoint, "another source", out, composed.factors, "math")
    assert done == [0, -1, 1, 0, 1], "layers made from another checkpoint are not believed"


def test_what_an_adapter_keeps_is_measured_on_the_deltas(composed: Any) -> None:
    write_measurements(composed, "math")
    store = FactorStore(composed.layout.factors("math"))
    for rank, effective in ((1, 1), (3, 3), (16, 16), (32, 16)):
        found = read_json(composed.layout.adapters("math") / f"r{rank}.json")
        dropped = total = 0.0
        for layer in range(2):
            for projection in PROJECTIONS:
                delta = delta_of(composed, layer, projection).double()
                a, b = store.prefix(layer, projection, effective)
                dropped += float((delta - b.double().T @ a.double()).square().sum())
                total += float(delta.square().sum())
        assert found["error"] == pytest.approx((dropped / total) ** 0.5, rel=1e-4, abs=1e-6)
        assert found["energy"] == pytest.approx(1 - dropped / total, rel=1e-6)
        assert found["parameters"] == effective * 3 * (16 + 24) * 2
        assert found["bytes"] == 4 * found["parameters"]
        assert found["effective_rank"] == effective


def test_an_expert_that_is_the_public_one_loses_nothing() -> None:
    rows = [("math", 0, "up_proj", index, 0.0) for index in range(4)]
    spectrum = pd.DataFrame(rows, columns=["expert", "layer", "projection", "index", "value"])
    assert [found["error"] for found in measure(spectrum, [1, 4], 10, 4)] == [0, 0]


def test_an_index_never_vouches_for_layers_that_are_being_replaced(
    composed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, out = Checkpoint(composed.layout.expert("math")), composed.layout.factors("math")

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    assert FactorStore(out).fingerprint
    monkeypatch.setattr(factors, "_factorize_layer", fail)
    with pytest.raises(KeyboardInterrupt):
        factorize_expert(checkpoint, "another source", out, composed.factors, "math")
    with pytest.raises(FlexmoreError, match=r"index\.json: not found"):
        FactorStore(out)
