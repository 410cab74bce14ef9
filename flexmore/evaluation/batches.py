"""Token lists made into batches: which rows go through the model together, and where their answers are read.

A row of a scoring batch is one distinct context with every continuation that follows it. The continuations'
tokens (all but the last, which is only predicted) stand behind the context as branches that do not see each
other:

    tokens     c0 c1 c2 | x0 x1 | y0    context c, continuations x0 x1 x2 and y0 y1 (and any of one token)
    branch      0  0  0 |  1  1 |  2    a token sees earlier tokens of the context (0) and of its own branch
    position    0  1  2 |  3  4 |  3    where it would stand if its continuation were alone

So a context is computed once, and continuations of one token cost nothing beyond it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

Item = TypeVar("Item")

Pair = tuple[Sequence[int], Sequence[int]]
"""Context and continuation, in tokens."""


@dataclass
class _Row:
    tokens: list[int]
    branch: list[int]
    positions: list[int]
    starts: dict[tuple[int, ...], int]
    """Where the branch of each continuation (without its last token) starts."""
    targets: list[tuple[int, int, int]]
    """(offset in the row whose logits predict it, the token, the pair it belongs to)."""


@dataclass(frozen=True)
class ScoringBatch:
    """Rows that go through the model together, padded on the right; B rows of T tokens.

    Attributes:
        tokens: [B, T].
        branch, positions: [B, T], or None where no row has branches (plain causal attention, positions 0 to
            T-1).
        read: [P] offsets in the flattened [B·T] whose logits are needed, each once.
        slot: [N] for each token to be scored, which of `read` predicts it.
        target: [N] that token.
        pair: [N] the pair that it belongs to.
    """

    tokens: torch.Tensor
    branch: torch.Tensor | None
    positions: torch.Tensor | None
    read: torch.Tensor
    slot: torch.Tensor
    target: torch.Tensor
    pair: torch.Tensor

    def mask(self, dtype: torch.dtype, device: torch.device) -> torch.Tensor | None:
        """[B, 1, T, T] to add to the attention logits, or None for plain causal attention."""
        if self.branch is None:
            return None
        branch = self.branch.to(device)
        length = branch.shape[1]
        sees = (branch[:, None, :] == 0) | (branch[:, None, :] == branch[:, :, None])
        sees &= torch.ones(length, length, dtype=torch.bool, device=device).tril()
        hidden = torch.full((), torch.finfo(dtype).min, dtype=dtype, device=device)
        return torch.where(sees, torch.zeros((), dtype=dtype, device=device), hidden)[:, None]


@dataclass(frozen=True)
class PromptBatch:
    """Prompts to be continued together, padded on the left; B rows of T tokens.

    Attributes:
        tokens: [B, T].
        lengths: [B] tokens of each prompt.
        index: which prompt each row is.
    """

    tokens: torch.Tensor
    lengths: torch.Tensor
    index: list[int]


def scoring_batches(pairs: Sequence[Pair], max_length: int, budget: int) -> list[ScoringBatch]:
    """Batch pairs for scoring, longest rows first.

    A pair that is too long loses its first tokens, as in lm-eval's HFLM: of context and continuation the last
    max_length + 1 tokens are kept, and the model sees all of them but the last.

    Args:
        max_length: the model's context.
        budget: tokens in a batch, padding included (a longer row is a batch of its own).
    """
    rows: dict[tuple[int, ...], _Row] = {}
    for number, (context, continuation) in enumerate(pairs):
        seen = [*context, *continuation][-(max_length + 1) : -1]
        prompt = tuple(seen[: len(seen) - len(continuation) + 1])
        row = rows.get(prompt)
        if row is None:
            n = len(prompt)
            row = rows[prompt] = _Row(list(prompt), [0] * n, list(range(n)), {}, [])
        _add(row, len(prompt), continuation, number)
    ordered = sorted(rows.values(), key=lambda row: (-len(row.tokens), row.tokens))
    return [_scoring_batch(chunk) for chunk in _chunks(ordered, [len(row.tokens) for row in ordered], budget)]


def prompt_batches(prompts: Sequence[Sequence[int]], new: int, budget: int) -> list[PromptBatch]:
    """Batch prompts for generation, longest first.

    Args:
        new: tokens that a prompt may be continued by; they count for the budget.
        budget: tokens in a batch, padding included.
    """
    order = sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), list(prompts[i])))
    batches = []
    for index in _chunks(order, [len(prompts[i]) + new for i in order], budget):
        lengths = [len(prompts[i]) for i in index]
        tokens = torch.zeros(len(index), max(lengths), dtype=torch.int32)
        for row, i in enumerate(index):
            tokens[row, tokens.shape[1] - lengths[row] :] = torch.tensor(list(prompts[i]), dtype=torch.int32)
        batches.append(PromptBatch(tokens, torch.tensor(lengths), index))
    return batches


def _add(row: _Row, prompt: int, continuation: Sequence[int], pair: int) -> None:
    """Add a continuation to a row whose context has `prompt` tokens; equal beginnings share a branch."""
    fed = tuple(continuation[:-1])
    if fed and fed not in row.starts:
        row.starts[fed] = len(row.tokens)
        row.tokens.extend(fed)
        row.branch.extend([len(row.starts)] * len(fed))
        row.positions.extend(range(prompt, prompt + len(fed)))
    start = row.starts.get(fed, 0)
    offsets = [prompt - 1, *range(start, start + len(fed))]
    row.targets.extend((offset, token, pair) for offset, token in zip(offsets, continuation, strict=True))


def _scoring_batch(rows: Sequence[_Row]) -> ScoringBatch:
    length = max(len(row.tokens) for row in rows)
    branched = any(row.starts for row in rows)
    read: dict[int, int] = {}
    slots, targets, pairs = [], [], []
    for number, row in enumerate(rows):
        for offset, token, pair in row.targets:
            slots.append(read.setdefault(number * length + offset, len(read)))
            targets.append(token)
            pairs.append(pair)
    return ScoringBatch(
        tokens=_padded([row.tokens for row in rows], length),
        branch=_padded([row.branch for row in rows], length) if branched else None,
        positions=_padded([row.positions for row in rows], length) if branched else None,
        read=torch.tensor(list(read)),
        slot=torch.tensor(slots),
        target=torch.tensor(targets),
        pair=torch.tensor(pairs),
    )


def _padded(rows: Iterable[Sequence[int]], length: int) -> torch.Tensor:
    return torch.tensor([[*row, *[0] * (length - len(row))] for row in rows], dtype=torch.int32)


def _chunks(items: Sequence[Item], lengths: Sequence[int], budget: int) -> list[list[Item]]:
    """Cut items, longest first, into chunks of which none exceeds the budget once padded to its longest item."""
    chunks: list[list[Item]] = []
    longest = 0
    for item, length in zip(items, lengths, strict=True):
        if not chunks or (len(chunks[-1]) + 1) * longest > budget:
            chunks.append([])
            longest = length
        chunks[-1].append(item)
    return chunks
