"""The learning rate and the loss of a training step."""

from types import SimpleNamespace

import pytest
import torch

from flexmore.training.loop import Batch, TrainingSettings, learning_rate_share, one_thread, weighted_loss

SETTINGS = TrainingSettings(
    name="math", steps=100, learning_rate=1e-3, weight_decay=0.0, betas=(0.9, 0.98), clip=1.0, warmup_steps=9,
    final_share=0.1, checkpoint_every=10,
)  # fmt: skip


def test_the_learning_rate_rises_and_then_falls_to_its_final_share() -> None:
    shares = [learning_rate_share(step, SETTINGS) for step in range(SETTINGS.steps)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[50] == pytest.approx(0.1 + 0.9 / 2)
    assert shares[-1] == pytest.approx(0.1, abs=1e-3)
    top = shares.index(max(shares))
    assert top == SETTINGS.warmup_steps
    assert shares[:top] == sorted(shares[:top])
    assert shares[top:] == sorted(shares[top:], reverse=True)


def test_the_loss_is_the_weighted_mean_over_predicted_tokens() -> None:
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    tokens = torch.tensor([[0, 1, 2, 3], [4, 3, 2, 1]])
    weights = torch.tensor([[9.0, 1.0, 0.0, 0.5], [9.0, 0.0, 0.0, 2.0]])
    found = weighted_loss(lambda given, use_cache: SimpleNamespace(logits=logits), Batch(tokens, weights))
    surprise = -logits.log_softmax(-1)
    expected = (surprise[0, 0, 1] + 0.5 * surprise[0, 2, 3] + 2 * surprise[1, 2, 1]) / 3.5
    torch.testing.assert_close(found, expected)


def test_threads_are_as_before_after_an_error() -> None:
    before = torch.get_num_threads()
    seen = []

    def stop() -> None:
        with one_thread():
            seen.append(torch.get_num_threads())
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stop()
    assert seen == [1]
    assert torch.get_num_threads() == before
