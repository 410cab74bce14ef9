"""The factorization against torch.linalg.svd in fp64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from flexmore.lowrank import Method, adapted, factorize, random_like, reconstruct

METHODS: list[Method] = ["gram", "svd"]


def delta_of(kind: str, out: int, in_: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    d = torch.randn(out, in_, dtype=torch.float64, generator=generator)
    match kind:
        case "falling":
            u, s, vt = torch.linalg.svd(d, full_matrices=False)
            return (u * s * torch.logspace(0, -7, len(s), dtype=torch.float64)) @ vt
        case "deficient":
            return d[:, :1] @ d[:1]
        case "column":
            return torch.zeros_like(d).index_copy_(1, torch.tensor([0]), d[:, :1])
        case "zero":
            return torch.zeros_like(d)
        case "tiny":
            return d * 1e-150
        case "huge":
            return d * 1e150
        case _:
            return d


@pytest.mark.parametrize("method", METHODS)
@given(
    kind=st.sampled_from(["flat", "falling", "deficient", "column", "zero", "tiny", "huge"]),
    out=st.integers(1, 40),
    in_=st.integers(1, 40),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_every_prefix_is_the_best_truncation(method: Method, kind: str, out: int, in_: int, seed: int) -> None:
    delta = delta_of(kind, out, in_, seed)
    found = factorize(delta, method)
    s = torch.linalg.svdvals(delta)
    scale = float(delta.norm())
    assert found.a.shape == (min(out, in_), in_)
    assert found.b.shape == (min(out, in_), out)
    assert torch.isfinite(found.a).all()
    assert torch.isfinite(found.b).all()
    torch.testing.assert_close(found.s, s, rtol=1e-9, atol=1e-7 * scale)
    last = float("inf")
    for rank in range(min(out, in_) + 1):
        error = float((delta - reconstruct(found.a[:rank], found.b[:rank])).norm())
        assert error <= float(s[rank:].norm()) * (1 + 1e-5) + 1e-6 * scale
        assert error <= last * (1 + 1e-9) + 1e-12 * scale
        last = error
    assert last <= 1e-9 * scale


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
    assert torch.equal(adapted(public, a, b), expected)
    assert torch.equal(adapted(public, a[:0], b[:0]), public)


def test_a_random_delta_has_the_same_spectrum_and_nothing_else() -> None:
    delta = delta_of("falling", 20, 12, 5)
    s = torch.linalg.svdvals(delta)
    other = random_like(s, (20, 12), torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.linalg.svdvals(other), s, rtol=1e-6, atol=1e-12)
    cosine = (other * delta).sum() / delta.norm() / other.norm()
    assert abs(float(cosine)) < 0.3
