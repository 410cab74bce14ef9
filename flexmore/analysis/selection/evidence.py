"""The evidence that rules choose ranks from: averages and gains of the pairs, and spectra."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.statistics.errors import scope_errors
from flexmore.analysis.statistics.gains import score_errors
from flexmore.analysis.statistics.item_scores import ItemScores, item_scores_of
from flexmore.analysis.statistics.scopes import DIGITS, Array, Scopes, interval, matrix, scopes_of, spread
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

MIXTURE_COLUMNS = ["mixture", "kind", "experts", "rank", "effective_rank", "parameters"]


@dataclass(frozen=True)
class Evidence:
    """Hold what a rule chooses from.

    Attributes:
        candidates: the pairs at the ladder's distinct ranks (no full, no extras), a row each: expert, rank (the
            nominal one, int), effective_rank (int), mixture, average, stderr (of the average), gain (missing
            without a baseline), parameters.
        whole: full's gain by expert and the lower end of its interval: columns expert, gain, low.
        spectra: singular values as `gather_spectra` returns them; None where there are none.
        settings: the shares and levels that rules use.
    """

    candidates: pd.DataFrame
    whole: pd.DataFrame
    spectra: pd.DataFrame | None = None
    settings: AnalysisSettings = field(default_factory=AnalysisSettings)


def evidence_from_table(
    scores: pd.DataFrame,
    items: pd.DataFrame | None,
    spectra: pd.DataFrame | None = None,
    settings: AnalysisSettings | None = None,
    clusters: pd.DataFrame | None = None,
) -> Evidence:
    """Gather the evidence from the tidy table of scores.

    Args:
        scores: the tidy table, or its baseline and pairs.
        items: the table of items; without it the standard errors are those of the scores.
        clusters: as for `item_scores.item_scores_of`.

    Raises:
        FlexmoreError: there are no pairs at a numbered rank.
    """
    settings = settings or AnalysisSettings()
    pairs = scores[scores["kind"].isin(["baseline", "pair"])]
    if not ((pairs["kind"] == "pair") & pairs["rank"].str.isdigit()).any():
        raise FlexmoreError(
            "selections choose among the pairs' ladder ranks, and the table has none; evaluate pairs first"
        )
    scope = scopes_of(scores).only(["average"])
    about = pairs[MIXTURE_COLUMNS].drop_duplicates("mixture")
    if items is not None:
        baseline = about.loc[about["kind"] == "baseline", "mixture"]
        reference = str(baseline.iloc[0]) if len(baseline) else str(about["mixture"].iloc[0])
        item_scores = item_scores_of(items, list(about["mixture"]), scope.tasks, reference, clusters)
        means = _of_items(item_scores, about, scope)
        return _evidence(replace(means, average=_averages(pairs, scope)), spectra, settings)
    stderr, freedom = score_errors(pairs, scope)
    public = (about["kind"] == "baseline").to_numpy()
    gain_stderr = np.hypot(stderr, stderr[public]) if public.any() else np.full_like(stderr, np.nan)
    error, _ = spread(scope, stderr, freedom)
    gain_error = _column(spread(scope, gain_stderr, freedom))
    return _evidence(_Averages(about, _averages(pairs, scope), error[:, 0], *gain_error), spectra, settings)


def evidence_from_items(
    item_scores: ItemScores,
    about: pd.DataFrame,
    scope: Scopes,
    spectra: pd.DataFrame | None,
    settings: AnalysisSettings,
) -> Evidence:
    """Gather the evidence from some of the items: one half of them, or those of some groups.

    Args:
        item_scores: the baseline and the pairs, in the order of `about`.
        about: the columns `MIXTURE_COLUMNS` of these mixtures.
        scope: a single scope, which takes the place of the average.
    """
    return _evidence(_of_items(item_scores, about, scope), spectra, settings)


@dataclass(frozen=True)
class _Averages:
    """Hold the averages of some mixtures.

    Attributes:
        about: the columns `MIXTURE_COLUMNS`, a row per mixture.
        average, error: of each, and its standard error.
        gain_error, gain_freedom: standard error of the gain over public and its degrees of freedom.
    """

    about: pd.DataFrame
    average: Array
    error: Array
    gain_error: Array
    gain_freedom: Array


def _averages(pairs: pd.DataFrame, scope: Scopes) -> Array:
    """Return the averages that the table states."""
    found: Array = matrix(pairs, "score", scope.tasks).to_numpy() @ scope.weights[0]
    return found


def _of_items(item_scores: ItemScores, about: pd.DataFrame, scope: Scopes) -> _Averages:
    """Return the averages over items."""
    baseline = about.loc[about["kind"] == "baseline", "mixture"]
    gained = item_scores.minus(str(baseline.iloc[0])) if len(baseline) else item_scores
    used = scope.weights[0] > 0
    average = item_scores.means()[:, used] @ scope.weights[0, used]
    error, _ = scope_errors(item_scores, scope)
    return _Averages(about, average, error[:, 0], *_column(scope_errors(gained, scope)))


def _column(both: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the first column of two arrays."""
    return both[0][:, 0], both[1][:, 0]


def _evidence(means: _Averages, spectra: pd.DataFrame | None, settings: AnalysisSettings) -> Evidence:
    """Make the evidence from the averages."""
    # rounded, so that the same means added in another order are a tie
    average = np.round(means.average, DIGITS)
    public = average[(means.about["kind"] == "baseline").to_numpy()]
    gain = np.round(average - public[0], DIGITS) if len(public) else np.full(len(average), np.nan)
    low, _ = interval(gain, means.gain_error, means.gain_freedom, settings.confidence)
    estimates = means.about.assign(average=average, stderr=means.error, gain=gain, low=low)
    found = numbered(estimates, kinds=("pair",)).rename(columns={"experts": "expert"})
    found = found.assign(rank=found["rank"].astype(int))
    whole = full(estimates).rename(columns={"experts": "expert"})
    return Evidence(
        found[["expert", "rank", "effective_rank", "mixture", "average", "stderr", "gain", "parameters"]],
        whole[["expert", "gain", "low"]],
        spectra,
        settings,
    )
