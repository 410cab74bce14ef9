"""Greedy continuation of a batch of prompts that share a stem; rows that have ended are dropped."""

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from flexmore.errors import NotFinite
from flexmore.evaluation.engine.attention import KeysValues, RowsPlan, StepsPlan
from flexmore.evaluation.engine.batches import PromptBatch
from flexmore.evaluation.engine.packed import PackedModel

_KEEP = 0.9
"""Ended rows are dropped once fewer than this share of the rows goes on: that copies their keys and values."""


class StopStrings:
    """Tells when a continuation's text holds a stop string.

    Decoding the whole text at each token is slow, and a stop string can only be completed by a token whose
    own text has its last character: so only then is the text decoded. A token whose text is not certain by
    itself (a part of a character), and every token where a stop string ends in a space (some tokenizers put
    spaces between tokens), counts as such.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stops: Sequence[str]) -> None:
        self.stops = [stop for stop in stops if stop]
        self._tokenizer = tokenizer
        self._ends = {stop[-1] for stop in self.stops}
        self._always = any(end.isspace() and end != "\n" for end in self._ends)
        self._may_end: dict[int, bool] = {}

    def __call__(self, tokens: Sequence[int]) -> bool:
        """Whether the text of `tokens` holds a stop string, given that without the last token it did not."""
        last = tokens[-1]
        if last not in self._may_end:
            text = self._tokenizer.decode([last], skip_special_tokens=True)
            self._may_end[last] = self._always or "\ufffd" in text or not self._ends.isdisjoint(text)
        if not self.stops or not self._may_end[last]:
            return False
        text = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return any(stop in text for stop in self.stops)


def generate(
    model: PackedModel,
    batch: PromptBatch,
    stem: KeysValues | None,
    ends: Collection[int],
    stopped: Callable[[Sequence[int]], bool],
) -> list[list[int]]:
    """Continue each prompt with its most probable tokens.

    Args:
        model: open.
        stem: keys and values of the batch's stem.
        ends: a row ends with any of these tokens (kept in the answer).
        stopped: whether a row's new tokens so far end it.

    Returns:
        The new tokens of each prompt of the batch.

    Raises:
        NotFinite: a logit is NaN or infinite.
    """
    answers: list[list[int]] = [[] for _ in batch.index]
    going = [True] * len(answers)
    rows = list(range(len(answers)))
    prefill = RowsPlan(batch.layout, stem=stem, keep=True)
    hidden = model.hidden(batch.tokens, batch.positions, prefill)
    chosen = _best(model, hidden[(batch.layout.lengths.cumsum(0) - 1).to(hidden.device)])
    plan = StepsPlan(batch.layout, prefill.kept, stem)
    del prefill, hidden
    positions = batch.start + batch.layout.lengths.to(chosen.device)
    for step in range(batch.new):
        for row, token in zip(rows, chosen.tolist(), strict=True):
            if going[row]:
                answers[row].append(token)
                going[row] = token not in ends and not stopped(answers[row])
        alive = [place for place, row in enumerate(rows) if going[row]]
        if not alive or step + 1 == batch.new:
            break
        if len(alive) < _KEEP * len(rows):
            kept = torch.tensor(alive, device=chosen.device)
            plan.select(kept)
            chosen, positions, rows = chosen[kept], positions[kept], [rows[place] for place in alive]
        chosen = _best(model, model.hidden(chosen, positions, plan))
        positions = positions + 1
    return answers


def _best(model: PackedModel, hidden: Tensor) -> Tensor:
    """The most probable token after each of [B, hidden]."""
    top, chosen = model.logits(hidden).max(dim=-1)
    if not bool(torch.isfinite(top).all()):
        raise NotFinite("the model's logits are NaN or infinite while it generates")
    return chosen
