"""The section that shows what others reported of a family beside our values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from flexmore.analysis.findings.contrasts import FULL
from flexmore.report.page.about import About
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import DASH, MINUS, count, gain, listing, markdown, paragraph, points, score

Reference = Mapping[str, Any]
"""The content of reports/paper/reference.yaml."""


def beside_reference(tables: Tables, about: About) -> str:
    """Write the section: averages, then groups, each reported value with its source, then cautions.

    Args:
        tables: of the analysis, by name.
        about: holds what was reported of the family; where nothing was, the section is empty.
    """
    values, averages = about.reference, tables["averages"]
    if values is None:
        return ""
    lead = (
        "Reported values are other people's measurements, ours are those of this study. They differ in prompts, items "
        "and metrics, and a row of a single expert is a dense model where ours is the pair of public and expert, so "
        "levels are not to be compared without the cautions below."
    )
    heads = ["joint mixture", "reported", "parameters", "source", "ours", "parameters"]
    means = markdown(heads, [_average(entry, averages, values) for entry in values["averages"]])
    groups = list(values["groups"])
    rows = markdown(["model", "whose", *groups, "mean"], _rows(averages, values))
    cautions = "\n".join(f"- {text.strip()}" for text in values["cautions"])
    said = paragraph([_best_less_full(tables, values), _among(tables, values, about.sets)])
    return "\n\n".join([lead, means, said, rows, cautions, _sources(values)])


def _best_less_full(tables: Tables, values: Reference) -> str:
    """Say how far the joint mixture at chosen ranks is above that of full experts: reported, and here."""
    best, full = (entry["average"] for entry in values["averages"][:2])
    apart = points(best / 100 - full / 100, 2)
    reported = f"Reported, the chosen ranks are {best:.2f} {MINUS} {full:.2f} = {apart} points above full"
    rows = tables["contrasts"]
    rows = rows[(rows["against"] == FULL) & rows["mixture"].str.endswith("-best")]
    each = [f"{gain(row, 'difference', digits=2)} with {row['active']} active" for _, row in rows.iterrows()]
    ours = (
        f"; here `best` less full is {listing(each)}, on the items that chose"
        if each
        else "; here neither was measured"
    )
    return f"{reported}{ours}."


def _among(tables: Tables, values: Reference, sets: Sequence[Sequence[int]]) -> str:
    """Say whether the ranks that were chosen here are among those that the reported number of parameters allows."""
    size = values["averages"][0]["parameters"]
    rows = tables["selections"]
    rows = rows[(rows["rule"] == "best") & (rows["note"] == "") & rows["rank"].str.isdigit()]
    if not sets or rows.empty:
        return ""
    chosen = tuple(sorted(rows["rank"].astype(int), reverse=True))
    each = ", ".join(f"{expert} {rank}" for expert, rank in zip(rows["expert"], rows["rank"], strict=True))
    verdict = "are one of them" if chosen in {tuple(ranks) for ranks in sets} else "are none of them"
    return f"{len(sets)} sets of ranks come to {size} parameters; the ranks that `best` chose here ({each}) {verdict}."


def _average(entry: Mapping[str, Any], averages: pd.DataFrame, values: Reference) -> list[str]:
    """Return a reported average and our joint mixtures that it is shown beside."""
    ours = averages[(averages["kind"] == "joint") & (averages["rank"].astype(str) == entry["ours"])]
    if not set(values["groups"]) <= set(averages.columns):  # the mean of some groups is another average
        ours = ours.head(0)
    active = entry.get("active")
    if active is not None:
        ours = ours[ours["active"] == active]
    stated = f"{entry['model']}, {active} active" if active else entry["model"]
    each = "; ".join(f"{score(row['average'], 2)} (`{row['mixture']}`)" for _, row in ours.iterrows())
    sizes = "; ".join(count(size) for size in ours["parameters"].unique())
    reported = f"{entry['average']:.2f}"
    return [stated, reported, entry.get("parameters", DASH), _label(entry, values), each or DASH, sizes or DASH]


def _rows(averages: pd.DataFrame, values: Reference) -> Iterator[list[str]]:
    """Return each reported row of group means, and below it ours."""
    for row in values["rows"]:
        scores = row["scores"]
        cells = [f"{value:.1f}" for value in (*scores, sum(scores) / len(scores))]
        yield [row["model"], f"reported ({_label(row, values)})", *cells]
        whole = set(values["groups"]) <= set(averages.columns)
        for _, own in _ours(averages, row["expert"]).iterrows():
            each = [score(own[name]) if name in own else DASH for name in values["groups"]]
            yield [f"`{own['mixture']}`", "ours", *each, score(own["average"]) if whole else DASH]


def _ours(averages: pd.DataFrame, expert: str) -> pd.DataFrame:
    """Select our mixtures of the same experts: the public model, or a pair or joint mixture of full experts."""
    if expert == "public":
        return averages[averages["kind"] == "baseline"]
    full = averages[averages["rank"].astype(str) == "full"]
    if expert == "joint":
        return full[full["kind"] == "joint"]
    return full[(full["kind"] == "pair") & (full["experts"] == expert)]


def _label(entry: Mapping[str, Any], values: Reference) -> str:
    """Return a value's source, and whether it is second-hand."""
    name = str(entry["source"])
    return f"{name}, second-hand" if values["sources"][name].get("second_hand") else name


def _sources(values: Reference) -> str:
    """List the sources."""
    lines = []
    for name, source in values["sources"].items():
        where = f", {source['url']}" if "url" in source else ""
        hand = " Second-hand." if source.get("second_hand") else ""
        lines.append(f"- *{name}*: {source['title']}{where}; metrics: {source['metrics']}.{hand}")
    return "Sources:\n\n" + "\n".join(lines)
