"""Token lists made into batches: which rows go through the model together, and where their answers are read.

The rows of a batch share a stem and stand one after another in one packed sequence, so the model computes nothing for
padding; `Layout` says where each row is in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from flexmore.evaluation.engine.rows import Pair, Row, build_rows, sentences
from flexmore.evaluation.engine.stems import Stem, find_stems

Item = TypeVar("Item")


@dataclass(frozen=True)
class Layout:
    """B rows of at most S tokens, T in all, in a packed sequence.

    Attributes:
        lengths: [B].
        place: [B, S], which packed token is where; beyond a row's end the sequence's first. None where all rows are
            of the same length, since a view does.
        back: [T], where each packed token is in [B·S]; None likewise.
    """

    lengths: Tensor
    place: Tensor | None
    back: Tensor | None

    @classmethod
    def of(cls, lengths: Sequence[int]) -> "Layout":
        """The layout of rows with these lengths."""
        sizes = torch.tensor(lengths)
        longest = max(lengths)
        if min(lengths) == longest:
            return cls(sizes, None, None)
        inside = torch.arange(longest) < sizes[:, None]
        place = torch.zeros(inside.shape, dtype=torch.int64)
        place[inside] = torch.arange(sum(lengths))
        return cls(sizes, place, inside.flatten().nonzero()[:, 0])

    def to(self, device: torch.device) -> "Layout":
        """The same on a device; lengths stay where they are."""
        place, back = (None if index is None else index.to(device) for index in (self.place, self.back))
        return Layout(self.lengths, place, back)

    def spread(self, packed: Tensor) -> Tensor:
        """[B, S, ...] of [T, ...]."""
        return (
            packed[self.place] if self.place is not None else packed.reshape(len(self.lengths), -1, *packed.shape[1:])
        )

    def gather(self, spread: Tensor) -> Tensor:
        """[T, ...] of [B, S, ...]."""
        flat = spread.flatten(0, 1)
        return flat if self.back is None else flat[self.back]


@dataclass(frozen=True)
class ScoringBatch:
    """Rows to be scored.

    Attributes:
        rows: what it was made of. start: tokens in their stem.
        tokens, positions: [T].
        layout: where the rows are in them.
        last: [B, S] as in `rows`, or None where every token sees all that is before it in its row.
        read: [P] the tokens whose logits are needed, each once.
        slot: [N] for each token to be scored, which of `read` predicts it.
        target: [N] that token.
        pair: [N] the pair that it belongs to.
    """

    rows: Sequence[Row]
    start: int
    tokens: Tensor
    positions: Tensor
    layout: Layout
    last: Tensor | None
    read: Tensor
    slot: Tensor
    target: Tensor
    pair: Tensor

    @classmethod
    def of(cls, rows: Sequence[Row], start: int) -> "ScoringBatch":
        """A batch of these rows."""
        read: dict[int, int] = {}
        slots, targets, pairs = [], [], []
        first = 0
        for row in rows:
            for place, token, pair in row.targets:
                slots.append(read.setdefault(first + place, len(read)))
                targets.append(token)
                pairs.append(pair)
            first += len(row)
        return cls(
            rows=rows,
            start=start,
            tokens=torch.tensor([token for row in rows for token in row.tokens]),
            positions=torch.tensor([position for row in rows for position in row.positions]),
            layout=Layout.of([len(row) for row in rows]),
            last=_last(rows) if any(row.branched for row in rows) else None,
            read=torch.tensor(list(read)),
            slot=torch.tensor(slots),
            target=torch.tensor(targets),
            pair=torch.tensor(pairs),
        )

    @property
    def size(self) -> int:
        """Its tokens, the stem's among them."""
        return self.start + len(self.tokens)

    def halves(self) -> list["ScoringBatch"]:
        """The same in two batches; itself alone where it has one row."""
        return [ScoringBatch.of(part, self.start) for part in _halved(self.rows)]


@dataclass(frozen=True)
class PromptBatch:
    """Prompts to be continued together.

    Attributes:
        prompts: the tokens of each after the stem. start: tokens in the stem.
        index: which prompt each is.
        new: tokens that each may be continued by.
        tokens, positions: [T].
        layout: where the prompts are in them.
    """

    prompts: Sequence[Sequence[int]]
    start: int
    index: Sequence[int]
    new: int
    tokens: Tensor
    positions: Tensor
    layout: Layout

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]], start: int, index: Sequence[int], new: int) -> "PromptBatch":
        """A batch of these prompts."""
        tokens = torch.tensor([token for prompt in prompts for token in prompt])
        positions = torch.cat([torch.arange(start, start + len(prompt)) for prompt in prompts])
        layout = Layout.of([len(prompt) for prompt in prompts])
        return cls(prompts, start, index, new, tokens, positions, layout)

    @property
    def size(self) -> int:
        """Tokens whose keys and values it may come to hold, the stem's among them."""
        return self.start + len(self.tokens) + len(self.prompts) * self.new

    def halves(self) -> list["PromptBatch"]:
        """The same in two batches; itself alone where it has one prompt."""
        parts = zip(_halved(self.prompts), _halved(self.index), strict=True)
        return [PromptBatch.of(prompts, self.start, index, self.new) for prompts, index in parts]


Kind = TypeVar("Kind", ScoringBatch, PromptBatch)


@dataclass(frozen=True)
class Branch(Generic[Kind]):
    """A stem with the batches of what begins with it; of a list of them `stem.parent` is an index."""

    stem: Stem
    batches: list[Kind]

    @property
    def tokens(self) -> int:
        """That go through the model: the stem's after its parent's, and the rows'."""
        return len(self.stem.tokens) + sum(len(batch.tokens) for batch in self.batches)


def scoring_batches(pairs: Sequence[Pair], max_length: int, budget: int) -> list[Branch[ScoringBatch]]:
    """Batch pairs for scoring, by stem, longest rows first.

    Args:
        max_length: the model's context; longer pairs lose their first tokens (`rows.sentences`).
        budget: tokens in a batch, the stem's and padding included; at least half of it is for the rows, and a longer
            row is a batch of its own.
    """
    seen = sentences(pairs, max_length)
    branches = []
    for stem in find_stems([sentence.tokens for sentence in seen], [sentence.limit for sentence in seen]):
        rows = build_rows([seen[member] for member in sorted(stem.members)], stem.end)
        rows.sort(key=lambda row: (-len(row), row.tokens))
        chunks = _chunks(rows, [len(row) for row in rows], _room(budget, stem))
        branches.append(Branch(stem, [ScoringBatch.of(chunk, stem.end) for chunk in chunks]))
    return branches


def prompt_batches(prompts: Sequence[Sequence[int]], new: int, budget: int) -> list[Branch[PromptBatch]]:
    """Batch prompts for generation, by stem, longest first.

    Args:
        prompts: no two the same.
        new: tokens that a prompt may be continued by; their keys and values count for the budget.
        budget: as for scoring.
    """
    order = sorted(range(len(prompts)), key=lambda number: list(prompts[number]))
    ascending = [list(prompts[number]) for number in order]
    branches = []
    for stem in find_stems(ascending, [len(prompt) - 1 for prompt in ascending]):
        members = sorted(stem.members, key=lambda member: (-len(ascending[member]), member))
        own = [ascending[member][stem.end :] for member in members]
        chunks = _chunks(range(len(own)), [len(prompt) + new for prompt in own], _room(budget, stem))
        batches = [
            PromptBatch.of([own[i] for i in chunk], stem.end, [order[members[i]] for i in chunk], new)
            for chunk in chunks
        ]
        branches.append(Branch(stem, batches))
    return branches


def _room(budget: int, stem: Stem) -> int:
    """What of a batch's budget a stem leaves to rows."""
    return max(budget - stem.end, budget // 2)


def _last(rows: Sequence[Row]) -> Tensor:
    """[B, S]; a place beyond a row's end sees itself, so that no softmax is empty."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row.last, *range(len(row), longest)] for row in rows])


def _halved(items: Sequence[Item]) -> list[Sequence[Item]]:
    middle = (len(items) + 1) // 2
    return [part for part in (items[:middle], items[middle:]) if part]


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
