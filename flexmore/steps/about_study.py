"""What a report on a study is about: its family, settings, planted facts and reference values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.planning.rank_sets import sets_of
from flexmore.report.page.about import About

REFERENCE = {"flexolmo": Path(__file__).parents[2] / "reports" / "paper" / "reference.yaml"}
"""File of the values that others reported, by family. The repository has it, the installed package does not."""


def about_study(study: Study) -> About:
    """Return what a report on a study is about."""
    pocket, reference = study.experts["public"].source == "pocket", read_reference(study.family)
    return About(
        family=study.family,
        settings=study.analysis,
        facts=count_facts(study),
        experts=study.names,
        seed=str(study.seed),
        command="snakemake --cores all && flexmore publish" if pocket else "snakemake --cores all --configfile …",
        control=pocket,
        reference=reference,
        sets=sets_of(study, reference["averages"][0]["parameters"]) if reference else (),
    )


def study_beside(folder: Path) -> Study | None:
    """Return the study of `folder`/config.yaml, whose experts and suite may be elsewhere; None without such a file.

    Raises:
        ConfigError: it is no valid configuration.
    """
    path = folder / "config.yaml"
    return load_study(path, elsewhere=True) if path.is_file() else None


def count_facts(study: Study) -> Mapping[str, int]:
    """Return how many facts each expert of the pocket family memorised; empty for any other family."""
    if study.experts["public"].source != "pocket":
        return {}
    from flexmore.pocket.vocabulary import FACTS

    return {name: len(FACTS[name].relations) * study.pocket.subjects for name in study.names if name in FACTS}


def read_reference(family: str) -> dict[str, Any] | None:
    """Return the values that others reported of a family; None where there are none or their file is not installed."""
    path = REFERENCE.get(family)
    if path is None or not path.is_file():
        return None
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found
