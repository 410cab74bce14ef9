"""The canonical form of factors: those of a truncated SVD, in falling order, balanced, without trailing zeros.

Factors are rank-major: a [r, in] and b [r, out], whose product b.T @ a is the delta.
"""

import torch
from torch import Tensor

from flexmore.lowrank.svd import factorize_product


def used_components(a: Tensor, b: Tensor) -> int:
    """Return the number of components up to the last that is not zero."""
    if a.shape[0] == 0:
        return 0
    used = ((a.abs().amax(1) > 0) & (b.abs().amax(1) > 0)).nonzero()
    return int(used.max()) + 1 if len(used) else 0


def canonical(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return factors of the same product in canonical form; factors that have it already keep their bits."""
    rank = used_components(a, b)
    a, b = a[:rank], b[:rank]
    if rank == 0 or is_svd(a, b):
        return a.contiguous(), b.contiguous()
    found = factorize_product(a, b)
    return found.a.to(a.dtype).contiguous(), found.b.to(b.dtype).contiguous()


def is_svd(a: Tensor, b: Tensor) -> bool:
    """Tell whether factors are those of a truncated SVD, up to the rounding of their dtype."""
    near = 8 * torch.finfo(a.dtype).eps
    s = singular_values(a, b)
    if a.shape[0] > min(a.shape[1], b.shape[1]) or bool((s[1:] > s[:-1] * (1 + near)).any()):
        return False
    root = s.sqrt()
    for side in (a.float(), b.float()):
        excess = side @ side.T - torch.diag(s)
        if bool((excess.abs() > near * (root[:, None] * root) * side.shape[1] ** 0.5).any()):
            return False
    return True


def singular_values(a: Tensor, b: Tensor) -> Tensor:
    """Return the singular values of canonical factors, [r], fp32."""
    values: Tensor = a.float().norm(dim=1) * b.float().norm(dim=1)
    return values


def padded(values: Tensor, rank: int) -> Tensor:
    """Return values [r, ...] with zeros after them up to `rank`."""
    if values.shape[0] == rank:
        return values
    return torch.cat([values, values.new_zeros(rank - values.shape[0], *values.shape[1:])])
