"""Batches that do not fit the device are halved, and their size is remembered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from tiny_suite import WORDS
from transformers import AutoModelForCausalLM, AutoTokenizer

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine import stems
from flexmore.evaluation.engine.lm import MixtureLM


class Device:
    """Stands for a device with room for so many tokens: of one pass, or of keys and values."""

    def __init__(self, engine: MixtureLM, room: int) -> None:
        self.room = room
        self.passes: list[int] = []
        engine.model.base_model.embed_tokens.register_forward_pre_hook(self._fit)

    def _fit(self, module: Any, given: Any) -> None:
        tokens = given[0].numel()
        self.passes.append(tokens)
        if tokens > self.room:
            raise torch.OutOfMemoryError(f"no room for {tokens} tokens")


@pytest.fixture(params=[32, 1024], ids=["stems", ""])
def engine(words: Path, request: pytest.FixtureRequest) -> Iterator[MixtureLM]:
    model = AutoModelForCausalLM.from_pretrained(words, experts_implementation="eager").eval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stems, "_MIN_SAVED", request.param)
        yield MixtureLM(model, AutoTokenizer.from_pretrained(words), batch_tokens=300)


def choices() -> list[Instance]:
    words = WORDS.split()
    pairs = [(f"so {a} {b} is the question", f" {c} {a}") for a in words[:7] for b in words[5:12] for c in words[:3]]
    return [Instance("loglikelihood", {}, pair, 0) for pair in pairs]


def test_the_answers_are_those_of_a_device_with_room(engine: MixtureLM) -> None:
    expected = engine.loglikelihood(choices())
    device = Device(engine, 30)
    found = engine.loglikelihood(choices())
    assert [value for value, _ in found] == pytest.approx([value for value, _ in expected], abs=1e-5)
    assert [flag for _, flag in found] == [flag for _, flag in expected]
    assert sum(tokens > 30 for tokens in device.passes) > 0


def test_what_did_not_fit_is_not_tried_again(engine: MixtureLM) -> None:
    device = Device(engine, 30)
    engine.loglikelihood(choices())
    refused = sum(tokens > 30 for tokens in device.passes)
    device.passes.clear()
    engine.loglikelihood(choices())
    assert sum(tokens > 30 for tokens in device.passes) == 0 < refused <= 5


def test_generation(engine: MixtureLM) -> None:
    settings = {"until": ["."], "max_gen_toks": 6}
    words = WORDS.split()
    requests = [Instance("generate_until", {}, (f"the cat {a} {b}", settings), 0) for a in words for b in words[:3]]
    expected = engine.generate_until(requests)
    device = Device(engine, 40)
    assert engine.generate_until(requests) == expected
    assert max(device.passes) > 40


def test_a_sequence_that_does_not_fit_alone(engine: MixtureLM) -> None:
    engine.loglikelihood(choices()[:1])
    Device(engine, 2)
    with pytest.raises(FlexmoreError, match=r"no room for .* use a device with more memory"):
        engine.loglikelihood(choices())
