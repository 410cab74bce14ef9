"""Batches of token lists: which sequences go through the model together, and where their results are read.

The sequences of a batch, token trees or prompts, share a stem and are packed one behind the other, so the model
computes nothing for padding (`packing`).
"""

# B sequences of a batch, S tokens of the longest, T tokens of all, P tokens whose logits are needed, N scored tokens

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from flexmore.evaluation.engine.packing import Packing
from flexmore.evaluation.engine.stems import Stem, find_stems
from flexmore.evaluation.engine.trees import Continuation, TokenTree, build_trees, model_inputs

Item = TypeVar("Item")


@dataclass(frozen=True)
class ScoringBatch:
    """Hold token trees whose continuations are to be scored.

    Attributes:
        trees: what the batch was made of.
        start: number of tokens in their stem.
        tokens_T, positions_T: the trees' tokens and their positions, packed.
        packing: where the trees are in them.
        last_BS: as in `trees`; None if every token sees all that is before it in its tree.
        read_P: the packed tokens whose logits are needed, each once.
        slot_N: for each scored token, which of `read_P` predicts it.
        target_N: the scored token.
        continuation_N: the number of the continuation that it belongs to.
    """

    trees: Sequence[TokenTree]
    start: int
    tokens_T: Tensor
    positions_T: Tensor
    packing: Packing
    last_BS: Tensor | None
    read_P: Tensor
    slot_N: Tensor
    target_N: Tensor
    continuation_N: Tensor

    @classmethod
    def of(cls, trees: Sequence[TokenTree], start: int) -> "ScoringBatch":
        """Return a batch of these trees, whose stem has `start` tokens."""
        read: dict[int, int] = {}
        slots, targets, continuations = [], [], []
        first = 0
        for tree in trees:
            for place, token, continuation in tree.targets:
                slots.append(read.setdefault(first + place, len(read)))
                targets.append(token)
                continuations.append(continuation)
            first += len(tree)
        return cls(
            trees=trees,
            start=start,
            tokens_T=torch.tensor([token for tree in trees for token in tree.tokens]),
            positions_T=torch.tensor([position for tree in trees for position in tree.positions]),
            packing=Packing.of([len(tree) for tree in trees]),
            last_BS=_padded_last(trees) if any(tree.branched for tree in trees) else None,
            read_P=torch.tensor(list(read)),
            slot_N=torch.tensor(slots),
            target_N=torch.tensor(targets),
            continuation_N=torch.tensor(continuations),
        )

    @property
    def size(self) -> int:
        """Return the number of its tokens, the stem's included."""
        return self.start + len(self.tokens_T)

    def halves(self) -> list["ScoringBatch"]:
        """Return the same in two batches; the batch itself if it has one tree."""
        return [ScoringBatch.of(part, self.start) for part in _halves(self.trees)]


@dataclass(frozen=True)
class PromptBatch:
    """Hold prompts that are to be continued together.

    Attributes:
        prompts: the tokens of each after the stem.
        start: number of tokens in the stem.
        index: the number of each prompt.
        new: the most tokens that each may be continued by.
        tokens_T, positions_T: the prompts' tokens and their positions, packed.
        packing: where the prompts are in them.
    """

    prompts: Sequence[Sequence[int]]
    start: int
    index: Sequence[int]
    new: int
    tokens_T: Tensor
    positions_T: Tensor
    packing: Packing

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]], start: int, index: Sequence[int], new: int) -> "PromptBatch":
        """Return a batch of these prompts, whose stem has `start` tokens."""
        tokens_T = torch.tensor([token for prompt in prompts for token in prompt])
        positions_T = torch.cat([torch.arange(start, start + len(prompt)) for prompt in prompts])
        packing = Packing.of([len(prompt) for prompt in prompts])
        return cls(prompts, start, index, new, tokens_T, positions_T, packing)

    @property
    def size(self) -> int:
        """Return the most tokens whose keys and values it may come to hold, the stem's included."""
        return self.start + len(self.tokens_T) + len(self.prompts) * self.new

    def halves(self) -> list["PromptBatch"]:
        """Return the same in two batches; the batch itself if it has one prompt."""
        parts = zip(_halves(self.prompts), _halves(self.index), strict=True)
        return [PromptBatch.of(prompts, self.start, index, self.new) for prompts, index in parts]


AnyBatch = TypeVar("AnyBatch", ScoringBatch, PromptBatch)


@dataclass(frozen=True)
class StemBatches(Generic[AnyBatch]):
    """Hold a stem with the batches of what begins with it; `stem.parent` is an index into the list of all."""

    stem: Stem
    batches: list[AnyBatch]

    @property
    def tokens(self) -> int:
        """Return how many tokens go through the model: the stem's after its parent's, and the batches'."""
        return len(self.stem.tokens) + sum(len(batch.tokens_T) for batch in self.batches)


def scoring_batches(
    continuations: Sequence[Continuation], max_length: int, budget: int
) -> list[StemBatches[ScoringBatch]]:
    """Batch continuations for scoring, by stem, longest trees first.

    Args:
        max_length: the model's context in tokens; what is longer loses its first tokens (`trees.model_inputs`).
        budget: the most tokens in a batch, the stem's and padding included; at least half of it is for the trees, and a
            longer tree is a batch of its own.
    """
    inputs = model_inputs(continuations, max_length)
    found = []
    for stem in find_stems([each.tokens for each in inputs], [each.limit for each in inputs]):
        trees = build_trees([inputs[member] for member in sorted(stem.members)], stem.end)
        trees.sort(key=lambda tree: (-len(tree), tree.tokens))
        chunks = _chunks(trees, [len(tree) for tree in trees], _room(budget, stem))
        found.append(StemBatches(stem, [ScoringBatch.of(chunk, stem.end) for chunk in chunks]))
    return found


def prompt_batches(prompts: Sequence[Sequence[int]], new: int, budget: int) -> list[StemBatches[PromptBatch]]:
    """Batch prompts for generation, by stem, longest first.

    Args:
        prompts: token lists, all different.
        new: the most tokens that a prompt may be continued by; their keys and values count for the budget.
        budget: as for scoring.
    """
    order = sorted(range(len(prompts)), key=lambda number: list(prompts[number]))
    ascending = [list(prompts[number]) for number in order]
    found = []
    for stem in find_stems(ascending, [len(prompt) - 1 for prompt in ascending]):
        members = sorted(stem.members, key=lambda member: (-len(ascending[member]), member))
        own = [ascending[member][stem.end :] for member in members]
        chunks = _chunks(range(len(own)), [len(prompt) + new for prompt in own], _room(budget, stem))
        batches = [
            PromptBatch.of([own[i] for i in chunk], stem.end, [order[members[i]] for i in chunk], new)
            for chunk in chunks
        ]
        found.append(StemBatches(stem, batches))
    return found


def _room(budget: int, stem: Stem) -> int:
    """Return how many tokens of a batch's budget a stem leaves to what follows it."""
    return max(budget - stem.end, budget // 2)


def _padded_last(trees: Sequence[TokenTree]) -> Tensor:
    """Return the trees' `last` as [B, S]; a place beyond a tree's end sees itself, so that no softmax is empty."""
    longest = max(len(tree) for tree in trees)
    return torch.tensor([[*tree.last, *range(len(tree), longest)] for tree in trees])


def _halves(items: Sequence[Item]) -> list[Sequence[Item]]:
    middle = (len(items) + 1) // 2
    return [part for part in (items[:middle], items[middle:]) if part]


def _chunks(items: Sequence[Item], lengths: Sequence[int], budget: int) -> list[list[Item]]:
    """Cut items, longest first, into chunks that do not exceed the budget once padded to their longest item."""
    chunks: list[list[Item]] = []
    longest = 0
    for item, length in zip(items, lengths, strict=True):
        if not chunks or (len(chunks[-1]) + 1) * longest > budget:
            chunks.append([])
            longest = length
        chunks[-1].append(item)
    return chunks
