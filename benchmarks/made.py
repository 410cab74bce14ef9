"""Checkpoints of random weights at any shapes, the machine they are measured on, and markdown tables."""

import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.writer import Planned, write_sharded
from flexmore.files import fingerprint, write_json

TRUE_SHAPES = {"hidden": 4096, "ffn": 11008}


def write_model(
    folder: Path,
    expert: str | None,
    *,
    hidden: int,
    ffn: int,
    layers: int,
    dtype: torch.dtype,
    steep: bool = False,
    vocabulary: int = 64,
) -> Path:
    """Write a dense public model (`expert` None), or a pair branched from it.

    Args:
        steep: deltas with a head of large singular values, as training gives, instead of plain noise.
    """
    planned = [*_backbone(hidden, layers, vocabulary, dtype)]
    for layer in range(layers):
        prefix = f"model.layers.{layer}.mlp"
        for projection in PROJECTIONS:
            shape = (hidden, ffn) if projection == "down_proj" else (ffn, hidden)
            name = f"{prefix}.{projection}.weight"
            public = _random(name, shape, dtype)
            if expert is None:
                planned.append(Planned(name, dtype, shape, public))
                continue
            planned.append(Planned(f"{prefix}.experts.0.{projection}.weight", dtype, shape, public))
            own = _branched(public, f"{expert}.{name}", steep)
            planned.append(Planned(f"{prefix}.experts.1.{projection}.weight", dtype, shape, own))
        if expert is not None:
            row = _random(f"{expert}.{prefix}.gate", (1, hidden), dtype)
            rows = partial(_beside_zero, row)
            planned.append(Planned(f"{prefix}.gate.weight", dtype, (2, hidden), rows))
    folder.mkdir(parents=True)
    write_sharded(folder, planned, 5_000_000_000)
    write_json(folder / "config.json", _config(expert, hidden, ffn, layers, dtype) | {"vocab_size": vocabulary})
    words = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}
    parts = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    write_json(folder / "tokenizer.json", {"version": "1.0", "added_tokens": [], "model": words, **parts})
    return folder


def _backbone(hidden: int, layers: int, vocabulary: int, dtype: torch.dtype) -> Iterable[Planned]:
    words = (vocabulary, hidden)
    names = {"model.embed_tokens.weight": words, "model.norm.weight": (hidden,), "lm_head.weight": words}
    for layer in range(layers):
        prefix = f"model.layers.{layer}"
        names |= {f"{prefix}.self_attn.{part}_proj.weight": (hidden, hidden) for part in "qkvo"}
        names |= {f"{prefix}.self_attn.{part}_norm.weight": (hidden,) for part in "qk"}
        for norm in ("post_attention", "post_feedforward"):
            names[f"{prefix}.{norm}_layernorm.weight"] = (hidden,)
    for name, shape in names.items():
        yield Planned(name, dtype, shape, _random(name, shape, dtype))


def _config(expert: str | None, hidden: int, ffn: int, layers: int, dtype: torch.dtype) -> dict[str, Any]:
    mixture = {"architectures": ["FlexOlmoForCausalLM"], "model_type": "flex_olmo", "num_experts": 2}
    dense = {"architectures": ["Olmo2ForCausalLM"], "model_type": "olmo2"}
    return {
        **(dense if expert is None else mixture | {"num_experts_per_tok": 2, "norm_topk_prob": False}),
        "hidden_size": hidden, "intermediate_size": ffn, "num_hidden_layers": layers,
        "num_attention_heads": 32 if hidden % 32 == 0 else 2, "max_position_embeddings": 4096, "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}, "tie_word_embeddings": False,
        "pad_token_id": 0, "eos_token_id": 1, "hidden_act": "silu", "dtype": str(dtype).removeprefix("torch."),
    }  # fmt: skip


def _generator(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(int(fingerprint(name)[:12], 16))


def _random(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Callable[[], Tensor]:
    return lambda: torch.randn(shape, generator=_generator(name)).mul_(0.02).to(dtype)


def _beside_zero(row: Callable[[], Tensor]) -> Tensor:
    """Public's row, zero, and the expert's."""
    own = row()
    return torch.cat([torch.zeros_like(own), own])


def _branched(public: Callable[[], Tensor], name: str, steep: bool) -> Callable[[], Tensor]:
    def make() -> Tensor:
        base, generator = public(), _generator(name)
        own = torch.randn(base.shape, generator=generator).mul_(0.002)
        if steep:
            falling = torch.arange(1, 257) ** -0.7
            left = torch.randn(base.shape[0], 256, generator=generator) * falling
            own.addmm_(left, torch.randn(256, base.shape[1], generator=generator), alpha=0.01)
        return own.add_(base).to(base.dtype)

    return make


def timed(device: str, work: Callable[..., None], *arguments: Any) -> float:
    """Seconds that `work` takes: of the processor on a CPU, where a neighbour must not count; of the clock on a GPU."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    clock = time.perf_counter if device.startswith("cuda") else time.process_time
    start = clock()
    work(*arguments)
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    taken = clock() - start
    print(f"{work.__name__}: {taken:.1f} s", file=sys.stderr, flush=True)
    return taken


def peak_memory(device: str) -> str:
    """The most that this process has held so far, mapped files included; on a GPU, of its memory."""
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    if device.startswith("cuda"):
        return f"{host:.1f} GiB, GPU {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
    return f"{host:.1f} GiB"


def machine(device: str) -> str:
    """Device, processor and versions, in a line."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    place = torch.cuda.get_device_name() if device.startswith("cuda") else "no GPU used"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"{cpu}, {place}; {torch.get_num_threads()} thread; {versions}"


def table(rows: Sequence[Sequence[object]]) -> str:
    """Markdown; the first row is the head."""
    head, *body = [[str(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *body])


def report(device: str, rows: Sequence[Sequence[object]]) -> None:
    """Print what was run, on what, and the table."""
    print(f"`python {' '.join(sys.argv)}`\n\n{machine(device)}\n\n{table(rows)}", flush=True)


def median(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)
