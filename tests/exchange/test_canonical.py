"""The canonical form of factors, against torch's SVD."""

import torch
from torch import Tensor

from flexmore.exchange.canonical import canonical, is_svd, padded, singular_values, used_components


def svd_factors(delta: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Balanced factors a [r, in], b [r, out] of a truncated SVD."""
    u, s, vt = torch.linalg.svd(delta, full_matrices=False)
    root = s[:rank].sqrt()
    return root[:, None] * vt[:rank], root[:, None] * u[:, :rank].T


def test_factors_of_an_svd_keep_their_bits() -> None:
    a, b = svd_factors(torch.randn(9, 6, generator=torch.Generator().manual_seed(0)), 4)
    assert is_svd(a, b)
    found = canonical(torch.cat([a, torch.zeros(2, 6)]), torch.cat([b, torch.zeros(2, 9)]))
    assert torch.equal(found[0], a)
    assert torch.equal(found[1], b)


def test_any_factors_become_those_of_their_products_svd() -> None:
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(3, 6, generator=generator), torch.randn(3, 9, generator=generator)
    assert not is_svd(a, b)
    found = canonical(a, b)
    assert is_svd(*found)
    torch.testing.assert_close(found[1].T @ found[0], b.T @ a)
    torch.testing.assert_close(singular_values(*found), torch.linalg.svdvals(b.T @ a)[:3])


def test_components_are_counted_up_to_the_last_that_is_not_zero() -> None:
    a, b = torch.ones(5, 2), torch.ones(5, 3)
    a[1] = 0.0
    b[4] = 0.0
    assert used_components(a, b) == 4
    assert used_components(torch.zeros(0, 2), torch.zeros(0, 3)) == 0
    assert padded(a[:2], 4).shape == (4, 2)
    assert padded(a, 5) is a
