"""How far training seeds lie apart."""

import numpy as np
import pandas as pd
import pytest

from flexmore.analysis.findings.seeds import DOMAIN_GAIN, HOLDS, R95, spread_of


def test_the_spread_between_seeds(seed_tables: dict[str, pd.DataFrame]) -> None:
    spread = spread_of(seed_tables["seeds"]).set_index(["quantity", "subject"])
    row = spread.loc[(DOMAIN_GAIN, "math")]
    assert (row["lowest"], row["highest"], row["mean"]) == pytest.approx((0.5, 0.7, 0.6))
    assert row["sd"] == pytest.approx(0.1)
    assert list(dict.fromkeys(quantity for quantity, _ in spread.index)) == list(
        seed_tables["seeds"]["quantity"].unique()
    )
    assert spread.loc[(R95, "news"), "seeds"] == 3
    assert set(spread.loc[HOLDS, "seeds"]) == {3}


def test_one_seed_has_no_spread(tables: dict[str, pd.DataFrame]) -> None:
    assert np.isnan(spread_of(tables["seeds"])["sd"]).all()
