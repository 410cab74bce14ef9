"""Fitted router rows against least squares on all inputs at once."""

import pytest
import torch
from tiny_family import SIZES
from transformers import Olmo2Config, Olmo2ForCausalLM

from flexmore.training.router_fit import fit_router_rows


def texts(seed: int, *shape: int) -> torch.Tensor:
    """Random token ids."""
    return torch.randint(2, 48, shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def dense() -> Olmo2ForCausalLM:
    torch.manual_seed(0)
    return Olmo2ForCausalLM(Olmo2Config(**SIZES)).eval()


def test_rows_solve_the_ridge_regression(dense: Olmo2ForCausalLM) -> None:
    """The normal equations of ridge regression are least squares with a row of sqrt(penalty) for each weight."""
    domain, other = texts(1, 6, 20), texts(2, 3, 10)
    inputs: list[torch.Tensor] = []
    hook = dense.model.layers[1].mlp.register_forward_pre_hook(lambda _, given: inputs.append(given[0].flatten(0, 1)))
    with torch.no_grad():
        dense(domain)
        dense(other)
    hook.remove()
    sides = [x.double() / len(x) ** 0.5 for x in inputs]
    x = torch.cat(sides)
    targets = (4 / len(sides[0]) ** 0.5, -4 / len(sides[1]) ** 0.5)
    wanted = torch.cat([torch.full((len(side),), target) for side, target in zip(sides, targets, strict=True)])
    penalty = 0.1 * x.square().sum(0).mean()
    system = torch.cat([x, penalty.sqrt() * torch.eye(x.shape[1], dtype=x.dtype)])
    side = torch.cat([wanted.double(), torch.zeros(x.shape[1], dtype=x.dtype)])
    found = fit_router_rows(dense, [domain], [other], target=4.0, ridge=0.1)
    assert found.shape == (2, SIZES["hidden_size"])
    torch.testing.assert_close(found[1], torch.linalg.lstsq(system, side).solution, rtol=1e-6, atol=1e-8)


def test_how_texts_are_cut_into_batches_changes_nothing(dense: Olmo2ForCausalLM) -> None:
    domain, other = texts(1, 6, 20), texts(2, 6, 20)
    whole = fit_router_rows(dense, [domain], [other], target=4.0, ridge=1e-3)
    cut = fit_router_rows(dense, list(domain.split(2)), list(other.split(1)), target=4.0, ridge=1e-3)
    torch.testing.assert_close(cut, whole, rtol=1e-4, atol=1e-5)


def test_hooks_are_removed(dense: Olmo2ForCausalLM) -> None:
    with pytest.raises(IndexError):
        fit_router_rows(dense, [torch.tensor([[48]])], [texts(2, 1, 4)], target=4.0, ridge=1e-3)
    assert not any(layer.mlp._forward_pre_hooks for layer in dense.model.layers)
