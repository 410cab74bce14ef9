"""The sections on how sure the findings are: doubtful scores, predictions, seeds, intervals, gaps."""

import re
from collections.abc import Sequence

import pandas as pd

from flexmore.analysis.findings.predictions import held
from flexmore.analysis.findings.seeds import HALF, HOLDS, R95, spread_of
from flexmore.report.page.about import About
from flexmore.report.page.content import Quarantines, Tables
from flexmore.report.page.formatting import DASH, MINUS, listing, markdown, number, paragraph, plural
from flexmore.report.page.sentences import certainty

NAMED = 6
"""Up to this many mixtures a line names; of more it says how many."""


def quarantined(rows: pd.DataFrame | None) -> str:
    """Write which scores are doubtful, by reason, and what was left out because of them; empty where none is."""
    if rows is None or rows.empty:
        return ""
    rows = rows.assign(left_out=rows["left_out"].fillna(""))  # as a CSV file has nothing
    kinds = rows.assign(which=rows["reason"].str.replace(r"^\d+ of \d+", "of all", regex=True))
    lines = []
    for (task, reason, left_out), own in kinds.groupby(["task", "which", "left_out"], sort=False):
        mixtures = list(own["mixture"])
        named = listing(mixtures) if len(mixtures) <= NAMED else plural(len(mixtures), "mixture")
        gone = {"task": "the task, for every mixture", "mixture": "the mixture, on every task", "": "nothing"}
        lines.append([f"`{task}`", named, str(reason), gone[str(left_out)]])
    number_of = plural(len(rows), "score")
    told = f"**This report is partial**: {number_of} are doubtful and no table has them (`tables/quarantine.csv`)."
    if (rows["left_out"] == "").any():
        told = (
            f"{number_of} are doubtful (`tables/quarantine.csv`). Those of which nothing is left out are in every "
            "number below, since the configuration says `quarantine: false`."
        )
    return f"{told}\n\n{markdown(['task', 'of', 'because', 'left out'], lines)}"


def predictions(tables: Tables, beside: Sequence[str]) -> str:
    """Write what was predicted and whether it held."""
    table = tables["predictions"]
    if table.empty:
        return ""
    rows = []
    for (place, text), own in table.groupby(["number", "prediction"], sort=False):
        whole = table[(table["number"] == place) & (table["subject"] == "all")]
        word = held(own) if whole.empty or text in set(whole["prediction"]) else "see next"
        verdict = {"no": "**failed**", "yes": "held"}.get(word, word)
        measured = re.sub(r"(?<!\w)-(?=\d)", MINUS, "; ".join(certainty.measured(own)))
        rows.append([place, text, measured, verdict])
    source = "[PREDICTIONS.md](PREDICTIONS.md)" if "PREDICTIONS.md" in beside else "reports/pocket/PREDICTIONS.md"
    said = f"Written before the measurement: {source}."
    return f"{said}\n\n{markdown(['', 'prediction', 'measured', 'verdict'], rows)}"


def seeds(tables: Tables, elsewhere: Quarantines) -> str:
    """Write how far the training seeds lie apart."""
    table = tables["seeds"]
    text = paragraph(certainty.say_seeds(tables, elsewhere))
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


def gaps(tables: Tables) -> str:
    """Write what a complete grid would have and this one lacks."""
    table = tables["gaps"]
    rows = [[row["kind"], row["subject"], row["rank"], row["says"]] for _, row in table.iterrows()]
    return markdown(["kind", "of", "rank", "so"], rows)
