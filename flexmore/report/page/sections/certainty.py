"""The sections on how sure the findings are: predictions, seeds, intervals, how tasks were answered, gaps."""

import re
from collections.abc import Sequence

import pandas as pd

from flexmore.analysis.findings.predictions import BROKEN, PASSED, held
from flexmore.analysis.findings.seeds import HALF, HOLDS, R95, spread_of
from flexmore.report.page.about import About
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import DASH, MINUS, count, listing, markdown, number, paragraph, plural
from flexmore.report.page.sentences import certainty

SHOWN = 10
"""The most rows of unread answers that the page shows, those with the largest share."""


def left_out(rows: pd.DataFrame | None) -> str:
    """Write what an unfinished study leaves out; empty where a study is whole."""
    if rows is None:
        return ""
    told = (
        "**This study is not complete, and this report is partial.** Means compare mixtures only where all have the "
        "same tasks, so these are in no number below, for what they lack and not for what they scored "
        "(`tables/left_out.csv`)"
    )
    if rows.empty:
        return f"{told}: nothing."
    lines = []
    for (what, missing, of), own in rows.groupby(["what", "missing", "of"], sort=False):
        names = [f"`{name}`" for name in own["name"]]
        named = listing(names) if len(names) <= SHOWN else f"{plural(len(names), str(what))}, first {names[0]}"
        lines.append([what, named, f"{missing} of {of}"])
    return f"{told}:\n\n{markdown(['what', 'of which', 'scores missing'], lines)}"


def predictions(tables: Tables, beside: Sequence[str]) -> str:
    """Write what was predicted and whether it held."""
    table = tables["predictions"]
    if table.empty:
        return ""
    checks = table[table["holds"].isin([PASSED, BROKEN])]
    table = table.drop(checks.index)
    rows = []
    for (place, text), own in table.groupby(["number", "prediction"], sort=False):
        whole = table[(table["number"] == place) & (table["subject"] == "all")]
        word = held(own) if whole.empty or text in set(whole["prediction"]) else "see next"
        verdict = {"no": "**failed**", "yes": "held"}.get(word, word)
        measured = re.sub(r"(?<!\w)-(?=\d)", MINUS, "; ".join(certainty.measured(own)))
        rows.append([place, text, measured, verdict])
    source = "[PREDICTIONS.md](PREDICTIONS.md)" if "PREDICTIONS.md" in beside else "reports/pocket/PREDICTIONS.md"
    said = f"Written before the measurement: {source}."
    header = ["", "prediction", "measured", "verdict"]
    return "\n\n".join(filter(None, [said, markdown(header, rows), _checked(checks)]))


def _checked(rows: pd.DataFrame) -> str:
    """Write what could not fail, apart from the predictions that could."""
    if rows.empty:
        return ""
    lines = [
        [row["prediction"], row["measured"], "passed" if row["holds"] == PASSED else "**failed**"]
        for _, row in rows.iterrows()
    ]
    text = "Checked as well, but no prediction, since it is so by construction unless something is broken:"
    return f"{text}\n\n{markdown(['check', 'measured', 'verdict'], lines)}"


def seeds(tables: Tables) -> str:
    """Write how far the training seeds lie apart."""
    table = tables["seeds"]
    text = paragraph(certainty.say_seeds(tables))
    names = list(table["seed"].unique())
    if len(names) < 2:
        return text
    each = table.pivot(index=["quantity", "subject"], columns="seed", values="text")[names].fillna(DASH)
    rows = []
    for row in spread_of(table).to_dict("records"):
        scale = 1 if row["quantity"] in (R95, HALF) else 100
        cells = [DASH if row["quantity"] == HOLDS else number(scale * row[key]) for key in ("mean", "sd")]
        rows.append([row["quantity"], row["subject"], *each.loc[(row["quantity"], row["subject"])], *cells])
    return f"{text}\n\n{markdown(['quantity', 'of', *(f'seed {name}' for name in names), 'mean', 'sd'], rows)}"


def sure(tables: Tables, about: About) -> str:
    """Write what the intervals cover and what they do not."""
    gains = tables["gains"]
    paired = bool(gains["paired"].all()) if len(gains) else False
    items = (
        "Intervals of gains are paired: the same items with and without the experts."
        if paired
        else "**No per-item results were given**: intervals are unpaired and wider than they could be, and nothing is "
        "judged on held-out items."
    )
    over = (
        f"They are at {100 * about.settings.confidence:.0f} %, one by one; tests between mixtures are corrected for "
        "how many there are (Holm)."
    )
    lines = [items, over, *certainty.say_noise(tables)]
    if about.control:
        lines.append(
            "What it cannot show: anything about 7B models, and whether knowledge needs a lower rank than reasoning. "
            "How many facts an expert memorised decides how it compares with one that learned a procedure, and that "
            "was our choice."
        )
    return "\n".join(f"- {line}" for line in lines)


def answered(tables: Tables) -> str:
    """Write how many answers are unread, which prompts were cut, on which tasks every mixture guesses."""
    lines = [*certainty.say_unread(tables), *certainty.say_cut(tables), *certainty.say_chance(tables)]
    text = "\n".join(f"- {line}" for line in lines)
    unread = tables["unread"]
    most = unread.sort_values("share", ascending=False, kind="stable").head(SHOWN)
    rows = [
        [
            f"`{row['mixture']}`",
            f"`{row['task']}`",
            count(row["unread"]),
            count(row["n"]),
            f"{number(100 * row['share'], 0)} %",
        ]
        for _, row in most.iterrows()
    ]
    table = markdown(["mixture", "task", "unread", "of items", "share"], rows)
    return "\n\n".join(filter(None, [text, table]))


def gaps(tables: Tables) -> str:
    """Write what a complete grid would have and this one lacks."""
    table = tables["gaps"]
    rows = [[row["kind"], row["subject"], row["rank"], row["says"]] for _, row in table.iterrows()]
    return markdown(["kind", "of", "rank", "so"], rows)
