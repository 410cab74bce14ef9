"""Materialize a joint mixture, against the bare reads, products, hashes and writes of the same tensors.

One layer with public and six experts. Factors are random: what they say does not matter to the time. The two take
turns.
"""

import argparse
import hashlib
import shutil
import tempfile
from pathlib import Path

import torch
from made import TRUE_SHAPES, median, peak_memory, report, timed, write_model
from torch import Tensor

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.family import read_source
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import recipe_from_disk
from flexmore.config.paths import StudyPaths
from flexmore.exchange.materialize import materialize
from flexmore.experts.describe import describe
from flexmore.factors.store import FactorStore, write_index, write_layer
from flexmore.files import write_json
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe

EXPERTS = ("code", "creative", "math", "news", "pes2o", "reddit")


def make_family(paths: StudyPaths, rank: int, hidden: int, ffn: int, dtype: torch.dtype) -> Recipe:
    """Acquired experts with stores of random factors, and the recipe of all at `rank`."""
    for name in ("public", *EXPERTS):
        expert = None if name == "public" else name
        folder = write_model(paths.expert(name), expert, hidden=hidden, ffn=ffn, layers=1, dtype=dtype)
        write_json(folder / "source.json", describe(folder, name))
        if expert is None:
            continue
        tensors: dict[str, Tensor] = {}
        for projection in PROJECTIONS:
            out, in_ = (hidden, ffn) if projection == "down_proj" else (ffn, hidden)
            tensors[f"{projection}.a"] = (torch.randn(rank, in_) * 0.01).to(dtype)
            tensors[f"{projection}.b"] = (torch.randn(rank, out) * 0.01).to(dtype)
            tensors[f"{projection}.s"] = torch.ones(rank)
        write_layer(paths.factors(name), 0, tensors, "random")
        how = {"fingerprint": name, "source": read_source(paths, name)["fingerprint"]}
        write_index(paths.factors(name), name, Checkpoint(folder).sizes, rank, how)
    mixture = Mixture(f"joint-a4-r{rank}", "joint", EXPERTS, (rank,) * len(EXPERTS), 4, str(rank))
    return recipe_from_disk(paths, mixture, None)


def bare(paths: StudyPaths, rank: int, out: Path) -> None:
    """Each tensor read, made, hashed and written to one file, nothing else."""
    checkpoints = {name: Checkpoint(paths.expert(name)) for name in EXPERTS}
    stores = {name: FactorStore(paths.factors(name)) for name in EXPERTS}
    first, digest = checkpoints[EXPERTS[0]], hashlib.sha256()
    with out.open("wb") as file:

        def keep(tensor: Tensor) -> None:
            piece = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data
            file.write(piece)
            digest.update(piece)

        for name in first.backbone_names:
            keep(first.tensor(name))
        for projection in PROJECTIONS:
            public = first.tensor(f"model.layers.0.mlp.experts.0.{projection}.weight")
            keep(public)
            for store in stores.values():
                a, b = store.prefix(0, projection, rank)
                keep((b.float().T @ a.float()).add_(public).to(public.dtype))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"])
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hidden", type=int, default=TRUE_SHAPES["hidden"])
    parser.add_argument("--ffn", type=int, default=TRUE_SHAPES["ffn"])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    seconds: dict[str, list[float]] = {"materialize": [], "bare": []}
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        paths, out = StudyPaths(Path(name) / "family"), Path(name) / "out"
        recipe = make_family(paths, options.rank, options.hidden, options.ffn, getattr(torch, options.dtype))
        for _ in range(options.repeats):
            seconds["materialize"].append(timed("cpu", materialize, recipe, paths, out))
            size = sum(path.stat().st_size for path in out.iterdir()) / 1e9
            shutil.rmtree(out)
            seconds["bare"].append(timed("cpu", bare, paths, options.rank, out))
            out.unlink()
    least = median(seconds["bare"])
    rows: list[list[object]] = [
        [f"public and 6 experts at rank {options.rank}, one layer", "seconds (median)", "ratio"]
    ]
    rows += [[way, f"{median(values):.2f}", f"{median(values) / least:.2f}"] for way, values in seconds.items()]
    report("cpu", rows)
    print(f"\n{options.repeats} repeats, {size:.2f} GB written; the process held at most {peak_memory('cpu')}")


if __name__ == "__main__":
    main()
