"""The factorization against torch.linalg.svd in fp64."""

import pytest
import torch
from deltas import KINDS, check_every_rank, delta_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from flexmore.lowrank.svd import (
    Factors,
    Method,
    factorize,
    factorize_product,
    merge_adapter,
)

METHODS: list[Method] = ["gram", "svd"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@given(kind=st.sampled_from(KINDS), out=st.integers(1, 40), in_=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_every_prefix_is_the_best_truncation(
    method: Method, dtype: torch.dtype, kind: str, out: int, in_: int, seed: int
) -> None:
    delta = delta_of(kind, out, in_, seed).to(dtype)
    found = factorize(delta, method)
    assert found.a.shape == (min(out, in_), in_)
    assert found.b.shape == (min(out, in_), out)
    stored = Factors(found.a.float(), found.b.float(), found.s.float())
    check_every_rank(delta.double(), stored, range(min(out, in_) + 1))
    scale = float(delta.double().norm())
    torch.testing.assert_close(found.s.double(), torch.linalg.svdvals(delta.double()), rtol=1e-5, atol=1e-6 * scale)


@given(rank=st.integers(0, 12), out=st.integers(1, 20), in_=st.integers(1, 20), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_any_product_is_put_into_order(rank: int, out: int, in_: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(rank, side, generator=generator) for side in (in_, out))
    found = factorize_product(a, b)
    delta = b.double().T @ a.double()
    assert found.a.shape[0] == min(rank, out, in_)
    if rank:
        check_every_rank(delta, found, range(found.a.shape[0] + 1))
    torch.testing.assert_close(found.a.square().sum(1), found.s)
    torch.testing.assert_close(found.b.square().sum(1), found.s)


@pytest.mark.parametrize("method", METHODS)
def test_the_factors_are_balanced(method: Method) -> None:
    """A = sqrt(S)·Vt and B = U·sqrt(S): the rows of both have the squared norm s."""
    found = factorize(delta_of("flat", 12, 30, 1), method)
    torch.testing.assert_close(found.a.square().sum(1), found.s)
    torch.testing.assert_close(found.b.square().sum(1), found.s)


@pytest.mark.parametrize("wrong", [torch.full((3, 3), float("nan")), torch.full((2, 2), float("inf"))])
def test_numbers_that_are_none_are_refused(wrong: Tensor) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        factorize(wrong)


def test_an_adapter_is_added_in_wide_numbers_and_rounded_once() -> None:
    found = factorize(delta_of("flat", 8, 6, 3))
    public = delta_of("flat", 8, 6, 4).bfloat16()
    a, b = found.a.bfloat16(), found.b.bfloat16()
    expected = (public.float() + b.float().T @ a.float()).bfloat16()
    assert torch.equal(merge_adapter(public, a, b), expected)
    assert torch.equal(merge_adapter(public, a[:0], b[:0]), public)
