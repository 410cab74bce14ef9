"""Stop strings: texts are decoded seldom, and continuations end as if they were always decoded."""

import random

import pytest
from tiny_suite import build_tokenizer

from flexmore.evaluation.engine.generation import StopStrings


@pytest.mark.parametrize("kind", ["bytes", "words"])
@pytest.mark.parametrize("stops", [["."], ["?", "sat"], [" a"], ["京"], ["ö"], ["on mat"], ["o "], ["\n\n", "G"], []])
def test_stops_where_the_whole_text_first_holds_one(kind: str, stops: list[str]) -> None:
    tokenizer = build_tokenizer(kind)
    found = 0
    for seed in range(30):
        draw = random.Random(seed)
        stopped, tokens = StopStrings(tokenizer, stops), []
        for _ in range(40):
            tokens.append(draw.randrange(len(tokenizer)))
            ends = tokenizer.decode(tokens[-8:])  # special tokens count in the last few tokens, as in HFLM
            expected = any(stop in tokenizer.decode(tokens, skip_special_tokens=True) or stop in ends for stop in stops)
            assert stopped(tokens) == expected
            if expected:
                found += 1
                break
    assert found or stops in ([], ["京"], ["ö"], ["on mat"], ["\n\n", "G"])


def test_a_stop_string_whose_last_character_is_two_tokens() -> None:
    tokenizer = build_tokenizer("bytes")
    tokens = tokenizer("a red 京 cat", add_special_tokens=False)["input_ids"]
    stopped = StopStrings(tokenizer, ["京"])
    first = next(end for end in range(1, len(tokens) + 1) if stopped(tokens[:end]))
    assert "京" in tokenizer.decode(tokens[:first])
    assert "京" not in tokenizer.decode(tokens[: first - 1])


def test_decodes_seldom() -> None:
    tokenizer = build_tokenizer("words")
    stopped = StopStrings(tokenizer, ["."])
    tokens = [token for token in range(len(tokenizer)) if "." not in tokenizer.decode([token])]
    for end in range(1, len(tokens)):
        stopped(tokens[:end])
    decoded: list[int] = []
    tokenizer.decode = lambda *_, **__: decoded.append(1) or ""
    for end in range(1, len(tokens)):
        assert not stopped(tokens[:end])
    assert not decoded
