"""A layer's mixture of adapters against transformers' FlexOlmo with the same experts dense.

    python benchmarks/mixture_forward.py                                    # one thread of a CPU, fp32
    python benchmarks/mixture_forward.py --device cuda --dtype bfloat16

Prints a table: router and experts of one layer of the joint mixture of 7, prefill and decode. Each row is one run in
which the two take turns; times are medians. The peer is the fastest of transformers' experts implementations at
hand, chosen for each row by a trial. `allowed` is the ratio of the multiplications (decode: of the bytes of weights)
for the experts that this batch really chose, `share` how much of it was reached. `floor` is what the public gate, up
and down products alone take, in the same turns: where even they are bound by multiplications rather than by bytes
(decode 16 on a CPU), nobody reaches `allowed`.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import transformers
from torch import Tensor
from transformers import FlexOlmoConfig, FlexOlmoForCausalLM
from transformers.models.flex_olmo.modeling_flex_olmo import FlexOlmoSparseMoeBlock

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.lowrank.svd import merge_adapter
from flexmore.modeling import FlexMoREConfig, FlexMoREForCausalLM
from flexmore.modeling.dense_cache import DenseCache
from flexmore.modeling.modeling_flexmore import FlexMoRESparseMoeBlock

EXPERTS = 7
PHASES = {"prefill 1024": 1024, "decode 1": 1, "decode 16": 16}


@dataclass
class Case:
    """One layer in both forms, with the same weights."""

    hidden: int
    ffn: int
    rank: int
    dense: FlexOlmoSparseMoeBlock
    ours: FlexMoRESparseMoeBlock

    def set_active(self, active: int) -> None:
        self.dense.gate.top_k = self.ours.gate.top_k = active


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--shapes", default="1024x2752,4096x11008", help="hidden x ffn, comma-separated")
    parser.add_argument("--ranks", default="1,16,256,2048")
    parser.add_argument("--active", default="2,4,7")
    parser.add_argument("--phases", default=",".join(PHASES))
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    device, dtype = torch.device(options.device), getattr(torch, options.dtype)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {options.device}, {options.dtype}\n")
    memory()
    columns = "transformers ms | FlexMoRE ms | ratio | allowed | share | floor ms | peer"
    print(f"\n| hidden x ffn | phase | active | rank | {columns} |")
    print("| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --- |")
    for shape in options.shapes.split(","):
        hidden, ffn = (int(side) for side in shape.split("x"))
        for rank in numbers(options.ranks):
            case = build(hidden, ffn, min(rank, hidden), device, dtype)
            for phase in options.phases.split(","):
                tokens = PHASES[phase]
                for active in numbers(options.active):
                    print(row(case, phase, tokens, active, rank, options.repeats), flush=True)
            if device.type == "cuda":
                print(resident(case))
            del case


@torch.no_grad()
def build(hidden: int, ffn: int, rank: int, device: torch.device, dtype: torch.dtype) -> Case:
    """Random weights; transformers' experts are public + B·A."""
    sizes = {
        "hidden_size": hidden, "intermediate_size": ffn, "num_experts": EXPERTS, "num_experts_per_tok": 2,
        "num_attention_heads": 8, "num_hidden_layers": 1,
    }  # fmt: skip
    with torch.device("meta"):
        ours = FlexMoRESparseMoeBlock(
            FlexMoREConfig(**sizes, expert_ranks=[None, *[rank] * (EXPERTS - 1)]), 0, DenseCache()
        )
        dense = FlexOlmoSparseMoeBlock(FlexOlmoConfig(**sizes))
    ours, dense = (block.to(dtype).to_empty(device=device) for block in (ours, dense))
    generator = torch.Generator(device).manual_seed(0)
    for name, parameter in ours.named_parameters():
        scale = 0.3 * rank**-0.5 if name.endswith("_b.weight") else parameter.shape[-1] ** -0.5
        parameter.normal_(0, 2 * scale if name == "gate.weight" else scale, generator=generator)
    dense.gate.load_state_dict(ours.gate.state_dict())
    public = ours.experts[0]
    for slot, expert in enumerate(ours.experts):
        expert.store_rank_major()
        merged = []
        for projection in PROJECTIONS:
            weight, factors = public.get_parameter(f"{projection}.weight"), expert.factors(projection)
            merged.append(merge_adapter(weight, factors[0].weight, factors[1].weight.T) if factors else weight)
        dense.experts.gate_up_proj[slot] = torch.cat(merged[:2])
        dense.experts.down_proj[slot] = merged[2]
    return Case(hidden, ffn, rank, dense, ours)


@torch.no_grad()
def row(case: Case, phase: str, tokens: int, active: int, rank: int, repeats: int) -> str:
    """One line of the table."""
    weight = case.ours.gate.weight
    generator = torch.Generator(weight.device).manual_seed(1)
    x = torch.randn(1, tokens, case.hidden, dtype=weight.dtype, device=weight.device, generator=generator)
    case.set_active(active)
    expected, found = case.dense(x), case.ours(x)
    error = float((found - expected).norm() / expected.norm())
    if error > (1e-4 if weight.dtype == torch.float32 else 3e-2):
        raise SystemExit(f"{phase}, {active} active, rank {rank}: outputs differ by {error:.1e}; nothing to compare")
    peer = fastest(case, x)
    repeats = repeats if tokens > 1 else repeats * 10
    theirs, ours, floor = interleaved([lambda: case.dense(x), lambda: case.ours(x), lambda: public(case, x)], repeats)
    allowed = possible(case, x, tokens, active)
    return (
        f"| {case.hidden} x {case.ffn} | {phase} | {active} | {rank} | {theirs * 1e3:.2f} | {ours * 1e3:.2f} "
        f"| {theirs / ours:.2f} | {allowed:.2f} | {theirs / ours / allowed:.0%} "
        f"| {floor * 1e3:.2f} | {peer} |"
    )


def public(case: Case, x: Tensor) -> Tensor:
    """The products that no mixture with public or adapters can do without."""
    gate, up, down = (case.ours.experts[0].get_submodule(projection) for projection in PROJECTIONS)
    product: Tensor = down(gate(x) * up(x))
    return product


def fastest(case: Case, x: Tensor) -> str:
    """Switch transformers' block to the fastest implementation of its experts here, and name it."""
    names = ["eager", "grouped_mm"] if x.device.type == "cpu" else ["eager", "grouped_mm", "batched_mm"]
    times = {}
    for name in names:
        case.dense.experts.config._experts_implementation = name
        times[name] = interleaved([lambda: case.dense(x)], 5 if x.shape[1] < 100 else 1)[0]
    best = min(times, key=lambda name: times[name])
    case.dense.experts.config._experts_implementation = best
    return best


def interleaved(functions: list[Callable[[], Tensor]], repeats: int) -> list[float]:
    """Median seconds of each, in turns, after a turn that does not count."""
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(repeats + 1):
        for found, function in zip(times, functions, strict=True):
            synchronize()
            start = clock()
            function()
            synchronize()
            if turn:
                found.append(clock() - start)
    return [statistics.median(found) for found in times]


def clock() -> float:
    """Seconds: the clock's where a GPU works, else the processor's, which other work on the machine moves less."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def possible(case: Case, x: Tensor, tokens: int, active: int) -> float:
    """The ratio that multiplications allow, or in decoding the bytes of weights that have to be read."""
    chosen = torch.zeros(tokens, EXPERTS, dtype=torch.bool, device=x.device)
    chosen.scatter_(1, case.ours.gate(x)[2], True)
    whole, adapter = case.hidden * case.ffn, case.rank * (case.hidden + case.ffn)
    uses = chosen.sum(0) if tokens > 16 else chosen.any(0)
    dense = whole * int(uses.sum())
    corrected = whole * (tokens if tokens > 16 else 1) + adapter * int(uses[1:].sum())
    return dense / min(corrected, dense)


def resident(case: Case) -> str:
    """What the two forms of a layer take on the device."""
    sizes = [sum(p.nbytes for p in block.parameters()) / 1e9 for block in (case.dense, case.ours)]
    merged = case.ours.experts.cache.used / 1e9
    return f"\nrank {case.rank}: transformers {sizes[0]:.2f} GB, FlexMoRE {sizes[1]:.2f} GB + {merged:.2f} GB merged\n"


def memory() -> None:
    """The study's two mixtures at the paper's size, on meta tensors: bytes of weights in bf16."""
    ranks = [None, 2048, 256, 64, 8, 2, 1]
    with torch.device("meta"):
        low = FlexMoREForCausalLM(FlexMoREConfig(num_experts=7, expert_ranks=ranks))
        full = FlexOlmoForCausalLM(FlexOlmoConfig(num_experts=7))
    counts = [sum(parameter.numel() for parameter in model.parameters()) for model in (low, full)]
    print(
        f"weights at the paper's size in bf16: ranks {ranks[1:]} {counts[0] / 1e9:.2f}B parameters, "
        f"{counts[0] * 2e-9:.1f} GB; all full {counts[1] / 1e9:.2f}B, {counts[1] * 2e-9:.1f} GB; "
        f"{counts[0] / counts[1]:.1%}"
    )


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
