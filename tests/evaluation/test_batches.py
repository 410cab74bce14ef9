"""Rows, branches and batches, by hand and by property."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flexmore.evaluation.batches import prompt_batches, scoring_batches

TOKENS = st.lists(st.integers(0, 3), min_size=1, max_size=6)
PAIRS = st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=12)


def test_one_row_for_one_context_by_hand() -> None:
    pairs = [([7, 8, 9], [1, 2, 3]), ([7, 8, 9], [4, 5]), ([7, 8, 9], [6])]
    (batch,) = scoring_batches(pairs, max_length=10, budget=100)
    assert batch.tokens.tolist() == [[7, 8, 9, 1, 2, 4]]
    assert batch.branch is not None
    assert batch.positions is not None
    assert batch.branch.tolist() == [[0, 0, 0, 1, 1, 2]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 4, 3]]
    assert batch.read[batch.slot].tolist() == [2, 3, 4, 2, 5, 2]
    assert batch.target.tolist() == [1, 2, 3, 4, 5, 6]
    assert batch.pair.tolist() == [0, 0, 0, 1, 1, 2]
    mask = batch.mask(torch.float32, torch.device("cpu"))
    assert mask is not None
    assert (mask[0, 0] == 0).int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 0],
        [1, 1, 1, 0, 0, 1],
    ]


def test_single_tokens_need_no_branch_and_no_mask() -> None:
    batches = scoring_batches([([1, 2], [3]), ([1, 2], [4]), ([5], [3])], max_length=10, budget=100)
    (batch,) = batches
    assert batch.tokens.tolist() == [[1, 2], [5, 0]]
    assert batch.mask(torch.float32, torch.device("cpu")) is None
    assert batch.read.tolist() == [1, 2]


def test_equal_beginnings_share_a_branch() -> None:
    (batch,) = scoring_batches([([1], [5, 6, 7]), ([1], [5, 6, 8])], max_length=10, budget=100)
    assert batch.tokens.tolist() == [[1, 5, 6]]


def test_too_long_loses_the_first_tokens() -> None:
    (batch,) = scoring_batches([([1, 2, 3, 4, 5], [6, 7])], max_length=4, budget=100)
    assert batch.tokens.tolist() == [[3, 4, 5, 6]]
    assert batch.target.tolist() == [6, 7]


@given(PAIRS, st.integers(6, 12), st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_every_token_is_predicted_from_what_precedes_it(
    pairs: list[tuple[list[int], list[int]]], max_length: int, budget: int
) -> None:
    """What a token sees, in the order of positions, is what stands before it in its own pair; nothing is lost."""
    seen: list[list[tuple[int, list[int]]]] = [[] for _ in pairs]
    for batch in scoring_batches(pairs, max_length, budget):
        rows, length = batch.tokens.shape
        assert rows == 1 or rows * length <= budget
        mask = batch.mask(torch.float32, torch.device("cpu"))
        causal = torch.ones(length, length).tril().bool()
        flat = batch.tokens.flatten()
        for offset, target, pair in zip(batch.read[batch.slot].tolist(), batch.target, batch.pair, strict=True):
            row, place = divmod(offset, length)
            visible = causal[place] if mask is None else mask[row, 0, place] == 0
            tokens = flat[row * length : (row + 1) * length][visible].tolist()
            if batch.positions is not None:
                assert batch.positions[row][visible].tolist() == list(range(len(tokens)))
            seen[int(pair)].append((int(target), tokens))
    for (context, continuation), found in zip(pairs, seen, strict=True):
        whole = [*context, *continuation][-(max_length + 1) :]
        start = len(whole) - len(continuation)
        assert found == [(whole[i], whole[:i]) for i in range(start, len(whole))]


@given(st.lists(TOKENS, min_size=1, max_size=12), st.integers(1, 40))
def test_prompts_stand_at_the_right_edge(prompts: list[list[int]], budget: int) -> None:
    found = {}
    for batch in prompt_batches(prompts, new=3, budget=budget):
        rows, length = batch.tokens.shape
        assert rows == 1 or rows * (length + 3) <= budget
        for row, (index, tokens) in enumerate(zip(batch.index, batch.tokens.tolist(), strict=True)):
            found[index] = tokens[length - int(batch.lengths[row]) :]
    assert [found[i] for i in range(len(prompts))] == prompts
