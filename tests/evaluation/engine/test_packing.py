"""Sequences packed one behind the other, and padded."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from flexmore.evaluation.engine.packing import Packing


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_what_is_padded_and_packed_is_the_same(lengths: list[int]) -> None:
    packing = Packing.of(lengths)
    packed = torch.arange(2 * sum(lengths)).reshape(-1, 2)
    padded = packing.pad(packed)
    first = 0
    for sequence, length in zip(padded, lengths, strict=True):
        assert sequence[:length].tolist() == packed[first : first + length].tolist()
        first += length
    assert packing.pack(padded).tolist() == packed.tolist()
