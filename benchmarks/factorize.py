"""All ranks of one expert: this project's way, the obvious way, and the arithmetic alone.

The obvious way is torch.linalg.svd in fp32 for each projection and a dense checkpoint of the expert for each of the 15
ranks. The arithmetic alone is the products and the eigensolver that ours runs, on matrices in memory. A unit is one
layer; the three take turns, so that a busy neighbour meets all of them.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import torch
from made import TRUE_SHAPES, median, peak_memory, report, timed, write_model
from safetensors.torch import save_file
from torch import Tensor

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.factors import FactorSettings
from flexmore.device import torch_device
from flexmore.factors.factorize import factorize_expert
from flexmore.lowrank.basis import gram_matrix, newton_schulz_step

RANKS = [2**step for step in range(15)]


def ours(pair: Path, out: Path, device: str) -> None:
    factorize_expert(Checkpoint(pair), "benchmark", out, FactorSettings(device=device), "expert")


def obvious(pair: Path, out: Path, device: torch.device) -> None:
    checkpoint, found = Checkpoint(pair), {}
    out.mkdir()
    for projection in PROJECTIONS:
        public, own = (checkpoint.expert_weight(0, expert, projection).to(device) for expert in (0, 1))
        found[projection] = public, *torch.linalg.svd(own.float() - public.float(), full_matrices=False)
    for rank in RANKS:
        dense: dict[str, Tensor] = {}
        for projection, (public, u, s, vt) in found.items():
            merged = public.float() + (u[:, :rank] * s[:rank]) @ vt[:rank]
            dense[projection] = merged.to(public.dtype).cpu()
        save_file(dense, out / f"r{rank}.safetensors")


def arithmetic(deltas: list[Tensor]) -> None:
    """What a delta costs that passes in fp32, or, given one in fp64, what it costs there."""
    for d in deltas:
        basis = torch.linalg.eigh(gram_matrix(d))[1].T
        if d.dtype == torch.float32:
            basis = newton_schulz_step(basis)
        _ = basis @ d


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"])
    parser.add_argument("--layers", type=int, default=2, help="units")
    parser.add_argument("--hidden", type=int, default=TRUE_SHAPES["hidden"])
    parser.add_argument("--ffn", type=int, default=TRUE_SHAPES["ffn"])
    parser.add_argument("--steep", action="store_true", help="deltas with a head of large singular values")
    parser.add_argument("--without-obvious", action="store_true", help="leave the slow one out")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch_device(options.device)
    seconds: dict[str, list[float]] = {"ours": [], "obvious": [], "arithmetic": []}
    sizes, memory = {"ours": 0, "obvious": 0}, ""
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        for layer in range(options.layers):
            root = Path(name) / str(layer)
            pair = write_model(
                root / "pair", f"expert{layer}", hidden=options.hidden, ffn=options.ffn, layers=1,
                dtype=getattr(torch, options.dtype), steep=options.steep,
            )  # fmt: skip
            seconds["ours"].append(timed(options.device, ours, pair, root / "ours", str(device)))
            memory = memory or peak_memory(options.device)
            deltas = _deltas(pair, device, options.steep)
            seconds["arithmetic"].append(timed(options.device, arithmetic, deltas))
            del deltas
            if not options.without_obvious:
                seconds["obvious"].append(timed(options.device, obvious, pair, root / "obvious", device))
            for way in sizes:
                sizes[way] += sum(path.stat().st_size for path in (root / way).glob("*.safetensors"))
            shutil.rmtree(root)
    first = median(seconds["ours"])
    rows: list[list[object]] = [["one layer, 15 ranks", "seconds (median)", "against ours", "GB on disk, all layers"]]
    for way, values in seconds.items():
        if values:
            size = f"{sizes[way] / 1e9:.2f}" if way in sizes else ""
            rows.append([way, f"{median(values):.1f}", f"{median(values) / first:.2f}", size])
    report(options.device, rows)
    print(f"\n{options.layers} layers; ours held at most {memory}")


def _deltas(pair: Path, device: torch.device, steep: bool) -> list[Tensor]:
    """The three deltas, the short side first, in the dtype that ours ends up with."""
    checkpoint, found = Checkpoint(pair), []
    for projection in PROJECTIONS:
        public, own = (checkpoint.expert_weight(0, expert, projection).to(device).float() for expert in (0, 1))
        delta = (own - public).to(torch.float64 if steep else torch.float32)
        found.append(delta if delta.shape[0] <= delta.shape[1] else delta.T)
    return found


if __name__ == "__main__":
    main()
