"""Greedy continuation of a batch of prompts with a key-value cache; what stops a row is the tokenizer's matter."""

from collections.abc import Callable, Collection, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from flexmore.errors import FlexmoreError
from flexmore.evaluation.batches import PromptBatch

_KEEP = 0.75
"""Ended rows are taken out of the batch once fewer than this share of its rows go on: that copies the cache."""


class StopStrings:
    """Tells when a continuation's text holds a stop string.

    Decoding the whole text at each token is slow, and a stop string can only be completed by a token whose
    own text has its last character: so only then is the text decoded. A token whose text is not certain by
    itself (a part of a character), and every token where a stop string ends in a space (some tokenizers put
    spaces between tokens), counts as such.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stops: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._stops = [stop for stop in stops if stop]
        self._ends = {stop[-1] for stop in self._stops}
        self._always = any(end.isspace() and end != "\n" for end in self._ends)
        self._may_end: dict[int, bool] = {}

    def __call__(self, tokens: Sequence[int]) -> bool:
        """Whether the text of `tokens` holds a stop string, given that without the last token it did not."""
        last = tokens[-1]
        if last not in self._may_end:
            text = self._tokenizer.decode([last], skip_special_tokens=True)
            self._may_end[last] = self._always or "\ufffd" in text or not self._ends.isdisjoint(text)
        if not self._stops or not self._may_end[last]:
            return False
        text = self._tokenizer.decode(tokens, skip_special_tokens=True)
        return any(stop in text for stop in self._stops)


def generate(
    model: PreTrainedModel,
    batch: PromptBatch,
    new: int,
    ends: Collection[int],
    stopped: Callable[[Sequence[int]], bool],
) -> list[list[int]]:
    """Continue each prompt with its most probable tokens.

    Args:
        new: at most so many tokens.
        ends: a row ends with any of these tokens (kept in the answer).
        stopped: whether a row's new tokens so far end it.

    Returns:
        The new tokens of each row of the batch.

    Raises:
        FlexmoreError: a logit is NaN or infinite.
    """
    device = model.device
    answers: list[list[int]] = [[] for _ in batch.index]
    rows = list(range(len(answers)))
    going = [True] * len(answers)
    width = batch.tokens.shape[1]
    padding = (width - batch.lengths).to(device)
    places = torch.arange(width, device=device)
    mask = (places >= padding[:, None]).long() if bool(padding.any()) else None
    tokens, positions, cache = batch.tokens.to(device), (places - padding[:, None]).clamp(min=0), None
    for _ in range(new):
        out = model(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache = out.past_key_values
        top, chosen = out.logits[:, -1].max(dim=-1)
        if not bool(torch.isfinite(top).all()):
            raise FlexmoreError("the model's logits are NaN or infinite while it generates")
        for row, token in zip(rows, chosen.tolist(), strict=True):
            if going[row]:
                answers[row].append(token)
                going[row] = token not in ends and not stopped(answers[row])
        alive = [i for i, row in enumerate(rows) if going[row]]
        if not alive:
            break
        tokens, positions = chosen[:, None], positions[:, -1:] + 1
        if mask is not None:
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        if len(alive) < _KEEP * len(rows):
            kept = torch.tensor(alive, device=device)
            cache.batch_select_indices(kept)
            tokens, positions = tokens[kept], positions[kept]
            mask = mask[kept] if mask is not None else None
            rows = [rows[i] for i in alive]
    return answers
