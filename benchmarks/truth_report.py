"""Write one simulated study of a known truth as collected tables, and its report: what would a reader be told?

    python benchmarks/truth_report.py A out/truth-A     # then read out/truth-A/README.md

The mixtures are those of config/paper.yaml, all 150, with the paper's tasks and items. Pairs are drawn as in
`benchmarks/truths.py`. A joint mixture's effect is the mean of its experts' pairs', with a wobble of its own: an
assumption, since nothing is known of real ones.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from truths import EXPERTS, RANKS, TRUTHS, WOBBLE, Array, Suite120, draw_effects, draw_items, paper_suite

from flexmore.analysis.selection.selections import select
from flexmore.analysis.tables.scores import arrange, typed
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.architectures.sizes import ModelSizes
from flexmore.config.loading import load_study
from flexmore.evaluation.suite import PAPER_SUITE, Suite
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import Mixture, grid
from flexmore.mixtures.parameters import count_parameters, effective_rank
from flexmore.steps.use.report import report

LAST = len(RANKS) - 1
"""The place of the saturated rank, which is the full expert but for rounding."""
CONFIG = Path(__file__).parents[1] / "config" / "paper.yaml"


def write_study(name: str, folder: Path, seed: int) -> None:
    """Draw one study of a truth and write its collected tables to `folder`/tables/."""
    study, suite, generator = load_study(CONFIG), paper_suite(), np.random.default_rng(seed)
    sizes, mixtures = sizes_of(study), grid(study)
    effects = draw_effects(TRUTHS[name], suite, generator)
    # selections wait for the pairs' scores: the joint mixtures are drawn with the places of every rank, then chosen
    luck = np.random.default_rng(seed + 1)
    pairs = [mixture for mixture in mixtures if mixture.kind != "joint"]
    scores, items = _tables(pairs, [_effect(m, effects, {}, luck) for m in pairs], suite, sizes, {}, seed)
    rules = {mixture.rank for mixture in mixtures if mixture.selected}
    chosen = {rule: select(rule, scores, items) for rule in rules}
    every = [_effect(mixture, effects, chosen, luck) for mixture in mixtures]
    scores, items = _tables(list(mixtures), every, suite, sizes, chosen, seed)
    tables = folder / "tables"
    write_parquet(tables / "scores.parquet", scores)
    write_csv(tables / "scores.csv", scores)
    write_parquet(tables / "items.parquet", items)
    rows = [
        (task, [str(number) for number in numbers])
        for task, numbers, several in zip(suite.names, suite.clusters.numbers, suite.passages, strict=True)
        if several
    ]
    write_parquet(tables / "clusters.parquet", pd.DataFrame(rows, columns=["task", "clusters"]))


def _effect(
    mixture: Mixture, effects: Array, chosen: Mapping[str, Mapping[str, int]], luck: np.random.Generator
) -> Array:
    """Return a mixture's effect on every task; saturated ranks are the same adapter."""
    if not mixture.experts:
        return np.zeros(effects.shape[2])
    each = []
    for expert in mixture.experts:
        rank = chosen[mixture.rank][expert] if mixture.selected else mixture.rank
        place = LAST if rank == "full" else min(int(np.log2(int(rank))), LAST)
        each.append(effects[EXPERTS.index(expert), place])
    found: Array = np.mean(each, axis=0)
    return found + (luck.normal(0, WOBBLE / 100) if mixture.kind == "joint" else 0.0)


def _tables(
    mixtures: list[Mixture],
    effects: list[Array],
    suite: Suite120,
    sizes: ModelSizes,
    chosen: Mapping[str, Mapping[str, int]],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the answers of all mixtures and return the tidy table of scores and the table of items."""
    about = [_about(mixture, sizes, chosen) for mixture in mixtures]
    # one draw an adapter: saturated duplicates and full answer alike
    saturated = {"full": str(RANKS[LAST])}
    ranks = [saturated.get(str(row["effective_rank"]), str(row["effective_rank"])) for row in about]
    keys = [(row["kind"], row["experts"], rank, row["active"]) for row, rank in zip(about, ranks, strict=True)]
    distinct = {key: place for place, key in reversed(list(enumerate(keys)))}
    order = list(distinct.values())
    shape = (1, len(order), len(suite.names))
    values = draw_items(
        np.stack([effects[place] for place in order]).reshape(shape), suite, np.random.default_rng(seed)
    )
    row_of = {key: 1 + row for row, key in enumerate(distinct)}
    scores, items = [], []
    for task, info in enumerate(Suite.read(PAPER_SUITE).index):
        written = info.output_type == "generate_until"
        for row, key in zip(about, keys, strict=True):
            own = values[task][0 if row["kind"] == "baseline" else row_of[key]].astype(np.float64)
            n = len(own)
            scores.append(
                row
                | {
                    "task": info.task,
                    "group": info.group,
                    "domain": "",
                    "metric": info.metric,
                    "score": own.mean(),
                    "n": n,
                }
                | {"stderr": own.std(ddof=1) / np.sqrt(n), "answer": "written" if written else "chosen"}
                | {"unread": 0, "cut": 0, "chance": np.nan}
            )
            items.append({"mixture": row["mixture"], "task": info.task, "items": own})
    return arrange(typed(pd.DataFrame(scores))), pd.DataFrame(items)


def _about(mixture: Mixture, sizes: ModelSizes, chosen: Mapping[str, Mapping[str, int]]) -> dict[str, object]:
    """Return the columns that are the same in every row of a mixture."""
    ranks = dict(zip(mixture.experts, mixture.ranks, strict=False))
    if mixture.selected:
        ranks = dict(chosen[mixture.rank])
    numbered = mixture.rank.isdigit() and mixture.kind != "baseline"
    return {
        "mixture": mixture.name, "kind": mixture.kind, "experts": "+".join(mixture.experts), "rank": mixture.rank,
        "effective_rank": str(effective_rank(int(mixture.rank), sizes)) if numbered else mixture.rank,
        "active": mixture.active, "parameters": count_parameters(sizes, ranks, mixture.active)["total"],
    }  # fmt: skip


def main() -> None:
    """Write the tables and the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", choices=list(TRUTHS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    write_study(given.truth, given.folder, given.seed)
    print(report(given.folder))


if __name__ == "__main__":
    main()
