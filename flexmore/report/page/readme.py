"""The report: `README.md` beside `tables/` and `figures/`, for people who read it on a code host."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from flexmore.analysis.ranks import numbered
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.page import findings as say
from flexmore.report.page import sections as write
from flexmore.report.page.about import About
from flexmore.report.page.findings import Elsewhere, Tables
from flexmore.report.page.reference import beside_reference
from flexmore.report.page.words import count, listing, plural


def readme(
    tables: Tables,
    about: About,
    versions: pd.DataFrame | None,
    captions: Mapping[str, str],
    beside: Sequence[str],
    quarantine: pd.DataFrame | None = None,
    elsewhere: Elsewhere | None = None,
) -> str:
    """The page.

    Args:
        tables: of `study.analyze`, or read back.
        versions: columns what, version, mixtures.
        captions: of each figure, by name.
        beside: names of files that lie beside the page: PREDICTIONS.md, NOTES.md, config.yaml.
        quarantine: the scores that no table has (`quarantine.QUARANTINE`).
        elsewhere: the same of other training seeds, by seed.
    """
    others = elsewhere or {}
    sections: list[tuple[str, str]] = [
        ("Doubtful scores", write.quarantined(quarantine)),
        ("In short", write.short(tables, about, others)),
        ("Which rank suffices", write.recovery(tables, about, captions)),
        ("Joint mixtures", write.joint(tables, captions)),
        ("Beside what others reported", beside_reference(tables, about.reference)),
        ("Reasoning against knowledge", write.paragraph(say.say_skills(tables, about.settings))),
        ("Choosing ranks", write.selection(tables, captions)),
        ("Ranks under a budget", write.budget(tables, captions)),
        ("The paper's reading", write.reading(tables)),
        ("What was predicted, and what became of it", write.predictions(tables, beside)),
        ("Training seeds", write.seeds(tables, others)),
        ("How sure this is", write.sure(tables, about)),
        ("What is missing", write.gaps(tables)),
        ("Further figures", write.other_figures(captions)),
        ("Every table", write.every_table(tables)),
        ("How to get all of this again", write.again(tables, about, versions, beside)),
    ]
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections if text)
    return f"# {about.family}: what rank costs\n\n{_opening(tables, about)}\n\n{body}\n"


def _opening(tables: Tables, about: About) -> str:
    words = (
        "The *public* model is what every *expert* was branched from. An expert's difference to it is cut to a *rank* "
        "(an "
        "adapter); *full* is the expert's own weights. A *pair* is public and one expert, a *joint* mixture all of "
        "them, "
        "with so many *active* for each token. A *gain* is a score less the public model's on the same items, in "
        "points "
        f"(hundredths of a score); in brackets stand {100 * about.settings.confidence:.0f} % intervals. Each *group* "
        "of "
        "tasks weighs the same in the *average*. An expert's *own domain* are the tasks about what it was trained on; "
        "all others are *foreign* to it."
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
    """What was measured: tasks, items, groups by skill, ranks; and which paper is meant."""
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


def captions_in(folder: Path) -> dict[str, str]:
    """The captions of the figures, from `workflow/report/<name>.rst`, as Markdown; those that are not there are left
    out."""
    found = {}
    for name in FIGURES:
        path = folder / f"{name}.rst"
        if path.is_file():
            found[name] = path.read_text(encoding="utf-8").strip().replace("``", "`").replace("\n", " ")
    return found
