"""The page `explore.html`: every mixture, task and rank, with plotly.js in it, so that it needs no network."""

import html
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from plotly.offline import get_plotlyjs

from flexmore.analysis.ranks import rank_order
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.page.formatting import TIMES

TEMPLATE = Path(__file__).parent / "explore.html"
DIVERGING = ((0, "#2d004b"), (0.25, "#998ec3"), (0.5, "#f7f7f7"), (0.75, "#f1a340"), (1, "#7f3b08"))
"""Purple to orange, white at zero: distinct to colour-blind readers, and the same as in the figures."""


def explore(tables: Mapping[str, pd.DataFrame], scores: pd.DataFrame, family: str, settings: AnalysisSettings) -> str:
    """Return the page.

    Args:
        tables: with `gains` and `gains_by_task`.
        scores: the tidy table, for which task is in which group.
    """
    data = json.dumps(page_data(tables, scores), separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    count = f"{scores['mixture'].nunique()} mixtures, {scores['task'].nunique()} tasks"
    about = (
        f"{count}. Gains are over the public model alone; a rank above the smaller side of a projection is the same "
        "adapter and stands here once."
    )
    values = {
        "TITLE": html.escape(f"{family}: mixture {TIMES} task {TIMES} rank"),
        "ABOUT": html.escape(about),
        "LEVEL": f"{100 * settings.confidence:.0f} %",
        "DATA": data,
        "PLOTLY": get_plotlyjs(),
    }
    page = TEMPLATE.read_text(encoding="utf-8")
    for key, value in values.items():
        page = page.replace(f"%{key}%", value)
    return page


def page_data(tables: Mapping[str, pd.DataFrame], scores: pd.DataFrame) -> dict[str, object]:
    """Return what the page shows.

    Returns:
        Names of mixtures and scopes; score, gain, low, high as mixtures x scopes (shares, four digits, null where
        unknown); public by scope; families (the pairs of an expert, or the joint mixtures of one number of active
        experts) with their mixtures by rank; blocks of scopes to choose from.
    """
    rows = pd.concat([tables["gains"], tables["gains_by_task"]], ignore_index=True)
    rows = rows[rows["kind"].isin(["pair", "extra", "joint"])]
    rows = rows.assign(key=rows["scope"] + "/" + rows["name"])
    distinct = _distinct(rows)
    rows = rows[rows["mixture"].isin(distinct["mixture"])]
    mixtures, scopes = list(distinct["mixture"]), list(rows["key"].unique())
    found: dict[str, object] = {"mixtures": mixtures, "scopes": [_title(key) for key in scopes]}
    for name in ("score", "gain", "low", "high"):
        wide = rows.pivot(index="mixture", columns="key", values=name).reindex(index=mixtures, columns=scopes)
        found[name] = [[None if np.isnan(x) else round(float(x), 4) for x in row] for row in wide.to_numpy()]
    public = rows.drop_duplicates("key").set_index("key")["public"].reindex(scopes)
    found["public"] = [round(float(value), 4) for value in public]
    place = {name: i for i, name in enumerate(mixtures)}
    found["families"] = [
        {"name": family, "mixtures": [place[name] for name in own["mixture"]], "ranks": list(own["label"])}
        for family, own in distinct.groupby("family", sort=False)
    ]
    found["ranks"] = sorted(distinct["label"].unique(), key=rank_order)
    found["blocks"] = _blocks(scopes, scores)
    found["diverging"] = DIVERGING
    return found


def _distinct(rows: pd.DataFrame) -> pd.DataFrame:
    """List the mixtures to show, saturated duplicates left out: columns mixture, family, label; by family and rank."""
    about = rows[["mixture", "kind", "experts", "rank", "effective_rank", "active"]].drop_duplicates("mixture")
    joint = about["kind"] == "joint"
    about = about.assign(
        label=about["effective_rank"],
        family=np.where(joint, "joint, " + about["active"].astype(str) + " active", about["experts"]),
    )
    about = about.drop_duplicates(["family", "label"])
    keys = [
        (kind == "joint", family, rank_order(str(label)))
        for kind, family, label in about[["kind", "family", "label"]].itertuples(index=False)
    ]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return about.iloc[order][["mixture", "family", "label"]]


def _title(key: str) -> str:
    """Return the title of a scope."""
    scope, name = key.split("/", 1)
    return {"average": "average", "domain": f"{name}'s own tasks"}.get(scope, name)


def _blocks(scopes: list[str], scores: pd.DataFrame) -> list[dict[str, object]]:
    """Return blocks of scopes: means first, then the tasks of each group."""
    place = {key: i for i, key in enumerate(scopes)}
    means = [i for key, i in place.items() if not key.startswith("task/")]
    blocks: list[dict[str, object]] = [{"name": "means over tasks", "scopes": means}]
    tasks = scores[["group", "task"]].drop_duplicates()
    for group, own in tasks.groupby("group", sort=False):
        inside = [place[f"task/{task}"] for task in own["task"] if f"task/{task}" in place]
        if inside:
            blocks.append({"name": f"tasks of {group}", "scopes": inside})
    return blocks
