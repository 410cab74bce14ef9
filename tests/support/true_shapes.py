"""The steps of a study at the paper's shapes, run as a process of its own so that its peak memory can be read.

`python true_shapes.py study <folder> <expert> ...` makes random experts and goes from folders to materialized mixtures;
`python true_shapes.py forward <folder>` then evaluates three mixtures. Both print JSON.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.made import write_model
from flexmore.checkpoints.family import read_source
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.loading import load_study
from flexmore.config.paths import StudyPaths
from flexmore.exchange.materialize import materialize
from flexmore.experts.acquire import acquire
from flexmore.factors.factorize import factorize_expert
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling.sweep import SweepModel
from flexmore.steps.study.compose import compose


def study(root: Path, names: list[str], hidden: int = 4096, ffn: int = 11008) -> dict[str, Any]:
    """Make one layer of random experts, and acquire, factorize, compose and materialize them."""
    for name in ("public", *names):
        expert = None if name == "public" else name
        write_model(root / name, expert, hidden=hidden, ffn=ffn, layers=1, dtype=torch.bfloat16)
    low, high = hidden // 16, hidden
    made = load_study({
        "family": "random", "results": str(root / "results"), "ranks": [16, low, high, "full"],
        "experts": {name: {"source": "folder", "path": str(root / name)} for name in ("public", *names)},
        "joint": {"active": [2], "selections": []}, "factors": {"max_rank": low, "device": "cpu"},
    })  # fmt: skip
    paths = made.paths
    for name in made.experts:
        acquire(made, name)
    for name in made.names:
        source = read_source(paths, name)["fingerprint"]
        factorize_expert(Checkpoint(paths.expert(name)), source, paths.factors(name), made.factors, name)
    compose(made)
    for name in ("flexolmo", "flexmore"):
        materialize(Recipe.read(paths.recipe(f"joint-a2-r{low}")), paths, root / name, format=name)
    materialize(Recipe.read(paths.recipe(f"joint-a2-r{high}")), paths, root / "saturated")
    return {}


def forward(root: Path, low: int = 256) -> dict[str, Any]:
    """Evaluate 64 tokens on mixtures of two ranks and of full size."""
    paths = StudyPaths(root / "results" / "random")
    mixtures = [Recipe.read(paths.recipe(f"joint-a2-{rank}")).mixture for rank in ("r16", f"r{low}", "full")]
    sweep = SweepModel.load(paths, mixtures, device="cpu")
    tokens = torch.arange(64)[None]
    logits = {}
    with torch.inference_mode():
        for mixture in mixtures:
            sweep.set_mixture(mixture)
            logits[mixture.name] = sweep.model(input_ids=tokens).logits
    return {
        "finite": all(bool(found.isfinite().all()) for found in logits.values()),
        "dtypes": sorted({str(found.dtype) for found in logits.values()}),
        "differ": bool((logits["joint-a2-r16"] != logits["joint-a2-full"]).any()),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = study(Path(sys.argv[2]), sys.argv[3:]) if sys.argv[1] == "study" else forward(Path(sys.argv[2]))
    print(json.dumps(found | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
