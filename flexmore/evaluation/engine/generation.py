"""Greedy continuation of a batch of prompts that share a stem; prompts whose continuation has ended are dropped."""

# B prompts that are still continued, T tokens of all prompts, packed, E hidden width

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from flexmore.errors import NotFinite
from flexmore.evaluation.engine.attention import DecodingPlan, KeysValues, PackedPlan
from flexmore.evaluation.engine.batches import PromptBatch
from flexmore.evaluation.engine.packed_model import PackedModel

_KEEP = 0.9
"""Prompts that have ended are dropped once a smaller share than this continues: dropping copies keys and values."""


class StopStrings:
    """Tell when the text of a continuation contains a stop string.

    As in HFLM at batch size 1, special tokens count as their text (`<|im_end|>`) in the last few tokens, as many as the
    stop string has and two more; in the whole text, which is what is returned in the end, they are left out.

    Decoding at each token is slow, and a stop string can only be completed by a token whose own text contains its last
    character: so text is decoded only then. A token whose text is not certain by itself (a part of a character), and
    every token if a stop string ends in a space (some tokenizers put spaces between tokens), counts as such.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stops: Sequence[str]) -> None:
        self.stops = [stop for stop in stops if stop]
        self._tokenizer = tokenizer
        self._looks_back = {stop: len(tokenizer.encode(stop, add_special_tokens=False)) + 2 for stop in self.stops}
        self._ends = {stop[-1] for stop in self.stops}
        self._always = any(end.isspace() and end != "\n" for end in self._ends)
        self._may_end: dict[int, bool] = {}

    def __call__(self, tokens: Sequence[int]) -> bool:
        """Tell whether the text of `tokens` contains a stop string, if without the last token it did not."""
        last = tokens[-1]
        if last not in self._may_end:
            text = self._tokenizer.decode([last])
            self._may_end[last] = self._always or "\ufffd" in text or not self._ends.isdisjoint(text)
        if not self.stops or not self._may_end[last]:
            return False
        text = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return any(
            stop in text or stop in self._tokenizer.decode(tokens[-length:])
            for stop, length in self._looks_back.items()
        )


def generate(
    model: PackedModel,
    batch: PromptBatch,
    stem: KeysValues | None,
    ends: Collection[int],
    stopped: Callable[[Sequence[int]], bool],
) -> list[list[int]]:
    """Continue each prompt of a batch with its most probable tokens.

    Args:
        model: open.
        stem: keys and values of the batch's stem.
        ends: tokens that end a continuation; they are part of it.
        stopped: tells whether the new tokens of a continuation so far end it.

    Returns:
        The new tokens of each prompt.

    Raises:
        NotFinite: a logit is NaN or infinite.
    """
    generated: list[list[int]] = [[] for _ in batch.index]
    going = [True] * len(generated)
    prompts = list(range(len(generated)))
    prefill = PackedPlan(batch.packing, stem=stem, keep=True)
    hidden_TE = model.hidden(batch.tokens_T, batch.positions_T, prefill)
    last_B = (batch.packing.lengths_B.cumsum(0) - 1).to(hidden_TE.device)
    chosen_B = _most_probable(model, hidden_TE[last_B])
    plan = DecodingPlan(batch.packing, prefill.kept, stem)
    del prefill, hidden_TE
    positions_B = batch.start + batch.packing.lengths_B.to(chosen_B.device)
    for step in range(batch.new):
        for prompt, token in zip(prompts, chosen_B.tolist(), strict=True):
            if going[prompt]:
                generated[prompt].append(token)
                going[prompt] = token not in ends and not stopped(generated[prompt])
        alive = [place for place, prompt in enumerate(prompts) if going[prompt]]
        if not alive or step + 1 == batch.new:
            break
        if len(alive) < _KEEP * len(prompts):
            kept = torch.tensor(alive, device=chosen_B.device)
            plan.select(kept)
            chosen_B, positions_B = chosen_B[kept], positions_B[kept]
            prompts = [prompts[place] for place in alive]
        chosen_B = _most_probable(model, model.hidden(chosen_B, positions_B, plan))
        positions_B = positions_B + 1
    return generated


def _most_probable(model: PackedModel, hidden_BE: Tensor) -> Tensor:
    """Return the most probable token after each hidden state, [B]."""
    top_B, chosen_B = model.logits(hidden_BE).max(dim=-1)
    if not bool(torch.isfinite(top_B).all()):
        raise NotFinite("the model's logits are NaN or infinite while it generates")
    return chosen_B
