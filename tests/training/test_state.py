"""Training checkpoints: what is restored, and what is left alone."""

import torch

from flexmore.training.state import load_checkpoint, save_checkpoint


def test_a_checkpoint_of_another_fingerprint_touches_nothing(tmp_path):
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimizer.step()
    save_checkpoint(tmp_path / "state", "a", 7, {"w": weight}, optimizer)
    other = torch.nn.Parameter(torch.zeros(2))
    fresh = torch.optim.AdamW([other])
    assert load_checkpoint(tmp_path / "state", "b", {"w": other}, fresh) == 0
    assert torch.equal(other, torch.zeros(2))
    assert load_checkpoint(tmp_path / "state", "a", {"w": other}, fresh) == 7
    assert torch.equal(other, weight)
    assert fresh.state[other].keys() == optimizer.state[weight].keys()
