"""What an adapter keeps and costs, against the deltas themselves."""

from typing import Any

import pandas as pd
import pytest
from deltas import expert_delta

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.factors.measure import measure, write_measurements
from flexmore.factors.store import FactorStore
from flexmore.files import read_json


def test_what_an_adapter_keeps_is_measured_on_the_deltas(composed: Any) -> None:
    write_measurements(composed, "math")
    store = FactorStore(composed.paths.factors("math"))
    for rank, effective in ((1, 1), (3, 3), (16, 16), (32, 16)):
        found = read_json(composed.paths.adapters("math") / f"r{rank}.json")
        dropped = total = 0.0
        for layer in range(2):
            for projection in PROJECTIONS:
                delta = expert_delta(composed.paths.expert("math"), layer, projection)
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
