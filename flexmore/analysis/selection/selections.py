"""Selections: the rules of `rules.py` applied to the pairs' scores and spectra, and compared with the measured best."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from flexmore.analysis.selection.rules import RULES
from flexmore.analysis.statistics.gains import score_errors
from flexmore.analysis.statistics.isotonic import monotone, reach
from flexmore.analysis.statistics.items import ItemScores, item_scores_of
from flexmore.analysis.statistics.scopes import Array, Scopes, interval, matrix, scopes_of, spread
from flexmore.analysis.tables.ranks import full, numbered
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

COLUMNS = [
    "rule", "reads", "expert", "rank", "average", "stderr", "gain", "parameters", "best_rank", "behind", "behind_low",
    "behind_high", "saved", "note",
]  # fmt: skip
ABOUT = ["mixture", "kind", "experts", "rank", "effective_rank", "parameters"]


@dataclass(frozen=True)
class Evidence:
    """What a rule chooses from.

    Attributes:
        candidates: the pairs at the ladder's distinct ranks (no full, no extras), a row each: expert, rank (the
            nominal one, int), effective_rank (int), mixture, average, stderr (of the average), gain (missing
            without a baseline), parameters.
        whole: full's gain by expert and the lower end of its interval: columns expert, gain, low.
        spectra: of `spectra.gather_spectra`, or None.
    """

    candidates: pd.DataFrame
    whole: pd.DataFrame
    spectra: pd.DataFrame | None = None
    settings: AnalysisSettings = field(default_factory=AnalysisSettings)

    def at_least(self, needed: dict[str, float]) -> dict[str, int]:
        """The smallest rank of the ladder that is at least what each expert needs, else the largest."""
        chosen = {}
        for expert, own in self.candidates.groupby("expert"):
            own = own.sort_values("effective_rank")
            enough = own[own["effective_rank"] >= np.ceil(round(needed[str(expert)], 9))]
            chosen[str(expert)] = int((enough if len(enough) else own.tail(1))["rank"].iloc[0])
        return chosen

    def recovering(self) -> dict[str, int]:
        """The smallest rank whose monotone fit keeps `settings.recovery` of full's gain."""
        whole = self.whole.set_index("expert")
        chosen = {}
        for expert, own in self.candidates.groupby("expert"):
            if expert not in whole.index:
                raise FlexmoreError(f"selection 'r95' asks what full gains, and the table has no full {expert}")
            own, row = own.sort_values("effective_rank"), whole.loc[expert]
            fit = monotone(own["gain"].to_numpy())
            place = int(reach(fit, np.asarray(self.settings.recovery * row["gain"]))) if row["low"] > 0 else 0
            chosen[str(expert)] = int(own["rank"].iloc[min(place, len(own) - 1)])
        return chosen


def evidence_of(
    scores: pd.DataFrame,
    items: pd.DataFrame | None,
    spectra: pd.DataFrame | None = None,
    settings: AnalysisSettings | None = None,
) -> Evidence:
    """Gather what rules choose from.

    Args:
        scores: the tidy table, or its baseline and pairs.
        items: per-item values; without them the standard errors come from the scores'.

    Raises:
        FlexmoreError: there are no pairs at a numbered rank.
    """
    settings = settings or AnalysisSettings()
    pairs = scores[scores["kind"].isin(["baseline", "pair"])]
    if not ((pairs["kind"] == "pair") & pairs["rank"].str.isdigit()).any():
        raise FlexmoreError(
            "selections choose among the pairs' ladder ranks, and the table has none; evaluate pairs first"
        )
    scopes = scopes_of(scores).only(["average"])
    about = pairs[ABOUT].drop_duplicates("mixture")
    baseline = about.loc[about["kind"] == "baseline", "mixture"]
    values = matrix(pairs, "score", scopes.tasks).to_numpy()
    if items is not None:
        reference = str(baseline.iloc[0]) if len(baseline) else str(about["mixture"].iloc[0])
        answers = item_scores_of(items, list(about["mixture"]), scopes.tasks, reference)
        return _evidence(about, values, answers.errors(), answers.minus(reference).errors(), scopes, spectra, settings)
    stderr, freedom = score_errors(pairs, None, scopes)
    public = (about["kind"] == "baseline").to_numpy()
    against = np.hypot(stderr, stderr[public]) if public.any() else np.full_like(stderr, np.nan)
    return _evidence(about, values, (stderr, freedom), (against, freedom), scopes, spectra, settings)


def evidence_from(
    answers: ItemScores, about: pd.DataFrame, scopes: Scopes, spectra: pd.DataFrame | None, settings: AnalysisSettings
) -> Evidence:
    """The same from a part of the items: a half of them, or some groups'.

    Args:
        answers: of the baseline and the pairs, in the order of `about`.
        about: their columns `ABOUT`.
        scopes: a single one, which stands for the average.
    """
    baseline = about.loc[about["kind"] == "baseline", "mixture"]
    against = answers.minus(str(baseline.iloc[0])).errors() if len(baseline) else answers.errors()
    return _evidence(about, answers.means(), answers.errors(), against, scopes, spectra, settings)


def _evidence(
    about: pd.DataFrame,
    values: Array,
    own: tuple[Array, Array],
    against: tuple[Array, Array],
    scopes: Scopes,
    spectra: pd.DataFrame | None,
    settings: AnalysisSettings,
) -> Evidence:
    """Args:
    values: mixtures x tasks.
    own: standard errors of the scores and their n - 1, mixtures x tasks.
    against: the same of the gains over public.
    """
    used = scopes.weights[0] > 0
    part = Scopes(scopes.index, scopes.weights[:, used], [])
    error, _ = spread(part, *(array[:, used] for array in own))
    gain_error, freedom = spread(part, *(array[:, used] for array in against))
    # rounded, so that the same means added in another order are a tie
    average = np.round(values[:, used] @ part.weights[0], 12)
    public = average[(about["kind"] == "baseline").to_numpy()]
    gain = np.round(average - public[0], 12) if len(public) else np.full(len(average), np.nan)
    low, _ = interval(gain, gain_error[:, 0], freedom[:, 0], settings.confidence)
    estimates = about.assign(average=average, stderr=error[:, 0], gain=gain, low=low)
    found = numbered(estimates, kinds=("pair",)).rename(columns={"experts": "expert"})
    found = found.assign(rank=found["rank"].astype(int))
    whole = full(estimates).rename(columns={"experts": "expert"})
    return Evidence(
        found[["expert", "rank", "effective_rank", "mixture", "average", "stderr", "gain", "parameters"]],
        whole[["expert", "gain", "low"]],
        spectra,
        settings,
    )


def select(
    rule: str,
    scores: pd.DataFrame,
    items: pd.DataFrame | None = None,
    spectra: pd.DataFrame | None = None,
    settings: AnalysisSettings | None = None,
) -> dict[str, int]:
    """Apply a rule to the pairs' scores and spectra.

    Args:
        rule: a name in `RULES`.
        scores: the tidy table, or just its baseline and pairs.
        items: their items, for standard errors.

    Returns:
        expert -> rank of the ladder.

    Raises:
        FlexmoreError: an unknown rule, or nothing to choose from.
    """
    if rule not in RULES:
        raise FlexmoreError(f"selection {rule!r}: no such rule; expected one of {', '.join(RULES)}")
    return RULES[rule].choose(evidence_of(scores, items, spectra, settings))


def selections(evidence: Evidence | None, answers: ItemScores | None, scopes: Scopes) -> pd.DataFrame:
    """Every rule's ranks beside the measured best.

    Args:
        answers: for paired intervals of the difference; None: no intervals.
        scopes: of the table, its first the average.

    Returns:
        Columns `COLUMNS`: average, stderr, gain over public and total parameters of that expert's pair, how far it is
        behind the rank with the highest average (`behind`, 0 for `best` itself, negative: lower), and the share of
        that pair's parameters that it saves. The highest of several is flattered (`heldout.py`). Where a rule cannot
        be applied, one row says why.
    """
    if evidence is None:
        return pd.DataFrame(columns=COLUMNS)
    found = evidence.candidates
    top = found[found["rank"] == found["expert"].map(RULES["best"].choose(evidence))].set_index("expert")
    tables = []
    for name, rule in RULES.items():
        try:
            ranks = rule.choose(evidence)
        except FlexmoreError as error:
            tables.append(pd.DataFrame([{"rule": name, "reads": rule.reads, "note": str(error)}]))
            continue
        chosen = found.merge(pd.DataFrame(list(ranks.items()), columns=["expert", "rank"]))
        best = top.loc[chosen["expert"]]
        low, high = _behind(chosen["mixture"], best["mixture"], answers, scopes, evidence.settings.confidence)
        tables.append(
            chosen.assign(
                rule=name, reads=rule.reads, best_rank=best["rank"].to_numpy(),
                behind=np.round(chosen["average"].to_numpy() - best["average"].to_numpy(), 12), behind_low=low,
                behind_high=high, saved=1 - chosen["parameters"].to_numpy() / best["parameters"].to_numpy(), note="",
            )
        )  # fmt: skip
    table = pd.concat(tables, ignore_index=True).reindex(columns=COLUMNS)
    labels = table[["rank", "best_rank"]].map(lambda rank: "" if pd.isna(rank) else str(int(rank)))
    return table.assign(**labels, expert=table["expert"].fillna(""))


def _behind(
    chosen: pd.Series, best: pd.Series, answers: ItemScores | None, scopes: Scopes, confidence: float
) -> tuple[Array, Array]:
    if answers is None:
        return np.full(len(chosen), np.nan), np.full(len(chosen), np.nan)
    one, other = answers.only(list(chosen)), answers.only(list(best))
    pairs = zip(one.values, other.values, strict=True)
    difference = ItemScores(one.names, one.tasks, tuple(a - b for a, b in pairs))
    error, freedom = spread(scopes.only(["average"]), *difference.errors())
    value = difference.means() @ scopes.weights[:1].T
    low, high = interval(value, error, freedom, confidence)
    return low[:, 0], high[:, 0]
