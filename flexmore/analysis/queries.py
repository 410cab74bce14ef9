"""Answers to single questions, from measured tables: which ranks for a budget, which of two mixtures."""

from flexmore.analysis.findings.comparisons import compare
from flexmore.analysis.selection.budget import additivity, choices_of
from flexmore.analysis.selection.evidence import evidence_from_table
from flexmore.analysis.selection.recommend import Recommendation, recommend
from flexmore.analysis.selection.selections import selections
from flexmore.analysis.statistics.gains import gains
from flexmore.analysis.statistics.pair_draws import draw_pairs
from flexmore.analysis.statistics.scopes import scopes_of
from flexmore.analysis.study import Inputs, answers_to, selected_ranks
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError


def recommend_from(inputs: Inputs, budget: int, settings: AnalysisSettings) -> Recommendation:
    """The ranks for a budget of parameters.

    Raises:
        FlexmoreError: no pairs or no joint mixture in the table, or the budget is too small.
    """
    scores, scopes, answers = inputs.scores, scopes_of(inputs.scores), answers_to(inputs)
    gained = gains(scores, inputs.items, settings.confidence)
    choices = choices_of(gained)
    chosen = selections(evidence_from_table(scores, inputs.items, inputs.spectra, settings), answers, scopes)
    tested = additivity(gained, choices, selected_ranks(chosen))
    draws = draw_pairs(scores, inputs.items, settings)
    return recommend(budget, choices, draws, answers, scopes, tested, settings)


def compare_from(inputs: Inputs, first: str, other: str, settings: AnalysisSettings) -> dict[str, object]:
    """One row of `comparisons.compare`, of any two mixtures.

    Raises:
        FlexmoreError: no such mixture, or no per-item results.
    """
    known = set(inputs.scores["mixture"])
    for name in (first, other):
        if name not in known:
            raise FlexmoreError(f"no mixture {name!r} in the table; `flexmore grid` lists a study's")
    answers = answers_to(inputs)
    if answers is None:
        raise FlexmoreError("per-item results (items.parquet) are needed to compare two mixtures")
    row = compare(answers, scopes_of(inputs.scores), [(first, other)], settings).iloc[0]
    return {str(key): value for key, value in row.items()}
