"""The sections that a reader of the paper looks for: its regression, and its table of pairs."""

import math

import numpy as np
import pandas as pd

from flexmore.analysis.findings.skills import SKILLS
from flexmore.analysis.ranks import rank_order
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import DASH, gain, markdown, number, paragraph, points, probability, score, span
from flexmore.report.page.pictures import Pictures
from flexmore.report.page.sentences import choices

BEYOND = 40
"""An end of an interval this many doublings away is beyond any rank."""


def reading(tables: Tables, pictures: Pictures) -> str:
    """Write how the quadratic compares with two other curves."""
    shapes = tables["shapes"]
    rows = [
        [
            row["response"],
            *(score(row[f"{name}_error"], 2) for name in ("quadratic", "saturating", "isotonic")),
            number(row["vertex_rank"]),
            row["note"] or "within the ranks measured",
        ]
        for _, row in shapes[shapes["best_fit"] != ""].iterrows()
    ]
    table = markdown(
        [
            "response",
            "quadratic misses by",
            "saturating by",
            "isotonic by",
            "vertex at rank",
            "which is",
        ],
        rows,
    )
    text = (
        "A quadratic in log2 rank with an effect for each expert, as the paper has it. On gains that rise and level "
        "off it turns somewhere all the same, so whether there is an optimum is judged without it, on held-out "
        "items (`tables/optima.csv`). Misses are in points, on held-out items. All coefficients: "
        "`tables/regression.csv`."
    )
    parts = [paragraph(choices.say_reading(tables)), pictures.show("regression"), _side_by_side(tables), text, table]
    return "\n\n".join(filter(None, parts))


def _side_by_side(tables: Tables) -> str:
    """Write the coefficients of the quadratic for reasoning beside those for knowledge."""
    rows, fits = tables["regression"], tables["regression_fits"].set_index("response")
    names = [name for name in SKILLS if (rows["response"] == name).any()]
    if len(names) < 2:
        return ""
    lines = []
    for term, said in (("log2_rank", "log2 rank"), ("log2_rank^2", "its square")):
        each = [rows[(rows["term"] == term) & (rows["response"] == name)].iloc[0] for name in names]
        lines.append([f"coefficient of {said}, points", *(gain(row, "coefficient", digits=2) for row in each)])
        lines.append(["its p (clustered by expert; wild bootstrap)", *(_tests(row) for row in each)])
    found = fits.loc[names]
    lines.append(
        [
            "vertex at rank",
            *(note or number(rank) for note, rank in zip(found["note"], found["vertex_rank"], strict=True)),
        ]
    )
    ends = zip(found["note"], found["vertex_low"], found["vertex_high"], strict=True)
    lines.append(
        ["its Fieller interval", *(DASH if note else f"{_power(low)} to {_power(high)}" for note, low, high in ends)]
    )
    sizes = zip(found["n"], found["r_squared"], strict=True)
    lines.append(["observations; R squared", *(f"{count}; {share:.2f}" for count, share in sizes)])
    return markdown(["", *names], lines)


def _tests(row: pd.Series) -> str:
    """Return both p values of a coefficient."""
    each = [DASH if np.isnan(row[key]) else probability(row[key]).removeprefix("p = ") for key in ("p", "p_wild")]
    return "; ".join(each)


def _power(log2_rank: float) -> str:
    """Return a rank from its log2; one that is beyond any rank in words."""
    return number(2.0**log2_rank if abs(log2_rank) < BEYOND else math.copysign(math.inf, log2_rank))


def best(tables: Tables, pictures: Pictures) -> str:
    """Write the best rank of every expert in each group, with the interval of its place."""
    table = tables["best_ranks"]
    rows = table[(table["scope"] == "group") & (table["best_rank"] != "")]
    if rows.empty:
        return ""
    cells = rows.assign(cell=[_place(row) for _, row in rows.iterrows()])
    wide = cells.pivot(index="expert", columns="name", values="cell")[list(rows["name"].unique())].fillna(DASH)
    text = (
        "The rank of the ladder with the highest score, in brackets the interval of its place over bootstrap samples "
        "of the items; in italics where it is not seen to beat public. As the highest of several it looks better than "
        "it is: what it gains on items that did not choose it stands above, under what to use. More: "
        "`tables/best_ranks.csv`."
    )
    lines = [[expert, *map(str, wide.loc[expert])] for expert in map(str, wide.index)]
    return "\n\n".join(
        filter(None, [text, markdown(["expert", *map(str, wide.columns)], lines), pictures.show("best_ranks")])
    )


def _place(row: pd.Series) -> str:
    """Return a best rank with the interval of its place."""
    text = f"{row['best_rank']} ({span(row['rank_low'], row['rank_high'])})"
    return text if row["best_low"] > 0 else f"*{text}*"


def pairs(tables: Tables) -> str:
    """Write the average of every pair, with its gain, ranks by experts."""
    table = tables["pairs"]
    if table.empty:
        return ""
    distinct = table.drop_duplicates(["expert", "effective_rank"])
    cells = distinct.assign(cell=[_cell(row) for _, row in distinct.iterrows()])
    wide = cells.pivot(index="effective_rank", columns="expert", values="cell").fillna(DASH)
    rows = []
    for rank in sorted(map(str, wide.index), key=rank_order):
        same = table.loc[table["effective_rank"] == rank, "rank"].unique()
        rows.append([", ".join(sorted(map(str, same), key=rank_order)), *map(str, wide.loc[rank])])
    text = (
        f"The {len(table)} pairs: the average, in brackets the gain over public, in points; bold where its interval "
        "lies above zero, in italics where it lies below. Ranks in one row are the same adapter. With intervals: "
        "`tables/pairs.csv`."
    )
    return f"{text}\n\n{markdown(['rank', *map(str, wide.columns)], rows)}"


def _cell(row: pd.Series) -> str:
    """Return the average of a pair with its gain."""
    text = f"{score(row['average'])} ({points(row['gain'])})"
    mark = "**" if row["low"] > 0 else "*" if row["high"] < 0 else ""
    return f"{mark}{text}{mark}"
