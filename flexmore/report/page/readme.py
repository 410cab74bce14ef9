"""The report `README.md`, beside `tables/` and `figures/`, for people who read it on a code host."""

import pandas as pd

from flexmore.analysis.ranks import numbered
from flexmore.report.page.about import About
from flexmore.report.page.content import Content, Tables
from flexmore.report.page.formatting import count, listing, plural
from flexmore.report.page.sections import certainty, contents, reading, results, use
from flexmore.report.page.sections.reference import beside_reference

TITLE = "what rank costs"
"""How the first line of every report ends."""


def readme(content: Content) -> str:
    """Write the page."""
    tables, about, pictures, beside = content.tables, content.about, content.pictures, content.beside
    sections: list[tuple[str, str]] = [
        ("What is left out", certainty.left_out(content.left_out)),
        ("In short", results.short(tables, about)),
        ("What to use", use.what_to_use(tables, pictures)),
        ("Reasoning against knowledge", use.skills(tables, about)),
        ("Chosen and written answers", use.answers(tables)),
        ("Which rank suffices", results.recovery(tables, about, pictures)),
        ("Joint mixtures", results.joint(tables, pictures)),
        ("Beside what others reported", beside_reference(tables, about)),
        ("Choosing ranks", results.selection(tables, pictures)),
        ("Ranks under a budget", results.budget(tables, pictures)),
        ("The paper's reading", reading.reading(tables, pictures)),
        ("The best rank in each group", reading.best(tables, pictures)),
        ("Every pair", reading.pairs(tables)),
        ("What was predicted, and what became of it", certainty.predictions(tables, beside)),
        ("Training seeds", certainty.seeds(tables)),
        ("How sure this is", certainty.sure(tables, about)),
        ("How tasks were answered", certainty.answered(tables)),
        ("What is missing", certainty.gaps(tables)),
        ("Further figures", contents.other_figures(pictures)),
        ("Every table", contents.every_table(tables)),
        ("How to get all of this again", contents.again(tables, about, content.versions, beside)),
    ]
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections if text)
    return f"# {headed(about, content.left_out)}: {TITLE}\n\n{_opening(tables, about)}\n\n{body}\n"


def headed(about: About, left_out: pd.DataFrame | None) -> str:
    """Return what a page calls a family; where its study is not complete, that the page is partial."""
    return about.family if left_out is None else f"{about.family} (partial)"


def _opening(tables: Tables, about: About) -> str:
    """Write the words above the first section: what the report is about, and its terms."""
    words = (
        "The *public* model is what every *expert* was branched from. An expert's difference to it is cut to a "
        "*rank* (an adapter); *full* is the expert's own weights. A *pair* is public and one expert, a *joint* "
        "mixture all of them, with so many *active* for each token. A *gain* is a score less the public model's on "
        f"the same items, in points (hundredths of a score); in brackets stand {100 * about.settings.confidence:.0f} "
        "% intervals. Each *group* of tasks weighs the same in the *average*. An expert's *own domain* are the tasks "
        "about what it was trained on; all others are *foreign* to it."
    )
    words = f"{words}\n\n{_asked(tables, about)}"
    made = "Made by `flexmore` from the tables beside it; every sentence with a number is computed from them."
    if not about.control:
        return f"{made}\n\n{words}"
    control = (
        "A positive control of the method and of this software, never evidence about 7B models: the family is tiny, "
        "its tasks are synthetic (their groups only borrow the names MMLU, BBH and so on), and the truth that the "
        "study must find was planted in it."
    )
    facts = listing(f"{name} {number}" for name, number in sorted(about.facts.items(), key=lambda fact: fact[1]))
    procedures = listing(name for name in about.experts or () if name not in about.facts)
    if facts and procedures:
        control += (
            f" Some of its experts memorised facts ({facts}) and are asked for them; the others ({procedures}) learned "
            "procedures and are asked about instances that no training text holds."
        )
    return f"{control} {made}\n\n{words}"


def _asked(tables: Tables, about: About) -> str:
    """Say what was evaluated: tasks, items, groups by skill, ranks; and which paper is meant."""
    gains = tables["gains"]
    average = gains[gains["scope"] == "average"]
    said = []
    if len(average):
        asked = tables["comparisons"]["items"].dropna()
        items = f" with {count(asked.max())} items" if len(asked) else ""
        said.append(f"There are {plural(int(average['tasks'].iloc[0]), 'task')}{items}.")
    groups = set(gains.loc[gains["scope"] == "group", "name"])
    skills = {skill: [name for name in names if name in groups] for skill, names in about.settings.skills.items()}
    read = listing(f"{listing(names)} as *{skill}*" for skill, names in skills.items() if names)
    if read:
        said.append(f"This project reads {read}.")
    ladder, extra = (
        [str(rank) for rank in sorted(numbered(average, kinds=(kind,))["effective_rank"].unique())]
        for kind in ("pair", "extra")
    )
    if ladder:
        more = f"; pairs alone have {listing(extra)} as well" if extra else ""
        said.append(f"Ranks are {listing(ladder)}{more}.")
    return " ".join([*said, "*The paper* is FlexMoRE (arXiv 2602.08818)."])
