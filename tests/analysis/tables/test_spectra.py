"""Adapters and spectra, gathered and normalised."""

import json
from pathlib import Path

import pandas as pd
import pytest

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.spectra import gather_adapters, gather_spectra, normalised
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.errors import FlexmoreError


def test_adapters_and_spectra_are_gathered_in_order(tmp_path: Path, study: Inputs) -> None:
    assert study.adapters is not None
    assert study.spectra is not None
    files = []
    for row in study.adapters.sample(frac=1, random_state=0).to_dict("records"):
        files.append(tmp_path / f"{row['expert']}-{row['rank']}.json")
        files[-1].write_text(json.dumps(row))
    pd.testing.assert_frame_equal(gather_adapters(files), study.adapters)
    parts = []
    for expert in ("pes2o", "math"):
        parts.append(tmp_path / f"{expert}.parquet")
        write_parquet(parts[-1], study.spectra[study.spectra["expert"] == expert])
    found = gather_spectra(parts)
    assert list(found["expert"].drop_duplicates()) == ["math", "pes2o"]
    assert list(found["projection"].drop_duplicates()) == ["down_proj", "gate_proj", "up_proj"]
    files[0].write_text("{}")
    with pytest.raises(FlexmoreError, match="keys missing: expert, rank"):
        gather_adapters(files)
    write_csv(tmp_path / "bad.csv", found.drop(columns="value"))
    with pytest.raises(FlexmoreError, match="columns missing: value"):
        gather_spectra([tmp_path / "bad.csv"])


def test_spectra_are_normalised_by_projection() -> None:
    rows = [("a", layer, "up_proj", i, v) for layer, s in ((0, 2.0), (1, 8.0)) for i, v in enumerate((s, s / 4, 0))]
    rows.append(("a", 0, "gate_proj", 0, 0.0))
    found = normalised(pd.DataFrame(rows, columns=["expert", "layer", "projection", "index", "value"]))
    assert list(found["median"]) == [0.0, 1.0, 0.25, 0.0]
    assert list(found["low"]) == list(found["high"]) == list(found["median"])
