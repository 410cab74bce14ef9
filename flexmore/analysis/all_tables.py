"""The analysis as a whole: from the collected tables to every table of `catalogue.TABLES`."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from flexmore.analysis.findings.answering import chance_of_tasks, cut_prompts, unread_answers
from flexmore.analysis.findings.best_ranks.chosen import judge_chosen
from flexmore.analysis.findings.best_ranks.optima import find_optima
from flexmore.analysis.findings.best_ranks.skill_ranks import compare_best_ranks
from flexmore.analysis.findings.comparisons import compare_joint
from flexmore.analysis.findings.contrasts import planned_contrasts
from flexmore.analysis.findings.noise import noise_floor
from flexmore.analysis.findings.pairs import list_pairs
from flexmore.analysis.findings.predictions import COLUMNS as PREDICTION_COLUMNS
from flexmore.analysis.findings.predictions import Evidence, judge
from flexmore.analysis.findings.recovery import recover
from flexmore.analysis.findings.regression import regress
from flexmore.analysis.findings.seeds import Run, compare_seeds
from flexmore.analysis.findings.shapes import compare_shapes
from flexmore.analysis.findings.skills import compare_skills
from flexmore.analysis.findings.summaries import best_ranks, joint_mixtures, parameters
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.additivity import COLUMNS as ADDITIVITY_COLUMNS
from flexmore.analysis.selection.additivity import additivity
from flexmore.analysis.selection.budget import FRONT_COLUMNS, choices_of, front_of
from flexmore.analysis.selection.evidence import evidence_from_table
from flexmore.analysis.selection.heldout import cross_fit
from flexmore.analysis.selection.rules import RULES
from flexmore.analysis.selection.selections import selected_ranks, selections
from flexmore.analysis.statistics.gains import gains
from flexmore.analysis.statistics.held_out_pairs import HeldOutPairs, held_out_pairs
from flexmore.analysis.statistics.pair_bootstrap import GainSamples, bootstrap_gains
from flexmore.analysis.statistics.scopes import averages, scopes_of
from flexmore.analysis.tables.gaps import gaps
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError


def analyze(inputs: Inputs, settings: AnalysisSettings, facts: Mapping[str, int]) -> dict[str, pd.DataFrame]:
    """Make every table of `TABLES`.

    Args:
        inputs: the collected tables.
        settings: section `analysis` of the configuration.
        facts: expert -> number of memorised facts, where the family is the pocket; empty for any other, of which
            nothing was predicted.
    """
    scores, item_scores = inputs.scores, inputs.item_scores()
    scopes = scopes_of(scores, settings.skills)
    samples = bootstrap_gains(scores, inputs.items, settings, inputs.clusters)
    analyzed = _analyze_run(inputs, settings, facts, samples)
    run, controls, held = analyzed.run, analyzed.controls, analyzed.held
    coefficients, fits = regress(scores, settings)
    numbered = (scores["kind"] == "pair") & scores["rank"].str.isdigit()
    evidence = None
    if numbered.any():
        evidence = evidence_from_table(scores, inputs.items, inputs.spectra, settings, inputs.clusters)
    judged_rules = cross_fit(scores, item_scores, inputs.spectra, settings)
    chosen = selections(evidence, item_scores, scopes)
    front, tested = _budget_tables(run.gains, chosen)
    everything = run.gains if controls is None else pd.concat([run.gains, controls], ignore_index=True)
    others = {seed: _analyze_run(other, settings, facts).run for seed, other in inputs.others.items()}
    chances = chance_of_tasks(scores)
    return {
        "averages": averages(scores, list(chances.loc[chances["at_chance"] == "yes", "task"])),
        "pairs": list_pairs(run.gains),
        "gains": everything[everything["scope"] != "task"].reset_index(drop=True),
        "gains_by_task": everything[everything["scope"] == "task"].reset_index(drop=True),
        "chosen": judge_chosen(held, run.r95, settings),
        "skill_ranks": analyzed.skill_ranks,
        "optima": analyzed.optima,
        "r95": run.r95,
        "skills": compare_skills(run.gains, samples, settings),
        "regression": coefficients,
        "regression_fits": fits,
        "shapes": compare_shapes(scores, item_scores, fits, settings),
        "selections": chosen,
        "heldout": judged_rules,
        "contrasts": planned_contrasts(scores, item_scores, scopes, judged_rules, settings),
        "comparisons": compare_joint(scores, item_scores, scopes, settings),
        "best_ranks": best_ranks(run.gains, run.r95, samples, settings.confidence),
        "joint": joint_mixtures(run.gains),
        "parameters": parameters(run.gains),
        "budget": front,
        "additivity": tested,
        "noise": noise_floor(scores, item_scores, scopes, settings),
        "predictions": run.predictions,
        "seeds": compare_seeds({inputs.seed: run} | others),
        "unread": unread_answers(scores),
        "cut": cut_prompts(scores),
        "at_chance": chances,
        "gaps": gaps(scores),
    }


@dataclass(frozen=True)
class _Analyzed:
    """Hold what is made of every run: its tables that are compared over seeds, and what they were made from.

    Attributes:
        run: the tables that are compared.
        controls: the gains of the controls, None where the run has none.
        held: the pairs on held-out items.
        optima: the calls of optima.
        skill_ranks: the calls of reasoning's best rank against knowledge's.
    """

    run: Run
    controls: pd.DataFrame | None
    held: HeldOutPairs | None
    optima: pd.DataFrame
    skill_ranks: pd.DataFrame


def _analyze_run(
    inputs: Inputs, settings: AnalysisSettings, facts: Mapping[str, int], samples: GainSamples | None = None
) -> _Analyzed:
    """Analyze one run; without `samples` r95 has no intervals."""
    held = held_out_pairs(inputs.scores, inputs.item_scores(), settings)
    optima, skill_ranks = find_optima(held, settings), compare_best_ranks(held, settings)
    gained = gains(inputs.scores, inputs.items, settings.confidence, settings.skills, inputs.clusters)
    controls = _control_gains(inputs, settings)
    recovered = recover(gained, settings, samples)
    predictions = pd.DataFrame(columns=PREDICTION_COLUMNS)
    if facts:
        evidence = Evidence(
            inputs.scores, gained, recovered, controls, inputs.items, inputs.clusters, optima, skill_ranks
        )
        predictions = judge(evidence, facts, settings.confidence)
    return _Analyzed(Run(gained, recovered, predictions), controls, held, optima, skill_ranks)


def _control_gains(inputs: Inputs, settings: AnalysisSettings) -> pd.DataFrame | None:
    """Return the gains of the controls over public; None where there are none."""
    if inputs.controls is None or inputs.controls.empty:
        return None
    baseline = inputs.scores[inputs.scores["kind"] == "baseline"]
    both = pd.concat([baseline, inputs.controls], ignore_index=True)
    return gains(both, inputs.items, settings.confidence, settings.skills, inputs.clusters)


def _budget_tables(gained: pd.DataFrame, chosen: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the Pareto front and the test of its assumption; both are empty where no joint mixture has a known size."""
    try:
        choices = choices_of(gained)
    except FlexmoreError:
        return pd.DataFrame(columns=FRONT_COLUMNS), pd.DataFrame(columns=ADDITIVITY_COLUMNS)
    front = front_of(choices)
    selected = {rule: ranks for rule, ranks in selected_ranks(chosen).items() if rule in RULES}
    return front.rename(columns={e: f"rank of {e}" for e in choices.experts}), additivity(gained, choices, selected)
