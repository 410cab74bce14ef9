"""Sentences on choices: which joint mixture, which rule, which budget, whether there is an optimum."""

import pandas as pd

from flexmore.analysis.findings.comparisons import UNCLEAR, indistinct
from flexmore.analysis.findings.regression import POOLED
from flexmore.analysis.findings.shapes import NO_ITEMS
from flexmore.analysis.ranks import full
from flexmore.analysis.selection.additivity import adds_up
from flexmore.analysis.tables.catalogue import ALL
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import count, listing, plural, points, probability, score

BARELY = 0.001
"""A gain that is too high by less than this share is called barely flattered."""


def say_joint(tables: Tables) -> list[str]:
    """Say how the joint mixtures do, and which of them the data can tell apart."""
    joint, comparisons = tables["joint"], tables["comparisons"]
    if joint.empty:
        return ["No joint mixture was evaluated."]
    public = float(tables["averages"].query("kind == 'baseline'")["average"].iloc[0])
    whole = full(joint)
    each = ", ".join(f"{score(row['average'])} with {row['active']} active" for _, row in whole.iterrows())
    joined = f", all experts joined in full {each}" if each else ""
    none = " No joint mixture averages more." if float(joint["average"].max()) <= public else ""
    found = [f"The public model alone averages {score(public)} points{joined}.{none}"]
    for active, own in comparisons.groupby("active"):
        found.append(_highest_joint(active, own, joint.set_index("mixture")))
    close = comparisons[(comparisons["verdict"] == UNCLEAR) & ~_same(comparisons)]
    if len(close):
        found.append(
            f"Between two joint mixtures that the data cannot tell apart, a true difference of "
            f"{score(close['detectable'].median())} "
            "points would have shown in 80 % of repeats (median)."
        )
    return found


def _highest_joint(active: object, comparisons: pd.DataFrame, joint: pd.DataFrame) -> str:
    """Say which joint mixture of one number of active experts is highest, and which the data cannot tell from it."""
    averages, sizes = joint["average"], joint["parameters"]
    tied = indistinct(comparisons, averages)
    top = tied[0]
    if len(tied) == 1:
        return f"With {active} active `{top}` is best: higher than every other after Holm's correction."
    alike = [name for name in tied[1:] if _alike(comparisons, top, name)]
    rest = [name for name in tied[1:] if name not in alike]
    first = listing(f"`{name}`" for name in (top, *alike))
    same = ", which answer every item alike," if alike else ""
    highest = f"With {active} active {first}{same} {'have' if alike else 'has'} the highest average"
    but = f", but the data cannot tell {'them' if alike else 'it'} from {listing(f'`{name}`' for name in rest)}"
    least = min(tied, key=lambda name: (sizes[name], name))
    also = [name for name in tied if sizes[name] == sizes[least]]
    return (
        f"{highest} ({score(averages[top])}){but if rest else ''}; the smallest of these, "
        f"{listing(f'`{name}`' for name in also)}, {'has' if len(also) == 1 else 'have'} {count(sizes[least])} "
        f"parameters."
    )


def _same(comparisons: pd.DataFrame) -> pd.Series:
    """Tell which rows compare mixtures that answer every item alike."""
    return (comparisons["difference"] == 0) & (comparisons["only_first"] == 0) & (comparisons["only_other"] == 0)


def _alike(comparisons: pd.DataFrame, first: str, other: str) -> bool:
    """Tell whether two mixtures answer every item alike."""
    both = comparisons["mixture"].isin([first, other]) & comparisons["other"].isin([first, other])
    return bool(_same(comparisons[both]).any())


def say_selection(tables: Tables) -> list[str]:
    """Say by how much choosing on the same items flatters, and how rules on spectra do."""
    held, found = tables["heldout"], []
    own = held[(held["expert"] == ALL) & (held["rule"] == "best")]
    if len(own):
        row = own.iloc[0]
        flatters = "is not seen to flatter"
        if row["optimism_low"] > 0:
            flatters = f"{'barely ' if row['optimism'] < BARELY else ''}flatters"
        found.append(
            f"Choosing each expert's rank by the highest average {flatters}: on the items that chose it gains "
            f"{points(row['naive'], 2)} points, on items that did not {points(row['held_out'], 2)}; the difference is "
            f"{points(row['optimism'], 2)} ({points(row['optimism_low'], 2)} to {points(row['optimism_high'], 2)})."
        )
        if pd.notna(row["other_groups"]):
            found.append(
                f"Ranks chosen on all groups but one gain {points(row['other_groups'], 2)} points on the one left out, "
                f"averaged over groups: {score(abs(row['transfer_loss']), 2)} points "
                f"{'less' if row['transfer_loss'] > 0 else 'more'}."
            )
    chosen = tables["selections"]
    rules = chosen[chosen["note"] == ""].groupby(["reads", "rule"], sort=False)[["behind", "saved"]].mean()
    if "spectra" in rules.index.get_level_values("reads"):
        spectral = (
            rules.reset_index("reads")
            .query("reads == 'spectra'")
            .sort_values(["behind", "saved"], ascending=False, kind="stable")
        )
        nearest = list(spectral.index[spectral["behind"] == spectral["behind"].iloc[0]])
        each = "; ".join(
            f"`{name}` {points(row['behind'], 2)} points, {_parameters(row['saved'])}"
            for name, row in spectral.iterrows()
        )
        found.append(
            f"Against the measured highest average, the rules that look at singular values alone: {each}. By score, "
            f"of which no test was made, {listing(f'`{name}`' for name in nearest)} "
            f"{'comes' if len(nearest) == 1 else 'come'} nearest."
        )
    return found


def _parameters(saved: float) -> str:
    """Return a share of parameters saved, in words."""
    return f"{abs(100 * saved):.0f} % {'fewer' if saved >= 0 else 'more'} parameters"


def say_reading(tables: Tables) -> list[str]:
    """Say what the paper's reading gives, and how it predicts held-out items."""
    shapes, coefficients = tables["shapes"], tables["regression"]
    found = []
    pooled = coefficients[(coefficients["response"] == POOLED) & (coefficients["term"] == "log2_rank^2")]
    if len(pooled) and pd.notna(pooled["p"].iloc[0]):
        row = pooled.iloc[0]
        found.append(
            "The quadratic in log2 rank, pooled over groups: its square has the coefficient "
            f"{points(row['coefficient'], 2)} points ({points(row['low'], 2)} to {points(row['high'], 2)}, clustered "
            f"by expert; {probability(row['p'])}, wild bootstrap {probability(row['p_wild'])})."
        )
    judged = shapes[shapes["note"] != NO_ITEMS]
    if judged.empty:
        return [*found, "Without per-item results it cannot be judged out of sample."]
    fits = judged["best_fit"].value_counts()
    each = listing(f"the {name} fit in {number_}" for name, number_ in fits.items() if name)
    found.append(f"Held-out items are predicted best by {each}.")
    return found


def say_budget(tables: Tables) -> list[str]:
    """Say whether gains add up, and what a budget buys."""
    front, tested = tables["budget"], tables["additivity"]
    if front.empty:
        return ["No budget can be spent: there is no uniform joint mixture to count parameters from."]
    errors = adds_up(tested)
    assumed = "That pair gains add up in a joint mixture is an assumption"
    if errors is None:
        return [f"{assumed}; no joint mixture of unequal ranks was measured to test it."]
    by_sum, by_size = errors
    unequal = tested[tested["closer"] != ""]
    verdict = "a uniform rank is recommended"
    if by_sum < by_size:
        verdict = "the sum is of use here, for what so few mixtures can say"
    return [
        f"{assumed}. The uniform mixtures say what joint gain a sum of pair gains comes to; nothing tests it but the "
        f"{plural(len(unequal), 'measured mixture')} with {plural(unequal['rank'].nunique(), 'set')} of unequal ranks: "
        f"the sum misses them by {score(by_sum, 2)} "
        "points on the mean, the number of parameters alone, read through the same uniform mixtures, by "
        f"{score(by_size, 2)}; so {verdict}. Below {count(unequal['parameters'].min())} parameters it is untested."
        f"{_plateau(tested)}"
    ]


def _plateau(tested: pd.DataFrame) -> str:
    """Warn where sums were tested only above all uniform mixtures, where the joint gain rises no more."""
    unequal = tested["closer"] != ""
    if tested.loc[unequal, "sum_of_gains"].min() <= tested.loc[~unequal, "sum_of_gains"].max():
        return ""
    return " All of their sums are above every uniform mixture's, where the joint gain rises no more: a weak test."
