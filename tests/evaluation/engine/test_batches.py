"""Stems, rows and batches, by hand and by property."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flexmore.evaluation.engine import stems as prefixes
from flexmore.evaluation.engine.batches import Layout, prompt_batches, scoring_batches
from flexmore.evaluation.engine.stems import Stem, find_stems

TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=6)
PAIRS = st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=12)
WORTH = st.sampled_from([1, 4, 1024])


def test_one_row_for_one_context_by_hand() -> None:
    pairs = [([7, 8, 9], [1, 2, 3]), ([7, 8, 9], [4, 5]), ([7, 8, 9], [6])]
    ((batch,),) = (branch.batches for branch in scoring_batches(pairs, max_length=10, budget=100))
    assert batch.tokens.tolist() == [7, 8, 9, 1, 2, 4]
    assert batch.positions.tolist() == [0, 1, 2, 3, 4, 3]
    assert batch.last is not None
    assert batch.last.tolist() == [[5, 5, 5, 4, 4, 5]]
    assert batch.read[batch.slot].tolist() == [2, 2, 3, 4, 2, 5]
    assert batch.target.tolist() == [6, 1, 2, 3, 4, 5]
    assert batch.pair.tolist() == [2, 0, 0, 0, 1, 1]


def test_single_tokens_need_no_branch() -> None:
    (branch,) = scoring_batches([([1, 2], [3]), ([1, 2], [4]), ([5], [3])], max_length=10, budget=100)
    (batch,) = branch.batches
    assert batch.tokens.tolist() == [1, 2, 5]
    assert batch.last is None
    assert batch.read.tolist() == [1, 2]


def test_choices_share_what_they_begin_with() -> None:
    (branch,) = scoring_batches([([1], [5, 6, 7]), ([1], [5, 6, 8])], max_length=10, budget=100)
    (batch,) = branch.batches
    assert batch.tokens.tolist() == [1, 5, 6]


def test_too_long_loses_the_first_tokens() -> None:
    (branch,) = scoring_batches([([1, 2, 3, 4, 5], [6, 7])], max_length=4, budget=100)
    (batch,) = branch.batches
    assert batch.tokens.tolist() == [3, 4, 5, 6]
    assert batch.target.tolist() == [6, 7]


def test_stems_by_hand() -> None:
    """Shots before everything, a passage before half, and one that was cut short."""
    shots, passage = tuple(range(100, 400)), tuple(range(400, 600))
    questions = [(*shots, *passage, 1, n) for n in range(10)] + [(*shots, 2, n) for n in range(10)]
    sequences = sorted([*questions, shots[50:]])
    stems = find_stems(sequences, [len(sequence) - 1 for sequence in sequences])
    assert [(stem.tokens, stem.start, stem.parent) for stem in stems] == [
        ((), 0, None),
        (shots, 0, 0),
        ((*passage, 1), 300, 1),
    ]
    assert [len(stem.members) for stem in stems] == [1, 10, 10]


def test_a_stem_leaves_the_tokens_whose_logits_are_read() -> None:
    context = list(range(500))
    branches = scoring_batches([(context, [1, 2]), (context[:400], [3]), (context, [1, 3])] * 3, 1000, 4096)
    assert [branch.stem.end for branch in branches] in ([0], [0, 399])


@given(st.lists(TOKENS, min_size=1, max_size=12), st.data(), st.sampled_from([1, 3, 8]))
@settings(max_examples=200)
def test_every_sequence_is_found_under_its_stems(found: list[list[int]], data: st.DataObject, worth: int) -> None:
    sequences = sorted({tuple(tokens) for tokens in found})
    limits = [data.draw(st.integers(0, len(tokens) - 1)) for tokens in sequences]
    before = prefixes._WORTH
    prefixes._WORTH = worth
    try:
        stems = find_stems(sequences, limits)
    finally:
        prefixes._WORTH = before
    assert sorted(member for stem in stems for member in stem.members) == list(range(len(sequences)))
    path: list[int] = []
    for number, stem in enumerate(stems):
        while path and path[-1] != stem.parent:
            path.pop()
        assert bool(path) == (number > 0), "a stem comes after its parent, with nothing else in between"
        path.append(number)
        whole = tuple(token for i in path for token in stems[i].tokens)
        assert len(whole) == stem.end
        for member in stem.members:
            assert sequences[member][: stem.end] == whole
            assert stem.end <= limits[member]


@given(PAIRS, st.integers(6, 12), st.integers(1, 60), WORTH)
@settings(max_examples=200)
def test_every_token_is_predicted_from_what_precedes_it(
    pairs: list[tuple[list[int], list[int]]], max_length: int, budget: int, worth: int
) -> None:
    """What a token sees, in the order of positions, is what stands before it in its own pair; nothing is lost."""
    seen: list[list[tuple[int, list[int]]]] = [[] for _ in pairs]
    before = prefixes._WORTH
    prefixes._WORTH = worth
    try:
        branches = scoring_batches(pairs, max_length, budget)
    finally:
        prefixes._WORTH = before
    for branch in branches:
        stem = whole_stem([branch.stem for branch in branches], branch.stem)
        for batch in branch.batches:
            rows, longest = len(batch.layout.lengths), int(batch.layout.lengths.max())
            assert rows == 1 or rows * longest <= max(budget - len(stem), budget // 2)
            tokens, positions = batch.layout.spread(batch.tokens), batch.layout.spread(batch.positions)
            places = torch.arange(batch.layout.lengths.sum()) if batch.layout.back is None else batch.layout.back
            for read, target, pair in zip(batch.read[batch.slot], batch.target, batch.pair, strict=True):
                row, place = divmod(int(places[read]), longest)
                visible = torch.arange(longest) <= place
                if batch.last is not None:
                    visible &= place <= batch.last[row]
                assert positions[row][visible].tolist() == list(range(len(stem), len(stem) + int(visible.sum())))
                seen[int(pair)].append((int(target), [*stem, *tokens[row][visible].tolist()]))
    for (context, continuation), found in zip(pairs, seen, strict=True):
        whole = [*context, *continuation][-(max_length + 1) :]
        start = len(whole) - len(continuation)
        assert found == [(whole[i], whole[:i]) for i in range(start, len(whole))]


@given(st.lists(TOKENS, min_size=1, max_size=12, unique_by=tuple), st.integers(1, 40), WORTH)
def test_prompts_come_whole_and_within_the_budget(prompts: list[list[int]], budget: int, worth: int) -> None:
    found = {}
    before = prefixes._WORTH
    prefixes._WORTH = worth
    try:
        branches = prompt_batches(prompts, new=3, budget=budget)
    finally:
        prefixes._WORTH = before
    for branch in branches:
        stem = whole_stem([branch.stem for branch in branches], branch.stem)
        for batch in branch.batches:
            rows = batch.layout.spread(batch.tokens).tolist()
            lengths = batch.layout.lengths.tolist()
            assert len(rows) == 1 or len(rows) * (max(lengths) + 3) <= max(budget - len(stem), budget // 2)
            for index, length, tokens in zip(batch.index, lengths, rows, strict=True):
                found[index] = [*stem, *tokens[:length]]
    assert [found[i] for i in range(len(prompts))] == prompts


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_a_layout_spreads_and_gathers(lengths: list[int]) -> None:
    layout = Layout.of(lengths)
    packed = torch.arange(2 * sum(lengths)).reshape(-1, 2)
    spread = layout.spread(packed)
    first = 0
    for row, length in zip(spread, lengths, strict=True):
        assert row[:length].tolist() == packed[first : first + length].tolist()
        first += length
    assert layout.gather(spread).tolist() == packed.tolist()


def whole_stem(stems: list[Stem], stem: Stem) -> list[int]:
    """A stem's tokens after its parents'."""
    before = [] if stem.parent is None else whole_stem(stems, stems[stem.parent])
    return [*before, *stem.tokens]
