"""Token trees and batches, by hand and by property."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flexmore.evaluation.engine import stems
from flexmore.evaluation.engine.batches import prompt_batches, scoring_batches
from flexmore.evaluation.engine.stems import Stem

TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=6)
CONTINUATIONS = st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=12)
WORTH = st.sampled_from([1, 4, 1024])


def test_one_tree_for_one_context_by_hand() -> None:
    continuations = [([7, 8, 9], [1, 2, 3]), ([7, 8, 9], [4, 5]), ([7, 8, 9], [6])]
    ((batch,),) = (found.batches for found in scoring_batches(continuations, max_length=10, budget=100))
    assert batch.tokens_T.tolist() == [7, 8, 9, 1, 2, 4]
    assert batch.positions_T.tolist() == [0, 1, 2, 3, 4, 3]
    assert batch.last_BS is not None
    assert batch.last_BS.tolist() == [[5, 5, 5, 4, 4, 5]]
    assert batch.read_P[batch.slot_N].tolist() == [2, 2, 3, 4, 2, 5]
    assert batch.target_N.tolist() == [6, 1, 2, 3, 4, 5]
    assert batch.continuation_N.tolist() == [2, 0, 0, 0, 1, 1]


def test_single_tokens_add_no_branch() -> None:
    (found,) = scoring_batches([([1, 2], [3]), ([1, 2], [4]), ([5], [3])], max_length=10, budget=100)
    (batch,) = found.batches
    assert batch.tokens_T.tolist() == [1, 2, 5]
    assert batch.last_BS is None
    assert batch.read_P.tolist() == [1, 2]


def test_choices_share_what_they_begin_with() -> None:
    (found,) = scoring_batches([([1], [5, 6, 7]), ([1], [5, 6, 8])], max_length=10, budget=100)
    (batch,) = found.batches
    assert batch.tokens_T.tolist() == [1, 5, 6]


def test_too_long_loses_the_first_tokens() -> None:
    (found,) = scoring_batches([([1, 2, 3, 4, 5], [6, 7])], max_length=4, budget=100)
    (batch,) = found.batches
    assert batch.tokens_T.tolist() == [3, 4, 5, 6]
    assert batch.target_N.tolist() == [6, 7]


def test_a_stem_leaves_the_tokens_whose_logits_are_read() -> None:
    context = list(range(500))
    by_stem = scoring_batches([(context, [1, 2]), (context[:400], [3]), (context, [1, 3])] * 3, 1000, 4096)
    assert [found.stem.end for found in by_stem] in ([0], [0, 399])


@given(CONTINUATIONS, st.integers(6, 12), st.integers(1, 60), WORTH)
@settings(max_examples=200)
def test_every_token_is_predicted_from_what_precedes_it(
    continuations: list[tuple[list[int], list[int]]], max_length: int, budget: int, worth: int
) -> None:
    """What a token sees, in the order of positions, is what comes before it in its own sequence; nothing is lost."""
    seen: list[list[tuple[int, list[int]]]] = [[] for _ in continuations]
    with worth_saving(worth):
        by_stem = scoring_batches(continuations, max_length, budget)
    for found_batches in by_stem:
        stem = whole_stem([batches.stem for batches in by_stem], found_batches.stem)
        for batch in found_batches.batches:
            packing = batch.packing
            trees, longest = len(packing.lengths_B), int(packing.lengths_B.max())
            assert trees == 1 or trees * longest <= max(budget - len(stem), budget // 2)
            tokens, positions = packing.pad(batch.tokens_T), packing.pad(batch.positions_T)
            places = torch.arange(packing.lengths_B.sum()) if packing.index_T is None else packing.index_T
            scored = zip(batch.read_P[batch.slot_N], batch.target_N, batch.continuation_N, strict=True)
            for read, target, continuation in scored:
                tree, place = divmod(int(places[read]), longest)
                visible = torch.arange(longest) <= place
                if batch.last_BS is not None:
                    visible &= place <= batch.last_BS[tree]
                assert positions[tree][visible].tolist() == list(range(len(stem), len(stem) + int(visible.sum())))
                seen[int(continuation)].append((int(target), [*stem, *tokens[tree][visible].tolist()]))
    for (context, ending), found in zip(continuations, seen, strict=True):
        whole = [*context, *ending][-(max_length + 1) :]
        start = len(whole) - len(ending)
        assert found == [(whole[i], whole[:i]) for i in range(start, len(whole))]


@given(st.lists(TOKENS, min_size=1, max_size=12, unique_by=tuple), st.integers(1, 40), WORTH)
def test_prompts_come_whole_and_within_the_budget(prompts: list[list[int]], budget: int, worth: int) -> None:
    found = {}
    with worth_saving(worth):
        by_stem = prompt_batches(prompts, new=3, budget=budget)
    for found_batches in by_stem:
        stem = whole_stem([batches.stem for batches in by_stem], found_batches.stem)
        for batch in found_batches.batches:
            padded = batch.packing.pad(batch.tokens_T).tolist()
            lengths = batch.packing.lengths_B.tolist()
            assert len(padded) == 1 or len(padded) * (max(lengths) + 3) <= max(budget - len(stem), budget // 2)
            for index, length, tokens in zip(batch.index, lengths, padded, strict=True):
                found[index] = [*stem, *tokens[:length]]
    assert [found[i] for i in range(len(prompts))] == prompts


def whole_stem(known: list[Stem], stem: Stem) -> list[int]:
    """A stem's tokens after its parents'."""
    before = [] if stem.parent is None else whole_stem(known, known[stem.parent])
    return [*before, *stem.tokens]


@contextmanager
def worth_saving(tokens: int) -> Iterator[None]:
    """Let a stem be worth its pass where it saves so many tokens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stems, "_MIN_SAVED", tokens)
        yield
