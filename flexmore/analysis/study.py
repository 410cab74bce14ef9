"""The analysis as a whole: tables in, tables out, and their way to disk and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from flexmore.analysis.artefacts import TABLES as TABLES
from flexmore.analysis.findings import optima
from flexmore.analysis.findings.comparisons import compare_joint
from flexmore.analysis.findings.noise import noise_floor
from flexmore.analysis.findings.predictions import COLUMNS as PREDICTION_COLUMNS
from flexmore.analysis.findings.predictions import judge
from flexmore.analysis.findings.recovery import recover
from flexmore.analysis.findings.regression import regress
from flexmore.analysis.findings.seeds import Run, compare_seeds
from flexmore.analysis.findings.shapes import judge_optima
from flexmore.analysis.findings.skills import compare_skills
from flexmore.analysis.selection import budget
from flexmore.analysis.selection.evidence import evidence_from_table
from flexmore.analysis.selection.heldout import cross_fit
from flexmore.analysis.selection.rules import RULES
from flexmore.analysis.selection.selections import selections
from flexmore.analysis.statistics.gains import gains
from flexmore.analysis.statistics.items import ItemScores, item_scores_of
from flexmore.analysis.statistics.pair_draws import draw_pairs
from flexmore.analysis.statistics.scopes import averages, matrix, scopes_of
from flexmore.analysis.tables.checks import gaps
from flexmore.analysis.tables.table import (
    collect,
    collect_versions,
    read_scores,
    read_table,
    without_controls,
    write_csv,
    write_parquet,
)
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError
from flexmore.mixtures.recipe import Recipe

SEEDS = "seeds"
"""Beside `tables/`: `seeds/<seed>/tables/`, the measured tables of further runs that differ only in their seed."""


@dataclass(frozen=True)
class Inputs:
    """All that tables and figures are made from. None: not measured; left out, with the reason.

    Attributes:
        seed: of this run, as it is called where there are several.
        others: further runs, by seed.
    """

    scores: pd.DataFrame
    items: pd.DataFrame | None = None
    controls: pd.DataFrame | None = None
    adapters: pd.DataFrame | None = None
    spectra: pd.DataFrame | None = None
    versions: pd.DataFrame | None = None
    quarantine: pd.DataFrame | None = None
    seed: str = "this run"
    others: Mapping[str, "Inputs"] = field(default_factory=dict)


def collect_scores(
    score_files: Mapping[str, Path], recipes: Iterable[Recipe], out: Path, leave_out: bool = True
) -> None:
    """Write `out`/scores.parquet, scores.csv, items.parquet, controls.csv, quarantine.csv, versions.csv from score
    files; `leave_out` as for `collect`."""
    table, items, doubtful = collect(score_files, recipes, leave_out)
    scores, controls = without_controls(table)
    write_parquet(out / "scores.parquet", scores)
    write_csv(out / "scores.csv", scores)
    write_csv(out / "controls.csv", controls)
    write_parquet(out / "items.parquet", items)
    write_csv(out / "quarantine.csv", doubtful)
    write_csv(out / "versions.csv", collect_versions(score_files))


def read_inputs(folder: Path, seed: str = "this run", experts: Sequence[str] | None = None) -> Inputs:
    """Read a folder of tables: scores.parquet (or scores.csv), and where they are there items.parquet,
    controls.csv, quarantine.csv, adapters.csv, spectra.parquet, versions.csv; and those of further seeds in
    ../seeds/<seed>/tables/.

    Args:
        seed: what this run is called among them.
        experts: of the family; None: those that the table has.
    """
    others = {}
    for path in sorted((folder.parent / SEEDS).glob("*/tables")):
        if path.parent.name == seed:
            raise FlexmoreError(f"{path}: seed {seed} is the main run's already; keep one of the two")
        others[path.parent.name] = _read(path, path.parent.name, experts)
    found = _read(folder, seed, experts)
    return Inputs(**{**vars(found), "others": others})


def _read(folder: Path, seed: str, experts: Sequence[str] | None) -> Inputs:
    parquet = folder / "scores.parquet"

    def maybe(name: str) -> pd.DataFrame | None:
        return read_table(folder / name) if (folder / name).exists() else None

    return Inputs(
        scores=read_scores(parquet if parquet.exists() else folder / "scores.csv", experts),
        items=maybe("items.parquet"),
        controls=maybe("controls.csv"),
        adapters=maybe("adapters.csv"),
        spectra=maybe("spectra.parquet"),
        versions=maybe("versions.csv"),
        quarantine=maybe("quarantine.csv"),
        seed=seed,
    )


def answers_to(inputs: Inputs) -> ItemScores | None:
    """The items of every mixture of the table, the baseline first; None where there are none.

    Raises:
        FlexmoreError: items are missing, or do not average to the scores: they belong to another evaluation.
    """
    if inputs.items is None:
        return None
    scores = inputs.scores
    baseline = str(scores.loc[scores["kind"] == "baseline", "mixture"].iloc[0])
    others = [str(name) for name in scores["mixture"].unique() if name != baseline]
    found = item_scores_of(inputs.items, [baseline, *others], list(scores["task"].unique()), baseline)
    wrong = np.abs(found.means() - matrix(scores, "score", list(found.tasks)).loc[list(found.names)].to_numpy()) > 1e-4
    if wrong.any():
        row, column = (int(place[0]) for place in np.nonzero(wrong))
        raise FlexmoreError(
            f"items of {found.names[row]} on {found.tasks[column]} average to {found.values[column][row].mean():.4f}, "
            f"which is not their score ({int(wrong.sum())} such); the items belong to other scores: collect both again"
        )
    return found


def analyze(inputs: Inputs, settings: AnalysisSettings, facts: Mapping[str, int]) -> dict[str, pd.DataFrame]:
    """Every table of `TABLES`.

    Args:
        facts: expert -> number of memorised facts, where the family is the pocket; None for any other, of
            which nothing was predicted.
    """
    scores, answers = inputs.scores, answers_to(inputs)
    scopes = scopes_of(scores, settings.skills)
    gained = gains(scores, inputs.items, settings.confidence, settings.skills)
    controls = _control_gains(inputs, settings)
    draws = draw_pairs(scores, inputs.items, settings)
    recovered = recover(gained, settings, draws)
    coefficients, fits = regress(scores, settings)
    numbered = (scores["kind"] == "pair") & scores["rank"].str.isdigit()
    evidence = evidence_from_table(scores, inputs.items, inputs.spectra, settings) if numbered.any() else None
    chosen = selections(evidence, answers, scopes)
    front, additivity = _budget(gained, chosen)
    predictions = _predictions(inputs, gained, controls, recovered, facts)
    own = Run(gained, recovered, predictions)
    everything = gained if controls is None else pd.concat([gained, controls], ignore_index=True)
    return {
        "averages": averages(scores),
        "gains": everything[everything["scope"] != "task"].reset_index(drop=True),
        "gains_by_task": everything[everything["scope"] == "task"].reset_index(drop=True),
        "r95": recovered,
        "skills": compare_skills(gained, draws, settings),
        "regression": coefficients,
        "regression_fits": fits,
        "shapes": judge_optima(scores, answers, fits, settings),
        "selections": chosen,
        "heldout": cross_fit(scores, answers, inputs.spectra, settings),
        "comparisons": compare_joint(scores, answers, scopes, settings),
        "optima": optima.optima(gained, recovered),
        "joint": optima.joint(gained),
        "parameters": optima.parameters(gained),
        "budget": front,
        "additivity": additivity,
        "noise": noise_floor(scores, answers, scopes, settings),
        "predictions": predictions,
        "seeds": compare_seeds(
            {inputs.seed: own} | {seed: _run(o, settings, facts) for seed, o in inputs.others.items()}
        ),
        "gaps": gaps(scores),
    }


def _run(inputs: Inputs, settings: AnalysisSettings, facts: Mapping[str, int]) -> Run:
    """What is compared over seeds, of another run."""
    gained = gains(inputs.scores, inputs.items, settings.confidence, settings.skills)
    recovered = recover(gained, settings)
    controls = _control_gains(inputs, settings)
    return Run(gained, recovered, _predictions(inputs, gained, controls, recovered, facts))


def _predictions(
    inputs: Inputs,
    gained: pd.DataFrame,
    controls: pd.DataFrame | None,
    recovered: pd.DataFrame,
    facts: Mapping[str, int],
) -> pd.DataFrame:
    if not facts:
        return pd.DataFrame(columns=PREDICTION_COLUMNS)
    return judge(inputs.scores, gained, controls, recovered, facts)


def _control_gains(inputs: Inputs, settings: AnalysisSettings) -> pd.DataFrame | None:
    if inputs.controls is None or inputs.controls.empty:
        return None
    baseline = inputs.scores[inputs.scores["kind"] == "baseline"]
    both = pd.concat([baseline, inputs.controls], ignore_index=True)
    return gains(both, inputs.items, settings.confidence, settings.skills)


def selected_ranks(chosen: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Every rule's ranks, from `selections`: rule -> expert -> rank."""
    rows = chosen[chosen["note"].fillna("") == ""]
    groups = rows.groupby("rule", sort=False)
    return {str(rule): dict(zip(own["expert"], own["rank"], strict=True)) for rule, own in groups}


def _budget(gained: pd.DataFrame, chosen: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The Pareto front and the test of its assumption; both empty where no joint mixture says what one weighs."""
    try:
        choices = budget.choices_of(gained)
    except FlexmoreError:
        return pd.DataFrame(columns=budget.FRONT), pd.DataFrame(columns=budget.ADDITIVITY)
    front = budget.front_of(choices)
    selected = {rule: ranks for rule, ranks in selected_ranks(chosen).items() if rule in RULES}
    return front.rename(columns={e: f"rank of {e}" for e in choices.experts}), budget.additivity(
        gained, choices, selected
    )
