"""The sections on what was found: in short, ranks, joint mixtures, choosing ranks, budgets."""

import numpy as np

from flexmore.analysis.findings.recovery import R95_SCOPES
from flexmore.analysis.selection.rules import RULES
from flexmore.analysis.tables.catalogue import ALL
from flexmore.report.page.about import About
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import (
    DASH,
    count,
    gain,
    listing,
    markdown,
    number,
    paragraph,
    plural,
    points,
    score,
    span,
)
from flexmore.report.page.pictures import Pictures
from flexmore.report.page.sentences import certainty, choices, chosen, contrasts, experts, skill_ranks

FRONT_ROWS = 8
"""Points of the Pareto front that the report lists."""


def short(tables: Tables, about: About) -> str:
    """Write the findings, a line each, and then how sure they are."""
    found = [
        *chosen.say_what_to_do(tables),
        *skill_ranks.say_skill_ranks(tables)[:1],
        *chosen.say_optima(tables),
        *choices.say_joint(tables)[:1],
        *contrasts.say_contrasts(tables)[:2],
        *experts.say_gains(tables),
        *experts.say_recovery(tables),
        *experts.say_facts(tables, about.facts),
    ]
    sure = [
        *chosen.say_other_tasks(tables),
        *choices.say_selection(tables)[:1],
        *certainty.say_predictions(tables),
        paragraph(certainty.say_seeds(tables)),
        *certainty.say_spread(tables),
    ]
    parts = (("What was found", found), ("How sure it is", sure))
    lists = [f"**{title}**\n\n" + "\n".join(f"- {line}" for line in lines) for title, lines in parts]
    about_all = paragraph([*certainty.say_gaps(tables), *certainty.say_main_seed(tables)])
    return "\n\n".join(filter(None, [about_all, *lists]))


def recovery(tables: Tables, about: About, pictures: Pictures) -> str:
    """Write which rank suffices: r95 and the rank of half the gain."""
    rows = tables["r95"]
    rows = rows[rows["scope"].isin(R95_SCOPES)]
    known = rows[rows["r95"] != ""]
    level = f"{100 * about.settings.confidence:.0f} %"
    table = markdown(
        ["expert", "on", "full's gain, points", "r95", "r95 over items", "r95 over tasks", "half of the gain at",
         "half over items"],
        [
            [
                row["expert"], row["name"] if row["scope"] != "domain" else "its own domain",
                gain(row, "full_gain", "full_low", "full_high"), row["r95"],
                span(row["r95_low"], row["r95_high"]), span(row["r95_tasks_low"], row["r95_tasks_high"]),
                number(row["half_rank"]), _numbers(row["half_low"], row["half_high"]),
            ]
            for _, row in known.iterrows()
        ],
    )  # fmt: skip
    text = (
        "r95 is the smallest measured rank whose gain, on a monotone fit, is at least "
        f"{100 * about.settings.recovery:.0f} % of full's; it is not defined where full's own gain is not above zero. "
        f"Its {level} intervals are bootstraps over items (for these tasks) and over tasks within groups (for other "
        "tasks of the same kind); `full` means that no smaller rank measured is sure to do."
    )
    for reason, without in rows[rows["r95"] == ""].groupby("r95_reason", sort=False):
        each = "; ".join(
            f"{expert} on {listing(own['name'].where(own['scope'] != 'domain', 'its own domain'))}"
            for expert, own in without.groupby("expert")
        )
        text += f" It is not defined, since {reason}, for {each}."
    # without domains the groups say most about what each expert is good for
    lead = ["heatmap_groups", "domain_gain"] if (rows["scope"] != "domain").all() else ["domain_gain", "heatmap_groups"]
    shown = [pictures.show(name) for name in lead]
    return "\n\n".join(filter(None, [text, shown[0], table, pictures.show("r95"), shown[1]]))


def _numbers(low: float, high: float) -> str:
    """Return two numbers as an interval."""
    return DASH if np.isnan(low) or np.isnan(high) else f"{number(low)} to {number(high)}"


def joint(tables: Tables, pictures: Pictures) -> str:
    """Write how the joint mixtures compare."""
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
    parts = [paragraph(contrasts.say_contrasts(tables)), _planned(tables), paragraph(choices.say_joint(tables))]
    return "\n\n".join(filter(None, [*parts, pictures.show("joint_by_rank"), table]))


def _planned(tables: Tables) -> str:
    """Write the planned contrasts of the joint mixtures of selected ranks."""
    return markdown(
        ["joint mixture", "against", "difference, points", "p", "p, corrected", "could be told", "verdict"],
        [
            [
                f"`{row['mixture']}`", f"`{row['other']}`", gain(row, "difference", digits=2), number(row["p"], 3),
                number(row["p_holm"], 3), score(row["detectable"], 2), row["verdict"],
            ]
            for _, row in tables["contrasts"].iterrows()
        ],
    )  # fmt: skip


def selection(tables: Tables, pictures: Pictures) -> str:
    """Write how every rule does on held-out items."""
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
    parts = [paragraph(choices.say_selection(tables)), table, text if rows else "", paragraph(unsaid)]
    return "\n\n".join(filter(None, [*parts, pictures.show("rules") if rows else ""]))


def _smaller(tables: Tables) -> str:
    """Say below which rank an adapter has fewer parameters than the full expert."""
    pairs = tables["parameters"][tables["parameters"]["kind"] == "pair"]
    sizes = pairs.drop_duplicates("rank").set_index("rank")["parameters"]
    ladder = sorted(int(rank) for rank in sizes.index if str(rank).isdigit())
    if len(ladder) < 2 or "full" not in sizes:
        return ""
    low, high = ladder[:2]  # the lowest, which are not saturated
    each = (sizes[str(high)] - sizes[str(low)]) / (high - low)
    least = low + (sizes["full"] - sizes[str(low)]) / each
    return f" An adapter has fewer parameters than the full expert below rank {np.ceil(least):.0f}."


def budget(tables: Tables, pictures: Pictures) -> str:
    """Write what a budget buys."""
    front = tables["budget"]
    text = paragraph(choices.say_budget(tables))
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
        "has a higher sum of pair gains (on the items that chose). `flexmore recommend --budget "
        f"{int(front['parameters'].median())}` gives the "
        "ranks for any budget, with an interval and what held-out items say."
    )
    return "\n\n".join([text, how, table, pictures.show("budget")])
