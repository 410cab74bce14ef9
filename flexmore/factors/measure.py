"""What an adapter of each rank keeps and costs, from the spectrum alone.

Adapters have no files of weights: the factors are the weights of every rank.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.config.study import Study
from flexmore.files import read_json, write_json

_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}


def measure(spectrum: pd.DataFrame, ranks: Iterable[int], per_rank: int, bytes_each: int) -> Iterator[dict[str, Any]]:
    """Compute error, energy, parameters and bytes at each rank.

    Args:
        spectrum: an expert's singular values, columns expert, layer, projection, index, value.
        per_rank: parameters for each unit of rank (`ModelSizes.per_rank`).
        bytes_each: bytes of a parameter in the factor store.

    Yields:
        `expert, rank, effective_rank, error` (of the truncation over all projections, Frobenius, relative to the whole
        delta), `energy` (share of the squared singular values that is kept), `parameters, bytes`.
    """
    expert = str(spectrum["expert"].iloc[0])
    wide = spectrum.pivot(index=["layer", "projection"], columns="index", values="value")
    squares = np.square(wide.to_numpy(dtype=np.float64))
    saturation, total = squares.shape[1], squares.sum()
    for rank in ranks:
        effective = min(rank, saturation)
        dropped = squares[:, effective:].sum() / total if total > 0 else 0.0
        yield {
            "expert": expert,
            "rank": rank,
            "effective_rank": effective,
            "error": float(np.sqrt(dropped)),
            "energy": float(1 - dropped),
            "parameters": effective * per_rank,
            "bytes": effective * per_rank * bytes_each,
        }


def write_measurements(study: Study, expert: str) -> None:
    """Write `adapters/<expert>/r<rank>.json` for every rank of a study."""
    paths = study.paths
    index = read_json(paths.factors(expert) / "index.json")
    spectrum = pd.read_parquet(paths.factors(expert) / "spectrum.parquet")
    per_rank = len(PROJECTIONS) * (index["hidden"] + index["ffn"]) * index["layers"]
    ranks = (*study.ladder, *study.extra_ranks)
    for found in measure(spectrum, ranks, per_rank, _BYTES[index["stored"]]):
        write_json(paths.adapters(expert) / f"r{found['rank']}.json", found)
