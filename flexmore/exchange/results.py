"""Import results of other evaluators, OLMES and lm-eval, into the tidy table; a folder holds those of one model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from flexmore.analysis.tables.columns import COLUMNS, ITEM_COLUMNS, MIXTURE
from flexmore.analysis.tables.scores import typed
from flexmore.analysis.tables.storage import read_table, write_csv, write_parquet
from flexmore.analysis.tables.twins import difference
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import TaskInfo
from flexmore.exchange.evaluators import Result, read_results
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import find_mixture
from flexmore.mixtures.parameters import count_parameters, effective_rank
from flexmore.suites.study_suite import tasks_of

OWN = "flexmore"
"""The `source` of rows that this package evaluated."""


def import_results(study: Study, folder: Path, mixture: str, out: Path) -> str:
    """Put one model's results into `out`/tables/ as rows of a mixture, in the place of its earlier ones on these tasks.

    `out`/tables/ may hold the tables of a study, or of earlier imports, or nothing; all other rows stay as they are.
    The column `source` says where a row comes from, `versions.csv` how many mixtures come from each; a report on a
    table that mixes sources says so.

    Args:
        mixture: whose results they are; one of the study's.

    Returns:
        A line that says which tasks were imported, and how many are missing.

    Raises:
        FlexmoreError: there are no results or not what is needed of them (`read_results`), or the tables that are there
            are none, or describe the mixture otherwise.
    """
    infos = {info.task: info for info in tasks_of(study)}
    found = read_results(folder, infos)
    about = _about(study, mixture)
    results = [found[task] for task in infos if task in found]
    _merge(out / "tables", about, results, infos)
    lacking = [task for task in infos if task not in found]
    told = f"; {len(lacking)} of the suite are not there, first {lacking[0]}" if lacking else ""
    return f"{mixture}: {len(found)} tasks from {', '.join(sorted({r.source for r in results}))}{told}"


def _about(study: Study, name: str) -> dict[str, Any]:
    """Return the columns that are the same in every row of a mixture."""
    mixture, sizes = find_mixture(study, name), sizes_of(study)
    ranks = mixture.ranks
    rank = str(effective_rank(ranks[0], sizes)) if mixture.rank.isdigit() and ranks else mixture.rank
    if mixture.selected:
        raise FlexmoreError(f"{name}: its ranks are chosen from the pairs' scores; name one with fixed ranks")
    parameters = count_parameters(sizes, dict(zip(mixture.experts, ranks, strict=True)), mixture.active)["total"]
    told = {"mixture": name, "kind": mixture.kind, "experts": "+".join(mixture.experts), "rank": mixture.rank}
    return told | {"effective_rank": rank, "active": mixture.active, "parameters": parameters}


def _merge(tables: Path, about: Mapping[str, Any], results: Sequence[Result], infos: Mapping[str, TaskInfo]) -> None:
    """Write the tables with these rows in the place of the mixture's earlier ones on the same tasks."""
    rows = [
        {**about, "group": infos[r.task].group, "domain": infos[r.task].domain or "", "task": r.task}
        | {"metric": infos[r.task].metric, "score": r.score, "stderr": r.stderr, "n": r.n, "source": r.source}
        for r in results
    ]
    items = [{"mixture": about["mixture"], "task": r.task, "items": list(r.items)} for r in results if r.items]
    there = _scores_there(tables)
    _refuse_other_mixture(tables, there, about)
    own = [(about["mixture"], r.task) for r in results]
    scores = typed(_others(there, own, pd.DataFrame(rows)))
    scores = scores[[*COLUMNS, "source", *(name for name in scores.columns if name not in (*COLUMNS, "source"))]]
    path = tables / "items.parquet"
    old = read_table(path) if path.is_file() else pd.DataFrame(columns=list(ITEM_COLUMNS))
    new = _others(old, own, pd.DataFrame(items, columns=list(ITEM_COLUMNS)))[list(ITEM_COLUMNS)]
    versions = _versions(tables / "versions.csv", scores)
    write_parquet(tables / "scores.parquet", scores)
    write_csv(tables / "scores.csv", scores)
    write_parquet(path, new)
    write_csv(tables / "versions.csv", versions)


def _scores_there(tables: Path) -> pd.DataFrame:
    """Return the rows that a folder has, from scores.parquet or scores.csv; none where there is neither.

    Raises:
        FlexmoreError: they are no tidy table, or both are there and do not say the same.
    """
    found = []
    for path in (tables / "scores.parquet", tables / "scores.csv"):
        if path.is_file():
            table = read_table(path)
            source = table["source"].replace("", OWN) if "source" in table.columns else OWN
            try:
                found.append(typed(table.assign(source=source)))
            except (ValueError, TypeError, KeyError) as error:
                raise FlexmoreError(f"{path}: not a tidy table of scores ({error}); nothing was imported") from None
    if len(found) == 2 and (problem := difference(*found)):
        raise FlexmoreError(
            f"{tables}: scores.csv is not what scores.parquet says: {problem}; delete the one that is out of date; "
            "nothing was imported"
        )
    return found[0] if found else pd.DataFrame(columns=[*COLUMNS, "source"])


def _refuse_other_mixture(tables: Path, there: pd.DataFrame, about: Mapping[str, Any]) -> None:
    """Check that the rows of a mixture that are there describe it as the study does.

    Raises:
        FlexmoreError: they do not; a table holds one mixture under one name.
    """
    for row in there[there["mixture"] == about["mixture"]].drop_duplicates(list(MIXTURE)).to_dict("records"):
        for column in MIXTURE:
            if str(row[column]) != str(about[column]):
                raise FlexmoreError(
                    f"{tables}: {about['mixture']} has {column} {row[column]}, in this study {about[column]}; import "
                    "into another folder, or name the study's configuration with --config; nothing was imported"
                )


def _others(table: pd.DataFrame, own: Sequence[tuple[str, str]], rows: pd.DataFrame) -> pd.DataFrame:
    """Return a table with these rows in the place of those of the same mixture and task."""
    kept = table[[pair not in set(own) for pair in zip(table["mixture"], table["task"], strict=True)]]
    parts = [part for part in (kept, rows) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else rows


def _versions(path: Path, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the versions that the table had, with the number of mixtures from each source."""
    there = read_table(path) if path.is_file() else pd.DataFrame(columns=["what", "version", "mixtures"])
    counts = scores.groupby("source")["mixture"].nunique()
    sources = pd.DataFrame({"what": "source", "version": list(counts.index), "mixtures": list(counts)})
    return pd.concat([there[there["what"] != "source"], sources], ignore_index=True)
