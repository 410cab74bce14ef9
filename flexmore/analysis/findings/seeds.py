"""The training seeds: what each run says, and how far the runs lie apart.

Intervals over items and tasks do not say what another training would have given; only more seeds do.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexmore.analysis.findings.predictions import held
from flexmore.analysis.ranks import full

COLUMNS = ["quantity", "subject", "seed", "value", "text"]
SPREAD = ["quantity", "subject", "seeds", "mean", "sd", "lowest", "highest"]
DOMAIN_GAIN = "gain of full on its own domain"
AVERAGE_GAIN = "gain of full on the average"
R95, HALF = "r95 on its own domain", "rank of half the gain on its own domain"
JOINT = "average of the joint mixture of full experts"
HOLDS = "prediction"


@dataclass(frozen=True)
class Run:
    """Hold the tables of one run that are compared over seeds."""

    gains: pd.DataFrame
    r95: pd.DataFrame
    predictions: pd.DataFrame


def compare_seeds(runs: Mapping[str, Run]) -> pd.DataFrame:
    """List every compared quantity of every run.

    Args:
        runs: seed -> its tables.

    Returns:
        Columns `COLUMNS`: gains and averages are shares, ranks are ranks; `text` is what is to be read where the value
        is no number (r95 `full`, a prediction's yes or no), with the value missing.
    """
    rows = [[quantity, subject, seed, *pair] for seed, run in runs.items() for quantity, subject, *pair in _of(run)]
    return pd.DataFrame(rows, columns=COLUMNS)


def spread_of(seeds: pd.DataFrame) -> pd.DataFrame:
    """Return how far the runs lie apart: columns `SPREAD`, quantities in the table's order.

    sd has n - 1 in its denominator and is missing for one seed.
    """
    rows = []
    order = pd.Series(pd.factorize(seeds["quantity"])[0], index=seeds.index).sort_values(kind="stable").index
    for (quantity, subject), own in seeds.loc[order].groupby(["quantity", "subject"], sort=False):
        values = own["value"].dropna()
        sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
        numbers = [values.mean(), sd, values.min(), values.max()] if len(values) else [np.nan] * 4
        rows.append([quantity, subject, len(own), *numbers])
    return pd.DataFrame(rows, columns=SPREAD)


def _of(run: Run) -> list[tuple[str, str, float, str]]:
    """List the compared quantities of one run: quantity, subject, value, text."""
    pairs = full(run.gains[run.gains["kind"] == "pair"])
    own = pairs[(pairs["scope"] == "domain") & (pairs["name"] == pairs["experts"])]
    found = [(DOMAIN_GAIN, row["experts"], row["gain"], _points(row["gain"])) for row in own.to_dict("records")]
    average = pairs[pairs["scope"] == "average"]
    found += [(AVERAGE_GAIN, row["experts"], row["gain"], _points(row["gain"])) for row in average.to_dict("records")]
    for row in run.r95[run.r95["scope"] == "domain"].to_dict("records"):
        number = float(row["r95"]) if str(row["r95"]).isdigit() else np.nan
        found.append((R95, row["expert"], number, row["r95"] or "none"))
        half = float(row["half_rank"])
        found.append((HALF, row["expert"], half, "none" if np.isnan(half) else f"{half:.1f}"))
    joint = full(run.gains[(run.gains["kind"] == "joint") & (run.gains["scope"] == "average")])
    found += [
        (JOINT, f"{row['active']} active", row["score"], f"{100 * row['score']:.1f}")
        for row in joint.to_dict("records")
    ]
    for place, predicted in run.predictions.groupby("number"):
        found.append((HOLDS, str(place), float("nan"), held(predicted)))
    return [(str(a), str(b), float(c), str(d)) for a, b, c, d in found]


def _points(gain: float) -> str:
    """Return a gain in points."""
    return f"{100 * gain:+.1f}"
