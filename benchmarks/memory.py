"""The memory that the plan expects of each step against the peak that it had.

`memory.py study CONFIG` reads Snakemake's benchmarks of a finished study. Snakemake looks at a job now and then and
counts the pages of mapped files; of jobs of the same step the one with the highest peak counts. `memory.py made` makes
models of random weights and runs their steps, each in a process of its own, whose true peak the system tells.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from made import report, write_model

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import find_sweep, sweeps
from flexmore.planning.memory import (
    MIB,
    Memory,
    acquire_memory,
    evaluate_memory,
    factorize_memory,
    tables_memory,
)
from flexmore.pocket.tokenizer import build_tokenizer
from flexmore.suites.study_suite import tasks_of

TASKS = ["pocket_mc9_news_facts", "pocket_gen5_news_facts", "pocket_mmlu_public_job_1"]
HEAD = ["step", "measured MiB", "expected MiB", "expected / measured"]


def expected(study: Study, step: str) -> Memory:
    """Return what the plan expects of a step such as `factorize math` or `evaluate joint-a2`, on a CPU."""
    rule, _, subject = step.partition(" ")
    sizes, tasks = sizes_of(study), tasks_of(study)
    if rule == "acquire":
        return acquire_memory(study, sizes)
    if rule == "factorize":
        return factorize_memory(study, sizes)
    if rule == "evaluate":
        return evaluate_memory(study, sizes, find_sweep(study, subject), tasks, on_gpu=False)
    return tables_memory(study, tasks, rule)


def row(study: Study, step: str, measured: float) -> list[object]:
    """Return a line of the table.

    Args:
        measured: bytes.
    """
    planned = expected(study, step).resident
    return [step, round(measured / MIB), round(planned / MIB), f"{planned / measured:.2f}"]


def finished(study: Study) -> Iterator[list[object]]:
    """Yield a line for each step of a finished study that Snakemake recorded, and for each sweep."""
    folder = study.paths.root / "benchmarks"
    steps = {rule: list((folder / rule).glob("*.tsv")) for rule in ("acquire", "factorize")}
    steps |= {f"evaluate {sweep.name}": [folder / "evaluate" / f"{sweep.name}.tsv"] for sweep in sweeps(study)}
    steps |= {rule: [folder / f"{rule}.tsv"] for rule in ("collect", "analyze", "draw")}
    for step, files in steps.items():
        peaks = [float(pd.read_csv(path, sep="\t")["max_rss"].iloc[0]) for path in files if path.is_file()]
        if peaks:
            yield row(study, step, max(peaks) * MIB)


def made(folder: Path, options: argparse.Namespace) -> Iterator[list[object]]:
    """Yield a line for each step of a study of made-up models, as it is run."""
    names = ["math", "news", "code"][: options.experts]
    tokenizer = build_tokenizer(1024)
    sizes = {"hidden": options.hidden, "ffn": options.ffn, "layers": options.layers, "vocabulary": len(tokenizer)}
    for name in ("public", *names):
        expert = None if name == "public" else name
        dtype = getattr(torch, options.dtype)
        write_model(folder / name, expert, dtype=dtype, steep=options.steep, **sizes)
        tokenizer.save_pretrained(folder / name)
    content = {
        "family": "made", "results": str(folder / "results"), "ranks": [16, 256, options.hidden, "full"],
        "experts": {name: {"source": "folder", "path": str(folder / name)} for name in ("public", *names)},
        "joint": {"active": [2], "selections": []}, "suite": {"tasks": TASKS}, "pocket": {"items": 10},
    }  # fmt: skip
    config = folder / "config.json"
    config.write_text(json.dumps(content))
    study = load_study(config)
    for step in [f"acquire {name}" for name in ("public", *names)] + [f"factorize {name}" for name in names]:
        peak = run(config, *step.split())
        if step.endswith((" public", " math")) and not step.startswith("acquire public"):
            yield row(study, step, peak)
    run(config, "compose")
    run(config, "suite")
    for sweep in ("public", "math", "joint-a2"):
        yield row(study, f"evaluate {sweep}", run(config, "evaluate", sweep))


def run(config: Path, *command: str) -> float:
    """Run a step in a process of its own and return its peak memory in bytes, mapped files included."""
    words = [sys.executable, "-m", "flexmore", *command, "--config", str(config)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            log.seek(0)
            raise SystemExit(f"{' '.join(words)}: {log.read().decode()[-2000:]}")
    return usage.ru_maxrss * 1024.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("study").add_argument("config", type=Path)
    options = kinds.add_parser("made")
    options.add_argument("--hidden", type=int, default=1024)
    options.add_argument("--ffn", type=int, default=2816)
    options.add_argument("--layers", type=int, default=4)
    options.add_argument("--experts", type=int, default=3)
    options.add_argument("--dtype", default="float32", choices=["bfloat16", "float32"])
    options.add_argument("--steep", action="store_true", help="deltas whose factorization needs fp64")
    given = parser.parse_args()
    if given.kind == "study":
        report("cpu", [HEAD, *finished(load_study(given.config))])
        return
    with tempfile.TemporaryDirectory() as folder:
        report("cpu", [HEAD, *made(Path(folder), given)])


if __name__ == "__main__":
    main()
