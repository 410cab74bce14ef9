"""Simulated studies with a known truth: what does the analysis say of each?

Every study has the paper's 120 tasks with their numbers of items and clusters, six experts, 13 distinct ranks and
full. An item's answer is a thresholded normal; three quarters of its variance are shared by all mixtures. The
analysis is the package's own (`flexmore.analysis`); nothing of it is repeated here.

    python benchmarks/truths.py --out reports/truths.csv    # 1,000 studies of each truth
    python benchmarks/truths.py --studies 40 --truths A,L

What must come out is in docs/truths.md; `benchmarks/truth_report.py` writes one study's report.
"""

import argparse
import math
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from flexmore.analysis.findings.best_ranks.chosen import BOTH, NOTHING, judge_chosen
from flexmore.analysis.findings.best_ranks.optima import find_optima
from flexmore.analysis.findings.best_ranks.skill_ranks import HIGHER, LOWER, compare_best_ranks
from flexmore.analysis.statistics.clusters import Clusters
from flexmore.analysis.statistics.held_out_pairs import deal_pairs
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import Scopes, scopes_of
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings
from flexmore.evaluation.suite import PAPER_SUITE, Suite
from flexmore.report.page.formatting import markdown

Array = NDArray[np.float64]
EXPERTS = ("code", "creative", "math", "news", "pes2o", "reddit")
RANKS = tuple(2**power for power in range(13))
SATURATED = 12.0
LIMIT = 1000
PASSAGES = {
    "coqa": 2.3,
    "squad": 1.3,
    "drop": 1.9,
    "agieval_lsat_ar": 5.8,
    "agieval_lsat_rc": 7.3,
    "agieval_sat_en": 5.0,
}
"""Items about one passage, on the mean, of the tasks that ask several."""
HEIGHT, PEAK, AMPLITUDE, WOBBLE = 0.25, 0.5, 0.5, 0.4
"""Spread of experts' heights (shares) and peaks (doublings), tasks' amplitudes (shares), ranks (points)."""
SHARED = 0.75
SETTINGS = AnalysisSettings()

Curve = Callable[[bool, Array], Array]
"""Takes whether it is reasoning, and log2 ranks; returns points over public."""


def logistic(x: Array) -> Array:
    """Return 1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-x)))


def hump(gain: float, damage: float) -> Callable[[Array], Array]:
    """Return a curve that rises by `gain` around x = 4.2 and falls by `damage` around 8.2."""
    return lambda x: gain * logistic(1.2 * (x - 4.2)) - damage * logistic(1.2 * (x - 8.2))


def earlier(curve: Callable[[Array], Array], doublings: float = 3.0) -> Curve:
    """Return a truth whose knowledge does what its reasoning does, that many doublings earlier."""
    return lambda reasoning, x: curve(x if reasoning else x + doublings)


def both(curve: Callable[[Array], Array]) -> Curve:
    """Return a truth in which reasoning and knowledge do the same."""
    return lambda _, x: curve(x)


def swapped(truth: Curve) -> Curve:
    """Return the truth with reasoning and knowledge exchanged."""
    return lambda reasoning, x: truth(not reasoning, x)


def bump(centre: float) -> Callable[[Array], Array]:
    """Return a normal bump of 2.5 points with a standard deviation of two doublings."""
    return lambda x: 2.5 * np.exp(-0.5 * ((x - centre) / 2) ** 2)


def straight(peak: float, height: float = 2.5, fall: float = 1.5) -> Callable[[Array], Array]:
    """Return a curve that is straight on both sides of a peak, with `fall` points of fall."""
    return lambda x: np.where(x <= peak, height * x / peak, height - fall * (x - peak) / (SATURATED - peak))


def straight_in_skills(reasoning_peak: float, knowledge_peak: float) -> Curve:
    """Return a truth of straight curves."""
    curves = {True: straight(reasoning_peak), False: straight(knowledge_peak)}
    return lambda reasoning, x: curves[reasoning](x)


def damage(x: Array) -> Array:
    """Return what falls by 9 points around x = 7."""
    return -9 * logistic(x - 7)


A = earlier(hump(3.0, 4.5))


@dataclass(frozen=True)
class Truth:
    """Hold a truth.

    Attributes:
        curve: of the experts; of every second expert `other`, where there is one.
        optima: the true best places of reasoning and knowledge, log2 ranks; None where there is no optimum.
        r95: log2 of the true one, of both; None where full does not gain or it differs.
    """

    about: str
    curve: Curve
    optima: tuple[float, float] | None = None
    other: Curve | None = None
    r95: float | None = None


TRUTHS: dict[str, Truth] = {
    "A": Truth("optimum 64 for reasoning, 8 for knowledge; full 1.5 below public", A, (6, 3)),
    "B": Truth("the same optima, full equal to public", lambda reasoning, x: bump(6 if reasoning else 3)(x), (6, 3)),
    "C": Truth("the same optima, gains everywhere", earlier(hump(5.0, 3.0)), (6.4, 3.4)),
    "D": Truth("as A, reversed", swapped(A), (3, 6)),
    "E": Truth("as A, one optimum for both", both(lambda x: hump(3.0, 4.5)(x + 1)), (5, 5)),
    "F": Truth("reasoning flat, knowledge only damaged", lambda reasoning, x: 0 * x if reasoning else damage(x)),
    "G": Truth(
        "reasoning saturates, knowledge peaks at 32",
        lambda reasoning, x: 3 * logistic(1.2 * (x - 4.2)) if reasoning else hump(3.0, 4.5)(x + 1),
    ),
    "H": Truth("half of the experts as A, half reversed", A, other=swapped(A)),
    "I": Truth("gains only fall with rank", lambda reasoning, x: 4 + damage(x if reasoning else x + 2)),
    "J": Truth("saturating", both(lambda x: 4 * logistic(1.2 * (x - 5))), r95=8),
    "K": Truth("the same gain above public at every rank", both(lambda x: 2 + 0 * x), r95=0),
    "L": Truth("every rank equals public", both(lambda x: 0 * x)),
    "M": Truth("damage only, less at low rank", both(damage)),
    "A straight": Truth("as A, straight in log2 rank", straight_in_skills(6, 3), (6, 3)),
    "D straight": Truth("as D, straight in log2 rank", straight_in_skills(3, 6), (3, 6)),
    "E straight": Truth("as E, straight in log2 rank", straight_in_skills(5, 5), (5, 5)),
    "H straight": Truth("as H, straight in log2 rank", straight_in_skills(6, 3), other=straight_in_skills(3, 6)),
    "G straight": Truth(
        "as G, straight in log2 rank",
        lambda reasoning, x: np.minimum(x, 6.0) / 2 if reasoning else straight(5)(x),
    ),
    "I straight": Truth("as I, straight in log2 rank", both(lambda x: 4 - x / 3)),
    "M straight": Truth("as M, straight in log2 rank", both(lambda x: -x / 3)),
}


@dataclass(frozen=True)
class Suite120:
    """Hold the tasks of the paper.

    Attributes:
        names, groups: of the tasks.
        sizes: how many items are asked.
        clusters: of the items.
        passages: whether a task asks several items about a passage.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    sizes: tuple[int, ...]
    clusters: Clusters
    passages: tuple[bool, ...]
    scopes: Scopes
    table: pd.DataFrame = field(repr=False)


def paper_suite() -> Suite120:
    """Read the tasks of the paper; which items share a passage is drawn once."""
    index = Suite.read(PAPER_SUITE).index
    generator, first, clusters = np.random.default_rng(0), 0, []
    sizes = [min(LIMIT, info.n) for info in index]
    for info, size in zip(index, sizes, strict=True):
        count = size if info.task not in PASSAGES else round(size / PASSAGES[info.task])
        own = np.arange(size) if count == size else generator.integers(0, count, size)
        clusters.append(first + own.astype(np.int64))
        first += size
    table = pd.DataFrame(
        {
            "mixture": "public",
            "task": [info.task for info in index],
            "group": [info.group for info in index],
            "domain": "",
        }
    )
    scopes = scopes_of(table, SETTINGS.skills).only(("average", "skill", "group"))
    return Suite120(
        tuple(info.task for info in index), tuple(info.group for info in index), tuple(sizes),
        Clusters(tuple(clusters)), tuple(info.task in PASSAGES for info in index), scopes, table,
    )  # fmt: skip


def draw_effects(truth: Truth, suite: Suite120, generator: np.random.Generator) -> Array:
    """Draw the effects of one study's pairs: experts x (ranks, full) x tasks, shares of a score."""
    x = np.append(np.log2(RANKS), SATURATED)
    reasoning = np.isin(suite.groups, SETTINGS.reasoning)
    amplitude = np.maximum(generator.normal(1, AMPLITUDE, len(suite.names)), 0)
    for skill in (True, False):  # the mean over a skill is the curve's
        amplitude[reasoning == skill] /= amplitude[reasoning == skill].mean()
    effects = np.zeros((len(EXPERTS), len(x), len(suite.names)))
    for expert in range(len(EXPERTS)):
        curve = truth.other if truth.other is not None and expert % 2 else truth.curve
        height, moved = generator.normal(1, HEIGHT), generator.normal(0, PEAK)
        for skill in (True, False):
            own = height * curve(skill, x - moved)[:, None] * amplitude[reasoning == skill]
            effects[expert][:, reasoning == skill] = own + generator.normal(0, WOBBLE, len(x))[:, None]
    return effects / 100


def draw_items(effects: Array, suite: Suite120, generator: np.random.Generator) -> list[NDArray[np.float32]]:
    """Draw the answers of public and of every pair: per task, mixtures x items."""
    values, single = [], np.float32
    for task, size in enumerate(suite.sizes):
        level = generator.uniform(0.35, 0.75)
        right = np.clip(np.append(level, level + effects[:, :, task].ravel()), 0.02, 0.98)
        limits = norm.ppf(right).astype(single)[:, None]
        shared, own = generator.standard_normal(size, single), generator.standard_normal((len(right), size), single)
        if suite.passages[task]:  # half of each variance is the passage's
            number = suite.clusters.numbers[task]
            number = number - number.min()
            count = int(number.max()) + 1
            half = single(math.sqrt(0.5))
            shared = half * (shared + generator.standard_normal(count, single)[number])
            own = half * (own + generator.standard_normal((len(right), count), single)[:, number])
        values.append(
            (single(math.sqrt(SHARED)) * shared + single(math.sqrt(1 - SHARED)) * own < limits).astype(single)
        )
    return values


@dataclass(frozen=True)
class Drawer:
    """Draw studies of one suite and analyse them."""

    suite: Suite120

    def study(self, truth: Truth, seed: tuple[int, int]) -> dict[str, object]:
        """Draw one study and return what the analysis says of it."""
        generator, suite = np.random.default_rng(seed), self.suite
        values = draw_items(draw_effects(truth, suite, generator), suite, generator)
        names = ["public", *(f"{expert}-{rank}" for expert in EXPERTS for rank in (*RANKS, "full"))]
        order = np.argsort([name.endswith("-full") for name in names], kind="stable")
        item_scores = ItemScores(
            tuple(names[row] for row in order), suite.names, tuple(value[order] for value in values), suite.clusters
        )
        held = deal_pairs(
            item_scores, suite.scopes, suite.groups, EXPERTS, tuple(str(rank) for rank in RANKS), np.array(RANKS),
            np.ones(len(EXPERTS), dtype=np.bool_),
        )  # fmt: skip
        return said(
            compare_best_ranks(held, SETTINGS), find_optima(held, SETTINGS),
            judge_chosen(held, pd.DataFrame(columns=["expert", "scope", "name", "r95"]), SETTINGS), truth,
        )  # fmt: skip


def said(skill_ranks: pd.DataFrame, optima: pd.DataFrame, chosen: pd.DataFrame, truth: Truth) -> dict[str, object]:
    """Return what a report would say of one study."""
    over_all = skill_ranks[skill_ranks["expert"] == ALL].iloc[0]
    calls = optima[optima["optimum"] == "yes"]
    skills = optima[(optima["expert"] == ALL) & (optima["scope"] == "skill")].set_index("name")
    picked = chosen[(chosen["expert"] == ALL) & (chosen["scope"] == "skill")].set_index("name")
    every = chosen[chosen["scope"] == "skill"]
    row: dict[str, object] = {
        "higher": over_all["call"] == HIGHER, "lower": over_all["call"] == LOWER,
        "higher, no plateau": over_all["call"] == HIGHER and "reasoning" not in over_all["plateau"],
        "higher, other tasks": over_all["tasks_call"] == HIGHER, "lower, other tasks": over_all["tasks_call"] == LOWER,
        "an expert's order called": (skill_ranks.loc[skill_ranks["expert"] != ALL, "call"] != "not told apart").any(),
        "both optima": (skills["optimum"] == "yes").all(), "an optimum somewhere": len(calls) > 0,
        "optimum of reasoning": skills["optimum"]["reasoning"] == "yes",
        "optimum of knowledge": skills["optimum"]["knowledge"] == "yes",
        "a rank beats full": (picked["verdict"] == BOTH).any(),
        "no rank beats public": (picked["verdict"] == NOTHING).all(),
        "no rank beats public, anywhere": (every["verdict"] == NOTHING).all(),
    }  # fmt: skip
    for place, name in enumerate(("reasoning", "knowledge")):
        row[f"place of {name}"] = math.log2(int(skills["rank"][name]))
        r95 = picked["r95"][name]
        if truth.r95 is not None:
            row[f"r95 of {name} within a step"] = r95.isdigit() and abs(math.log2(int(r95)) - truth.r95) <= 1
        if truth.optima is not None:
            low, high = (math.log2(int(skills[end][name])) for end in ("rank_low", "rank_high"))
            row[f"interval holds {name}'s"] = low - 0.5 <= truth.optima[place] <= high + 0.5
    return row


def rates(name: str, studies: list[Mapping[str, object]]) -> dict[str, object]:
    """Return how often each thing was said of one truth; of places the median."""
    table = pd.DataFrame(studies)
    found: dict[str, object] = {"truth": name, "about": TRUTHS[name].about, "studies": len(table)}
    for column in table:
        numbers = table[column].astype("float64")
        found[str(column)] = numbers.median() if str(column).startswith("place") else numbers.mean()
    return found


def _many(given: tuple[str, int, int]) -> list[dict[str, object]]:
    """Draw some studies of one truth: its name, the first and the number after the last."""
    name, start, end = given
    drawer = Drawer(paper_suite())
    number = list(TRUTHS).index(name)
    return [drawer.study(TRUTHS[name], (number, study)) for study in range(start, end)]


def simulate(names: list[str], studies: int, processes: int) -> pd.DataFrame:
    """Draw the studies of some truths, a row of rates each."""
    share = math.ceil(studies / processes)
    rows = []
    with ProcessPoolExecutor(processes) as pool:
        for name in names:
            start = time.perf_counter()
            parts = [(name, at, min(at + share, studies)) for at in range(0, studies, share)]
            rows.append(rates(name, [study for part in pool.map(_many, parts) for study in part]))
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return pd.DataFrame(rows)


SHOWN = (
    "higher", "higher, no plateau", "lower", "both optima", "an optimum somewhere", "a rank beats full",
    "no rank beats public",
)  # fmt: skip
"""The columns of the table that is read; all of them are in the file."""


def as_markdown(table: pd.DataFrame) -> str:
    """Return the rates as a table, with the median places of both optima as ranks."""
    rows = [
        [
            row["truth"], row["about"], *(f"{100 * row[column]:.1f} %" for column in SHOWN),
            " and ".join(f"{2 ** row[f'place of {name}']:.0f}" for name in ("reasoning", "knowledge")),
        ]
        for row in table.to_dict("records")
    ]  # fmt: skip
    return markdown(["truth", "is", *SHOWN, "median best ranks, reasoning and knowledge"], rows)


def main() -> None:
    """Simulate, print and write the table of rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--truths", default=",".join(TRUTHS), help="names, separated by commas")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="write the table as CSV")
    given = parser.parse_args()
    table = simulate(given.truths.split(","), given.studies, given.processes)
    print(as_markdown(table))
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        table.round(4).to_csv(given.out, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
