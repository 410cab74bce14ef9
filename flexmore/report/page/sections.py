"""The sections of the report, each from the tables alone."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from flexmore.analysis.findings.predictions import held
from flexmore.analysis.findings.recovery import R95_SCOPES
from flexmore.analysis.findings.seeds import HALF, HOLDS, R95, spread_of
from flexmore.analysis.findings.skills import ALL
from flexmore.analysis.selection.rules import RULES
from flexmore.analysis.tables.catalogue import TABLE_ROWS, TABLES
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.page import decisions as decide
from flexmore.report.page import findings as say
from flexmore.report.page.about import About
from flexmore.report.page.findings import Elsewhere, Tables
from flexmore.report.page.words import DASH, MINUS, count, gain, listing, markdown, number, plural, points, score, span

SHOWN = ("domain_gain", "r95", "joint_by_rank", "rules", "budget")
"""Figures that stand in a section of their own subject."""
NAMED = 6
"""Mixtures that a line names; of more it says how many."""
FRONT_ROWS = 8
"""Points of the Pareto front that the report lists."""


def short(tables: Tables, about: About, elsewhere: Elsewhere) -> str:
    """The findings, a line each."""
    sentences = [
        *say.say_main_seed(tables), *say.say_gaps(tables), *say.say_gains(tables), *say.say_recovery(tables),
        *say.say_facts(tables, about.facts), *say.say_skills(tables, about.settings), *decide.say_joint(tables)[:1],
        *decide.say_selection(tables)[:1], *decide.say_budget(tables), *say.say_predictions(tables),
        paragraph(say.say_seeds(tables, elsewhere)), *say.say_spread(tables),
    ]  # fmt: skip
    return "\n".join(f"- {sentence}" for sentence in sentences)


def paragraph(sentences: Sequence[str]) -> str:
    """Sentences as one paragraph."""
    return " ".join(sentences)


def _image(name: str, captions: Mapping[str, str]) -> str:
    """A figure with its caption."""
    caption = f"\n\n*{captions[name]}*" if name in captions else ""
    return f"![{name}](figures/{name}.png){caption}"


def recovery(tables: Tables, about: About, captions: Mapping[str, str]) -> str:
    """r95 and the rank of half the gain."""
    rows = tables["r95"]
    rows = rows[rows["scope"].isin(R95_SCOPES)]
    level = f"{100 * about.settings.confidence:.0f} %"
    table = markdown(
        ["expert", "on", "full's gain, points", "r95", "r95 over items", "r95 over tasks", "half of the gain at",
         "half over items"],
        [
            [
                row["expert"], row["name"] if row["scope"] != "domain" else "its own domain",
                gain(row, "full_gain", "full_low", "full_high"), row["r95"] or f"none: {row['r95_reason']}",
                span(row["r95_low"], row["r95_high"]), span(row["r95_tasks_low"], row["r95_tasks_high"]),
                number(row["half_rank"]), _numbers(row["half_low"], row["half_high"]),
            ]
            for _, row in rows.iterrows()
        ],
    )  # fmt: skip
    text = (
        f"r95 is the smallest measured rank whose gain, on a monotone fit, is at least "
        f"{100 * about.settings.recovery:.0f} % of full's; it is not defined where full's own gain is not above zero. "
        "Its "
        f"{level} intervals are bootstraps over items (for these tasks) and over tasks within groups (for other tasks "
        "of the "
        "same kind); `full` means that no smaller rank measured is sure to do."
    )
    return "\n\n".join(filter(None, [text, _image("domain_gain", captions), table, _image("r95", captions)]))


def _numbers(low: float, high: float) -> str:
    return DASH if np.isnan(low) or np.isnan(high) else f"{number(low)} to {number(high)}"


def joint(tables: Tables, captions: Mapping[str, str]) -> str:
    """The joint mixtures."""
    joint = tables["joint"]
    if joint.empty:
        return ""
    active = sorted(joint["active"].unique())
    distinct = joint.drop_duplicates(["active", "effective_rank"])
    rows = []
    for rank, own in distinct.groupby("rank", sort=False):
        by = own.set_index("active")
        cells = [f"{score(by['average'][a])}" if a in by.index else DASH for a in active]
        rows.append([rank, count(own["parameters"].iloc[0]), *cells])
    table = markdown(["rank of every expert", "parameters", *(f"average, {a} active" for a in active)], rows)
    return "\n\n".join([paragraph(decide.say_joint(tables)), _image("joint_by_rank", captions), table])


def selection(tables: Tables, captions: Mapping[str, str]) -> str:
    """Every rule, judged on held-out items."""
    held, chosen = tables["heldout"], tables["selections"]
    means = held.loc[held["expert"] == ALL, ["rule", "naive", "held_out", "optimism"]]
    judged = {rule: values for rule, *values in means.itertuples(index=False)}
    rows = []
    for rule, own in chosen[chosen["note"] == ""].groupby("rule", sort=False):
        ranks = ", ".join(f"{expert} {rank}" for expert, rank in zip(own["expert"], own["rank"], strict=True))
        cells = [points(value, 2) for value in judged[rule]] if rule in judged else [DASH] * 3
        saved = f"{number(100 * own['saved'].mean(), 0)} %"
        rows.append([f"`{rule}`", RULES[str(rule)].about, own["reads"].iloc[0], ranks, *cells, saved])
    table = markdown(
        [
            "rule",
            "takes",
            "reads",
            "ranks",
            "gain on the items that chose",
            "on held-out items",
            "flattered by",
            "parameters saved",
        ],
        rows,
    )
    text = (
        "Gains are means over experts, in points of the average; parameters are those of a pair, against the rank "
        "with the highest average (`best`). Rules choose among the ranks that joint mixtures have. Rules that read "
        f"singular values alone cannot be flattered by items.{_smaller(tables)}"
    )
    notes = chosen.loc[chosen["note"] != "", ["rule", "note"]]
    unsaid = [f"`{row['rule']}` could not be applied: {row['note']}." for _, row in notes.iterrows()]
    parts = [paragraph(decide.say_selection(tables)), table, text if rows else "", paragraph(unsaid)]
    return "\n\n".join(filter(None, [*parts, _image("rules", captions) if rows else ""]))


def _smaller(tables: Tables) -> str:
    """Below which rank an adapter has fewer parameters than the full expert."""
    pairs = tables["parameters"][tables["parameters"]["kind"] == "pair"]
    sizes = pairs.drop_duplicates("rank").set_index("rank")["parameters"]
    ladder = sorted(int(rank) for rank in sizes.index if str(rank).isdigit())
    if len(ladder) < 2 or "full" not in sizes:
        return ""
    low, high = ladder[:2]  # the lowest, which are not saturated
    each = (sizes[str(high)] - sizes[str(low)]) / (high - low)
    least = low + (sizes["full"] - sizes[str(low)]) / each
    return f" An adapter has fewer parameters than the full expert below rank {np.ceil(least):.0f}."


def budget(tables: Tables, captions: Mapping[str, str]) -> str:
    """What a budget buys."""
    front = tables["budget"]
    text = paragraph(decide.say_budget(tables))
    if front.empty:
        return text
    some = front.iloc[np.unique(np.linspace(0, len(front) - 1, FRONT_ROWS).round().astype(int))]
    experts = [column.removeprefix("rank of ") for column in front.columns if column.startswith("rank of ")]
    table = markdown(
        ["parameters", "sum of pair gains, points", *experts],
        [
            [count(row["parameters"]), points(row["gain"]), *(row[f"rank of {name}"] for name in experts)]
            for _, row in some.iterrows()
        ],
    )
    how = (
        f"The Pareto front, {len(some)} of its {plural(len(front), 'point')}: no set of ranks with as few parameters "
        "has a higher "
        "sum of pair gains (on the items that chose). `flexmore recommend --budget 800k` gives the ranks for any "
        "budget, with "
        "an interval and what held-out items say."
    )
    return "\n\n".join([text, how, table, _image("budget", captions)])


def reading(tables: Tables) -> str:
    """The quadratic beside two other curves."""
    shapes = tables["shapes"]
    rows = [
        [
            row["response"],
            *(score(row[f"{name}_error"], 2) for name in ("quadratic", "saturating", "isotonic")),
            number(row["vertex_rank"]),
            gain(row, "fall", "fall_low", "fall_high", 2) if row["fall"] else "none: the last rank is highest",
            row["optimum"] if not row["reason"] else f"no: {row['reason']}",
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
            "fall after it",
            "an optimum?",
        ],
        rows,
    )
    text = (
        "A quadratic in log2 rank with an effect for each expert, as the paper has it. On gains that rise and level "
        "off it "
        "turns somewhere all the same, so it is shown beside r95, and its vertex is called an optimum only where its "
        "Fieller "
        "interval lies within the ranks measured, the fit predicts held-out items better than a saturating and an "
        "isotonic "
        "one, and held-out scores really fall from it to the last rank. Misses are in points, on held-out items. All "
        "coefficients: `tables/regression.csv`."
    )
    return "\n\n".join(filter(None, [paragraph(decide.say_reading(tables)), text, table]))


def predictions(tables: Tables, beside: Sequence[str]) -> str:
    """What was predicted and what became of it."""
    table = tables["predictions"]
    if table.empty:
        return ""
    rows = []
    for (place, text), own in table.groupby(["number", "prediction"], sort=False):
        whole = table[(table["number"] == place) & (table["subject"] == "all")]
        word = held(own) if whole.empty or text in set(whole["prediction"]) else "see next"
        verdict = {"no": "**failed**", "yes": "held"}.get(word, word)
        measured = re.sub(r"(?<!\w)-(?=\d)", MINUS, "; ".join(say.measured(own)))
        rows.append([place, text, measured, verdict])
    source = "[PREDICTIONS.md](PREDICTIONS.md)" if "PREDICTIONS.md" in beside else "reports/pocket/PREDICTIONS.md"
    said = f"Written before the measurement: {source}."
    return f"{said}\n\n{markdown(['', 'prediction', 'measured', 'verdict'], rows)}"


def seeds(tables: Tables, elsewhere: Elsewhere) -> str:
    """How far the training seeds lie apart."""
    table = tables["seeds"]
    text = paragraph(say.say_seeds(tables, elsewhere))
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
    """What the intervals cover and what they do not."""
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
        "how many "
        "there are (Holm)."
    )
    lines = [items, over, *say.say_noise(tables)]
    if about.control:
        lines.append(
            "What it cannot show: anything about 7B models, and whether knowledge needs a lower rank than reasoning. "
            "How many "
            "facts an expert memorised decides how it compares with one that learned a procedure, and that was our "
            "choice."
        )
    return "\n".join(f"- {line}" for line in lines)


def gaps(tables: Tables) -> str:
    """What a complete grid would have and this one has not."""
    table = tables["gaps"]
    rows = [[row["kind"], row["subject"], row["rank"], row["says"]] for _, row in table.iterrows()]
    return markdown(["kind", "of", "rank", "so"], rows)


def quarantined(rows: pd.DataFrame | None) -> str:
    """The scores that are doubtful, by reason, and what was left out because of them; empty where there is none."""
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


def other_figures(captions: Mapping[str, str]) -> str:
    """The figures that no section shows."""
    return "\n\n".join(_image(name, captions) for name in FIGURES if name not in SHOWN)


def every_table(tables: Tables) -> str:
    """All tables."""
    rows = [[f"`tables/{name}.csv`", TABLE_ROWS[name], count(len(tables[name]))] for name in TABLES]
    return (
        "All of these are computed from the measured ones (`tables/scores.parquet`, `items.parquet`, `controls.csv`, "
        "`spectra.parquet`, `adapters.csv`, `quarantine.csv`, `versions.csv`, as far as a study has them). Scores and "
        "gains in tables are shares of one; here they are points, hundredths. What the columns mean stands in "
        "`docs/tables.md`; tables too large to commit are made by the command below.\n\n"
    ) + markdown(["table", "a row is", "rows"], rows)


def again(tables: Tables, about: About, versions: pd.DataFrame | None, beside: Sequence[str]) -> str:
    """The commands, versions and configuration."""
    lines = []
    if about.command:
        lines.append(f"The tables were measured by\n\n```\n{about.command}\n```")
        lines.append(
            "All tables, figures and this page again from the measured ones, from the repository's root, without torch "
            "and in seconds:\n\n```\npip install -e . && snakemake figures --cores 1\n```\n\n"
            f"They go to `results/{about.family}/reported/`; where the study was run, they are made from its own "
            f"tables, in `results/{about.family}/`."
        )
    else:
        lines.append("`flexmore report` on this folder makes all tables, figures and this page again.")
    lines.append(
        "`explore.html` is made as well, one page in which every mixture, task and rank can be looked at, with no "
        "network."
    )
    if "NOTES.md" in beside:
        more = ", and how the further seeds were made" if tables["seeds"]["seed"].nunique() > 1 else ""
        lines.append(f"How these runs came to be the ones shown{more}: [NOTES.md](NOTES.md).")
    if "config.yaml" in beside:
        lines.append("The configuration, every default written out: [config.yaml](config.yaml).")
    if versions is not None and len(versions):
        rows = [[row["what"], row["version"], row["mixtures"]] for _, row in versions.iterrows()]
        mixed = versions.duplicated("what").any()
        text = "**The scores mix versions.**" if mixed else "All scores come from the same versions."
        lines.append(f"{text}\n\n{markdown(['what', 'version', 'mixtures'], rows)}")
    return "\n\n".join(lines)
