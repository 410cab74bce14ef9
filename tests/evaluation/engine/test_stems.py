"""Stems, by hand and by property."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexmore.evaluation.engine import stems
from flexmore.evaluation.engine.stems import find_stems

TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=6)


def test_stems_by_hand() -> None:
    """Shots before everything, a passage before half, and one that was cut short."""
    shots, passage = tuple(range(100, 400)), tuple(range(400, 600))
    questions = [(*shots, *passage, 1, n) for n in range(10)] + [(*shots, 2, n) for n in range(10)]
    sequences = sorted([*questions, shots[50:]])
    found = find_stems(sequences, [len(sequence) - 1 for sequence in sequences])
    assert [(stem.tokens, stem.start, stem.parent) for stem in found] == [
        ((), 0, None),
        (shots, 0, 0),
        ((*passage, 1), 300, 1),
    ]
    assert [len(stem.members) for stem in found] == [1, 10, 10]


@given(st.lists(TOKENS, min_size=1, max_size=12), st.data(), st.sampled_from([1, 3, 8]))
@settings(max_examples=200)
def test_every_sequence_is_found_under_its_stems(found: list[list[int]], data: st.DataObject, worth: int) -> None:
    sequences = sorted({tuple(tokens) for tokens in found})
    limits = [data.draw(st.integers(0, len(tokens) - 1)) for tokens in sequences]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stems, "_MIN_SAVED", worth)
        known = find_stems(sequences, limits)
    assert sorted(member for stem in known for member in stem.members) == list(range(len(sequences)))
    path: list[int] = []
    for number, stem in enumerate(known):
        while path and path[-1] != stem.parent:
            path.pop()
        assert bool(path) == (number > 0), "a stem comes after its parent, with nothing else in between"
        path.append(number)
        whole = tuple(token for i in path for token in known[i].tokens)
        assert len(whole) == stem.end
        for member in stem.members:
            assert sequences[member][: stem.end] == whole
            assert stem.end <= limits[member]
