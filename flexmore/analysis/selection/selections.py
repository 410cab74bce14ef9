"""The selections of ranks that rules make, compared with the ranks of the highest averages."""

import numpy as np
import pandas as pd

from flexmore.analysis.selection.evidence import Evidence, evidence_from_table
from flexmore.analysis.selection.rules import RULES
from flexmore.analysis.statistics.errors import scope_errors
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import DIGITS, Array, Scopes, interval
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

COLUMNS = [
    "rule", "reads", "expert", "rank", "average", "stderr", "gain", "parameters", "best_rank", "behind", "behind_low",
    "behind_high", "saved", "note",
]  # fmt: skip


def select(
    rule: str,
    scores: pd.DataFrame,
    items: pd.DataFrame | None = None,
    spectra: pd.DataFrame | None = None,
    settings: AnalysisSettings | None = None,
    clusters: pd.DataFrame | None = None,
) -> dict[str, int]:
    """Choose each expert's rank by one rule.

    Args:
        rule: a name in `RULES`.
        scores: the tidy table, or just its baseline and pairs.
        items: the table of items, for standard errors; or None.
        spectra: singular values, which some rules read; or None.
        settings: section `analysis` of the configuration; None: the defaults.
        clusters: as for `item_scores.item_scores_of`.

    Returns:
        expert -> rank of the ladder.

    Raises:
        FlexmoreError: an unknown rule, or nothing to choose from.
    """
    if rule not in RULES:
        raise FlexmoreError(f"selection {rule!r}: no such rule; expected one of {', '.join(RULES)}")
    return RULES[rule].choose(evidence_from_table(scores, items, spectra, settings, clusters))


def selections(evidence: Evidence | None, item_scores: ItemScores | None, scopes: Scopes) -> pd.DataFrame:
    """Compare the ranks of every rule with those of the highest averages.

    Args:
        evidence: what the rules choose from; None where no pair has a numbered rank.
        item_scores: for paired intervals of the difference; None: no intervals.
        scopes: of the table, its first the average.

    Returns:
        Columns `COLUMNS`: average, stderr, gain over public and total parameters of that expert's pair, how far it is
        behind the rank with the highest average (`behind`, 0 for `best` itself, negative: lower), and the share of
        that pair's parameters that it saves. The highest of several averages is too high (`heldout.py`). Where a rule
        cannot be applied, one row says why.
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
        low, high = _behind(chosen["mixture"], best["mixture"], item_scores, scopes, evidence.settings.confidence)
        tables.append(
            chosen.assign(
                rule=name, reads=rule.reads, best_rank=best["rank"].to_numpy(),
                behind=np.round(chosen["average"].to_numpy() - best["average"].to_numpy(), DIGITS), behind_low=low,
                behind_high=high, saved=1 - chosen["parameters"].to_numpy() / best["parameters"].to_numpy(), note="",
            )
        )  # fmt: skip
    table = pd.concat(tables, ignore_index=True).reindex(columns=COLUMNS)
    labels = table[["rank", "best_rank"]].map(lambda rank: "" if pd.isna(rank) else str(int(rank)))
    return table.assign(**labels, expert=table["expert"].fillna(""))


def _behind(
    chosen: pd.Series, best: pd.Series, item_scores: ItemScores | None, scopes: Scopes, confidence: float
) -> tuple[Array, Array]:
    """Return the paired interval of how far the chosen mixtures are behind the best; missing without items."""
    if item_scores is None:
        return np.full(len(chosen), np.nan), np.full(len(chosen), np.nan)
    one, other = item_scores.only(list(chosen)), item_scores.only(list(best))
    difference = one.less(other)
    error, freedom = scope_errors(difference, scopes.only(["average"]))
    value = difference.means() @ scopes.weights[:1].T
    low, high = interval(value, error, freedom, confidence)
    return low[:, 0], high[:, 0]


def selected_ranks(chosen: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return the ranks of every rule from a table of `selections`: rule -> expert -> rank."""
    rows = chosen[chosen["note"].fillna("") == ""]
    groups = rows.groupby("rule", sort=False)
    return {str(rule): dict(zip(own["expert"], own["rank"], strict=True)) for rule, own in groups}
