"""What the factors say without any score: singular values, and error and size at each rank."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from flexmore.analysis.tables.storage import read_table
from flexmore.errors import FlexmoreError
from flexmore.files import read_json

ADAPTER_COLUMNS = ("expert", "rank", "effective_rank", "error", "energy", "parameters", "bytes")
SPECTRUM_COLUMNS = ("expert", "layer", "projection", "index", "value")


def gather_adapters(files: Iterable[Path]) -> pd.DataFrame:
    """Read the `adapters/<expert>/r<rank>.json` of all experts and ranks, a row each, by expert and rank.

    Raises:
        FlexmoreError: a file lacks a key.
    """
    rows = []
    for path in files:
        content = read_json(path)
        if missing := [key for key in ADAPTER_COLUMNS if key not in content]:
            raise FlexmoreError(f"{path}: keys missing: {', '.join(missing)}; delete it and factorize again")
        rows.append([content[key] for key in ADAPTER_COLUMNS])
    frame = pd.DataFrame(rows, columns=list(ADAPTER_COLUMNS))
    return frame.sort_values(["expert", "rank"], kind="stable").reset_index(drop=True)


def gather_spectra(files: Iterable[Path]) -> pd.DataFrame:
    """Read the `factors/<expert>/spectrum.parquet` of all experts, by expert, layer, projection, index.

    Raises:
        FlexmoreError: a file lacks a column.
    """
    frames = []
    for path in files:
        frame = read_table(path)
        if missing := [column for column in SPECTRUM_COLUMNS if column not in frame.columns]:
            raise FlexmoreError(f"{path}: columns missing: {', '.join(missing)}; delete it and factorize again")
        frames.append(frame[list(SPECTRUM_COLUMNS)])
    spectra = pd.concat(frames) if frames else pd.DataFrame(columns=list(SPECTRUM_COLUMNS))
    return spectra.sort_values(["expert", "layer", "projection", "index"], kind="stable").reset_index(drop=True)


def normalised(spectra: pd.DataFrame) -> pd.DataFrame:
    """Divide singular values by the largest of their projection.

    Returns:
        Columns expert, projection, index, and the median, least and greatest over layers (median, low, high). A
        projection of zeros stays at zero.
    """
    keys = ["expert", "layer", "projection"]
    greatest = spectra.groupby(keys)["value"].transform("max")
    share = (spectra["value"] / greatest.where(greatest > 0, 1)).astype("float64")
    by = spectra.assign(share=share).groupby(["expert", "projection", "index"])["share"]
    return by.agg(median="median", low="min", high="max").reset_index()
