"""The training loop: AdamW with a warm-up and a cosine, resumed from the last checkpoint after a kill."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers.utils import logging

from flexmore.progress import track
from flexmore.training.state import load_checkpoint, save_checkpoint

# Suffixes: N predicted tokens, V vocabulary


@dataclass(frozen=True)
class Batch:
    """Hold the texts of one training step.

    Attributes:
        tokens: token ids, [B, T].
        weights: of each token in the loss, [B, T]; a text's first token is not predicted.
    """

    tokens: Tensor
    weights: Tensor


@dataclass(frozen=True)
class TrainingSettings:
    """Hold how a model is trained.

    Attributes:
        name: of what is trained, for progress and messages.
        learning_rate: AdamW's, at its peak.
        betas: AdamW's decay of first and second moments.
        clip: the largest norm of a step's gradient.
        warmup_steps: steps over which the learning rate rises from zero.
        final_share: share of the peak learning rate that the cosine ends at.
        checkpoint_every: steps between checkpoints.
    """

    name: str
    steps: int
    learning_rate: float
    weight_decay: float
    betas: tuple[float, float]
    clip: float
    warmup_steps: int
    final_share: float
    checkpoint_every: int


def train(
    model: Any,
    weights: Mapping[str, nn.Parameter],
    batches: Callable[[int], Batch],
    settings: TrainingSettings,
    state: Path,
    fingerprint: str,
) -> None:
    """Train some weights of a model in place.

    Args:
        model: a causal language model of transformers.
        weights: the parameters to train, by name.
        batches: gives the texts of a step, always the same ones.
        state: file of the training checkpoint; a run of the same fingerprint resumes from it.
        fingerprint: of all that determines the trained weights.
    """
    optimizer = torch.optim.AdamW(weights.values(), betas=settings.betas, weight_decay=settings.weight_decay)
    done, steps = load_checkpoint(state, fingerprint, weights, optimizer), settings.steps
    if done:
        print(f"{settings.name}: resuming from {state}: {done} of {steps} steps are done", file=sys.stderr, flush=True)
    model.train()
    for step in track(range(done, steps), steps, f"training {settings.name}", done=done):
        batch = batches(step)
        optimizer.zero_grad()
        torch.autograd.backward(weighted_loss(model, batch))
        torch.nn.utils.clip_grad_norm_(weights.values(), settings.clip)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * learning_rate_share(step, settings)
        optimizer.step()
        if (step + 1) % settings.checkpoint_every == 0 or step + 1 == steps:
            save_checkpoint(state, fingerprint, step + 1, weights, optimizer)


def weighted_loss(model: Any, batch: Batch) -> Tensor:
    """Return the weighted mean of the cross-entropy over all predicted tokens, a scalar."""
    weights_N = batch.weights[:, 1:].flatten()
    logits_NV = model(batch.tokens[:, :-1], use_cache=False).logits.flatten(0, 1)
    losses_N = torch.nn.functional.cross_entropy(logits_NV, batch.tokens[:, 1:].flatten(), reduction="none")
    return (losses_N * weights_N).sum() / weights_N.sum()


def learning_rate_share(step: int, settings: TrainingSettings) -> float:
    """Return the share of the peak learning rate at a step: a linear rise times a cosine down to `final_share`."""
    rise = min(1.0, (step + 1) / (settings.warmup_steps + 1))
    cosine = 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    return rise * (settings.final_share + (1 - settings.final_share) * cosine)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread, so that sums have one order on every machine, and silence transformers' own bars."""
    threads, bars = torch.get_num_threads(), logging.is_progress_bar_enabled()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if bars:
            logging.enable_progress_bar()
