"""One whole sweep of a finished pocket study, against the obvious way: each mixture materialized, `lm_eval` on it.

The obvious way is timed for a few mixtures, with `lm_eval` as it comes (batch size 1) and at the best batch size of
those tried on the first one, and multiplied by the number of mixtures: by all, as whoever materializes each of them
would, and by those that differ (ranks past saturation are the same weights). Between them `flexmore evaluate` evaluates
the whole sweep, each time with an empty cache. Medians of seconds of the processor, of whole processes with all that
they load; the scores are compared.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from made import machine, median, table

from flexmore.config.loading import load_study
from flexmore.config.paths import StudyPaths
from flexmore.files import read_json
from flexmore.mixtures.grid import find_sweep
from flexmore.mixtures.recipe import Recipe

DEFAULT = 1
"""`lm_eval`'s batch size where none is given."""

TRIED = (8, 32, 128)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a finished study, such as results/pocket")
    parser.add_argument("--sweep", default="math")
    parser.add_argument("--measured", type=int, default=3, help="mixtures that the obvious way is timed for")
    options = parser.parse_args()
    print(f"`python {' '.join(sys.argv)}`\n\n{machine('cpu')}\n")
    results = options.results.resolve()
    study = load_study(results / "config.yaml")
    paths = StudyPaths(results)
    recipes = [Recipe.read(paths.recipe(mixture.name)) for mixture in find_sweep(study, options.sweep).mixtures]
    distinct = list({recipe.fingerprint: recipe.mixture.name for recipe in recipes}.values())
    chosen = distinct[:: max(1, len(distinct) // options.measured)][: options.measured]
    ours: list[float] = []
    theirs: dict[int, list[float]] = {}
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            model, out, config = Path(folder) / name, Path(folder) / "lm_eval", place(results, Path(folder))
            ours.append(seconds("flexmore", "evaluate", options.sweep, "--config", str(config)))
            written = seconds("flexmore", "materialize", str(paths.recipe(name)), str(model))
            if not theirs:
                tried = {size: lm_eval(paths.suite, model, size, out) for size in TRIED}
                theirs = {DEFAULT: [], min(tried, key=lambda size: tried[size]): []}
                print(f"lm_eval, s by batch size: {', '.join(f'{key}: {taken:.1f}' for key, taken in tried.items())}\n")
            for size, taken in theirs.items():
                taken.append(written + lm_eval(paths.suite, model, size, out))
            check(load_study(config).paths.scores(options.sweep) / f"{name}.json", out)
    print(f"{options.sweep}: {len(recipes)} mixtures, {len(distinct)} that differ, in {listed(ours)} s\n")
    rows = [("lm_eval's batch size", "obvious s a mixture", "ratio (that differ)", "ratio (all)")]
    for size, taken in theirs.items():
        ratio = median(taken) / median(ours)
        rows.append((str(size), listed(taken), f"{ratio * len(distinct):.1f}", f"{ratio * len(recipes):.1f}"))
    print(table(rows))


def listed(taken: list[float]) -> str:
    """Each of them."""
    return ", ".join(f"{one:.1f}" for one in taken)


def place(results: Path, folder: Path) -> Path:
    """The study's configuration in a folder of its own, with everything but cache and scores of the finished one."""
    config = yaml.safe_load((results / "config.yaml").read_text(encoding="utf-8"))
    config["results"] = str(folder / "results")
    root = folder / "results" / results.name
    root.mkdir(parents=True)
    for part in ("experts", "factors", "mixtures", "suite"):
        (root / part).symlink_to(results / part)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def lm_eval(suite: Path, model: Path, size: int, out: Path) -> float:
    """Seconds of `lm_eval` on a model and all tasks of a suite."""
    tasks = ",".join(entry["task"] for entry in read_json(suite / "index.json"))
    given = f"pretrained={model},dtype=float32"
    return seconds(
        "lm_eval", "--model", "hf", "--model_args", given, "--device", "cpu", "--batch_size", str(size),
        "--include_path", str(suite), "--tasks", tasks, "--output_path", str(out / "results.json"),
    )  # fmt: skip


def seconds(module: str, *arguments: str) -> float:
    """Seconds of the processor that `python -m module` and what it starts take."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-m", module, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)[:200]} failed:\n{done.stderr[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{module} {arguments[0]}: {taken:.1f} s", file=sys.stderr, flush=True)
    return taken


def check(ours: Path, out: Path) -> None:
    """Refuse to compare the time of scores that are not the same."""
    newest = max(out.rglob("*.json"), key=lambda path: path.stat().st_mtime)
    theirs = json.loads(newest.read_text(encoding="utf-8"))["results"]
    for task, entry in read_json(ours)["tasks"].items():
        metric = entry["metric"].split(",")[0]
        found = next(value for key, value in theirs[task].items() if key.split(",")[0] == metric)
        if abs(found - entry["score"]) > 1e-9:
            raise SystemExit(f"{ours.name}, {task}: {entry['score']}, lm_eval has {found}; nothing to compare")


if __name__ == "__main__":
    main()
