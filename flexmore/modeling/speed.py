"""Speed of a study's mixtures on this device: one layer of random weights is timed, times the number of layers."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank
from flexmore.config.study import Study
from flexmore.device import torch_device
from flexmore.mixtures.grid import Mixture, distinct_mixtures, sweeps
from flexmore.mixtures.parameters import effective_rank
from flexmore.modeling.configuration_flexmore import FlexMoREConfig
from flexmore.modeling.modeling_flexmore import FlexMoREForCausalLM

_ROWS, _CONTEXT, _REPEATS = 16, 256, 3
_WORDS = 256


@dataclass(frozen=True)
class Speed:
    """Hold the seconds that a token takes.

    Attributes:
        prompt: of a prompt.
        new: generated, many prompts at a time.
    """

    prompt: float
    new: float


def time_layers(study: Study, sizes: ModelSizes, dtype: str) -> dict[str, Speed]:
    """Time a layer of each sweep's mixtures and return the seconds that a token takes in all mixtures of the sweep.

    Mixtures of the same weights count once; the ranks that a selection will choose count as dense. Of the ranks that
    run as corrections only the smallest and the largest are timed; the others are interpolated.

    Args:
        dtype: the dtype of evaluation, such as `bfloat16`.
    """
    device, wanted = torch_device(study.evaluate.device), getattr(torch, dtype)
    known: dict[tuple[int, int, Rank], Speed] = {}

    def speed(mixture: Mixture, rank: Rank) -> Speed:
        key = (len(mixture.experts), mixture.active, rank)
        if key not in known:
            known[key] = _time_layer(sizes, [rank] * len(mixture.experts), mixture.active, device, wanted)
        return known[key]

    found = {}
    for sweep in sweeps(study):
        mixtures = distinct_mixtures(sweep.mixtures, sizes)
        each = [_between(mixture, _rank(mixture, sizes), sizes, speed) for mixture in mixtures]
        found[sweep.name] = Speed(sum(one.prompt for one in each), sum(one.new for one in each))
    return found


def _rank(mixture: Mixture, sizes: ModelSizes) -> Rank:
    """Return the effective rank of a mixture's experts; `full` for controls and for selections, as both run dense."""
    dense = mixture.kind == "control" or not mixture.ranks
    return "full" if dense else effective_rank(mixture.ranks[0], sizes)


def device_name(study: Study) -> str:
    """Return the name of the device that is timed."""
    device = torch_device(study.evaluate.device)
    return str(torch.cuda.get_device_name(device)) if device.type == "cuda" else "one thread of this CPU"


def _between(mixture: Mixture, rank: Rank, sizes: ModelSizes, speed: Callable[[Mixture, Rank], Speed]) -> Speed:
    """Return the speed at a rank: interpolated between 1 and half of saturation, and above that as full-size."""
    half = sizes.saturation // 2
    if rank == "full" or rank > half or not mixture.experts:
        return speed(mixture, "full")
    low, high, share = speed(mixture, 1), speed(mixture, half), (rank - 1) / max(1, half - 1)
    return Speed(low.prompt + share * (high.prompt - low.prompt), low.new + share * (high.new - low.new))


def random_model(
    sizes: ModelSizes, ranks: Sequence[Rank], device: torch.device, dtype: torch.dtype
) -> FlexMoREForCausalLM:
    """Return a joint mixture of random weights, made on the device; without ranks the public model alone."""
    config = FlexMoREConfig(
        hidden_size=sizes.hidden, intermediate_size=sizes.ffn, num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads, num_key_value_heads=sizes.key_value_heads, vocab_size=sizes.vocabulary,
        max_position_embeddings=4096, num_experts=1 + len(ranks), num_experts_per_tok=1, pad_token_id=0, eos_token_id=1,
        expert_ranks=[None, *(None if rank == "full" else rank for rank in ranks)],
    )  # fmt: skip
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            torch.manual_seed(0)
            model: FlexMoREForCausalLM = FlexMoREForCausalLM(config).eval()
        return model
    finally:
        torch.set_default_dtype(before)


@torch.inference_mode()
def _time_layer(
    sizes: ModelSizes, ranks: Sequence[Rank], active: int, device: torch.device, dtype: torch.dtype
) -> Speed:
    """Time one layer and the head: prompts of 256 tokens, then one new token for each of 16 prompts."""
    one = replace(sizes, layers=1, vocabulary=_WORDS)
    model = random_model(one, ranks, device, dtype)
    model.set_active(min(active, 1 + len(ranks)))
    head = torch.nn.Linear(sizes.hidden, sizes.vocabulary, bias=False, device=device, dtype=dtype)
    states = torch.randn(_ROWS, sizes.hidden, device=device, dtype=dtype)
    few = torch.full((_ROWS, _CONTEXT), 2, device=device)
    rows = few if device.type == "cuda" else few[:1]  # a CPU would take minutes
    cache = model(input_ids=few[:, :8], use_cache=True).past_key_values

    def step() -> None:
        model(input_ids=few[:, :1], past_key_values=cache, use_cache=True, logits_to_keep=1)

    prompt = _seconds(device, lambda: model(input_ids=rows, use_cache=False, logits_to_keep=1)) * sizes.layers
    new = _seconds(device, step) * sizes.layers + _seconds(device, lambda: head(states))
    return Speed(prompt / rows.numel(), new / _ROWS)


def _seconds(device: torch.device, work: Callable[[], object]) -> float:
    """Return the median seconds of several runs, after one that does not count."""
    taken = []
    for _ in range(1 + _REPEATS):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])
