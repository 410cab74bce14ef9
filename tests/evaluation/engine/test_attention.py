"""Attention to a stem and to sequences after it, against softmax attention over both together in fp64."""

import pytest
import torch
from torch import Tensor

from flexmore.evaluation.engine.attention import DecodingPlan, KeysValues, PackedPlan, _attention
from flexmore.evaluation.engine.packing import Packing

HEADS, SHARED, SIZE = 4, 2, 8


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("before", [0, 7])
@pytest.mark.parametrize("lengths", [[5, 3, 1], [4, 4]])
def test_prompts_and_decoding(dtype: torch.dtype, tolerance: float, before: int, lengths: list[int]) -> None:
    """Prompts of several lengths above a stem, then 70 tokens more for each, with a prompt dropped on the way."""
    draw = torch.Generator().manual_seed(0)

    def some(heads: int, tokens: int) -> Tensor:
        return torch.randn(1, heads, tokens, SIZE, generator=draw).to(dtype)

    stem = KeysValues([some(SHARED, before)], [some(SHARED, before)]) if before else None
    packing = Packing.of(lengths)
    query, key, value = some(HEADS, sum(lengths)), some(SHARED, sum(lengths)), some(SHARED, sum(lengths))
    plan = PackedPlan(packing, stem=stem, keep=True)
    found = plan.attend(0, query, key, value, 0.3).split(lengths)
    histories = []
    for row, (keys, values) in enumerate(zip(key.split(lengths, 2), value.split(lengths, 2), strict=True)):
        if stem is not None:
            keys, values = torch.cat([stem.keys[0], keys], 2), torch.cat([stem.values[0], values], 2)
        expected = plain(query.split(lengths, 2)[row], keys, values)
        torch.testing.assert_close(found[row].double(), expected, rtol=0, atol=tolerance)
        histories.append([keys, values])
    steps = DecodingPlan(packing, plan.kept, stem)
    for step in range(70):
        if step == 30:
            steps.select(torch.arange(1, len(histories)))
            histories = histories[1:]
        query, key, value = some(HEADS, len(histories)), some(SHARED, len(histories)), some(SHARED, len(histories))
        found_step = steps.attend(0, query, key, value, 0.3)
        for row, history in enumerate(histories):
            history[:] = [
                torch.cat([old, new[:, :, row : row + 1]], 2) for old, new in zip(history, (key, value), strict=True)
            ]
            expected = plain(query[:, :, row : row + 1], *history)
            torch.testing.assert_close(found_step[row : row + 1].double(), expected, rtol=0, atol=tolerance)


def plain(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """[tokens, heads, head width]: the last tokens of a sequence attend to all that is before them, in fp64."""
    key, value = (part.double().repeat_interleave(HEADS // SHARED, dim=1) for part in (key, value))
    logits = query.double() @ key.transpose(2, 3) * 0.3
    hidden = torch.ones(logits.shape[-2:]).triu(1 + key.shape[2] - query.shape[2]).bool()
    return (logits.masked_fill(hidden, -torch.inf).softmax(-1) @ value)[0].transpose(0, 1)


@pytest.mark.parametrize("masked", [False, True])
def test_a_gpus_kernel_takes_the_same_arguments(masked: bool) -> None:
    """Shapes and signature alone, on meta tensors; nothing here has a GPU."""
    query = torch.empty(3, HEADS, 5, 64, device="meta", dtype=torch.bfloat16)
    key = torch.empty(3, SHARED, 9, 64, device="meta", dtype=torch.bfloat16)
    bias = torch.empty(3, 1, 5, 16, device="meta", dtype=torch.bfloat16)[..., :9] if masked else None
    out, logsum = _attention(query, key, key, 0.1, bias)
    assert out.shape == query.shape
    assert logsum.shape == query.shape[:3]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("masked", [False, True])
def test_a_gpu_gives_what_a_cpu_gives(masked: bool) -> None:
    draw = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(3, heads, 9, 64, generator=draw) for heads in (HEADS, SHARED, SHARED))
    bias = torch.zeros(3, 1, 9, 16)[..., :9].masked_fill_(torch.ones(9, 9).triu(1).bool(), -1e30) if masked else None
    here = _attention(query, key, value, 0.1, bias)
    there = _attention(*(part.cuda() for part in (query, key, value)), 0.1, None if bias is None else bias.cuda())
    for expected, found in zip(here, there, strict=True):
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-5, atol=1e-5)
