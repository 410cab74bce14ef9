"""Token trees: sequences that share a beginning, as one list of tokens in which nothing is repeated.

A tree is stored in preorder; each sequence is a path from its root, so a context with all of its continuations makes
one tree:

    tokens      c0 c1 c2 x0 x1 y0    the context c with x0 x1 (and x2, only predicted) and y0 (and y1)
    positions    0  1  2  3  4  3    where a token would be if its sequence were alone
    last         5  5  5  4  4  5    where a token's descendants end: token i sees token j if j <= i <= last[j]

Continuations of one token add no tokens to their context.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flexmore.evaluation.engine.stems import shared_length

_MAX_LENGTH = 256
"""A tree grows up to this length (attention costs its square), or up to twice what a new sequence shares with it."""

Continuation = tuple[Sequence[int], Sequence[int]]
"""A continuation to be scored, after its context: (tokens of the context, tokens of the continuation)."""


@dataclass(frozen=True)
class ModelInput:
    """Hold the tokens that a model reads to score one or more continuations: all but the last.

    Attributes:
        scored: for each continuation its number and its tokens; the model predicts them at the last of `tokens`.
    """

    tokens: tuple[int, ...]
    scored: list[tuple[int, tuple[int, ...]]]

    @property
    def limit(self) -> int:
        """Return how many tokens come before the first one whose logits are needed."""
        return len(self.tokens) - max(len(continuation) for _, continuation in self.scored)


@dataclass
class TokenTree:
    """Hold model inputs with the same stem as a tree, without the stem's tokens.

    Attributes:
        tokens, positions, last: as above.
        targets: of each predicted token: the place in `tokens` that predicts it, the token, its continuation's number.
    """

    tokens: list[int]
    positions: list[int]
    last: list[int]
    targets: list[tuple[int, int, int]]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def branched(self) -> bool:
        """Tell whether some token does not see all those before it."""
        return self.last[0] != len(self) - 1 or len(set(self.last)) > 1


def model_inputs(continuations: Sequence[Continuation], max_length: int) -> list[ModelInput]:
    """Return what a model reads to score continuations, each input once, in ascending order.

    What is too long loses its first tokens, as in lm-eval's HFLM: of context and continuation the last max_length + 1
    tokens are kept, and the model reads all of them but the last.
    """
    found: dict[tuple[int, ...], ModelInput] = {}
    for number, (context, continuation) in enumerate(continuations):
        tokens = tuple([*context, *continuation][-(max_length + 1) : -1])
        found.setdefault(tokens, ModelInput(tokens, [])).scored.append((number, tuple(continuation)))
    return [found[tokens] for tokens in sorted(found)]


def build_trees(inputs: Sequence[ModelInput], start: int) -> list[TokenTree]:
    """Return trees of inputs, in ascending order, whose first `start` tokens are in a stem."""
    trees: list[TokenTree] = []
    path: list[int] = []
    before: tuple[int, ...] = ()
    for model_input in inputs:
        common = shared_length(before, model_input.tokens) - start
        own = len(model_input.tokens) - start
        if not trees or 2 * common < own or len(trees[-1]) + own - common > max(_MAX_LENGTH, 2 * common):
            trees.append(TokenTree([], [], [], []))
            path, common = [], 0
        tree = trees[-1]
        path = path[:common]
        for position in range(start + common, start + own):
            path.append(len(tree))
            tree.tokens.append(model_input.tokens[position])
            tree.positions.append(position)
            tree.last.append(0)
        for place in path:
            tree.last[place] = len(tree) - 1
        for number, continuation in model_input.scored:
            places = path[own - len(continuation) :]
            tree.targets.extend((place, token, number) for place, token in zip(places, continuation, strict=True))
        before = model_input.tokens
    return trees
