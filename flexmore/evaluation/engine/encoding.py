"""Texts into tokens by the rules of lm-eval's HFLM, many at once."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from json import dumps, loads
from typing import Any

from lm_eval.models.utils import has_bos_prefix
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window
from transformers import PreTrainedTokenizerBase

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.trees import Continuation

_TOKENS_ALONE = {"return_attention_mask": False, "return_token_type_ids": False}


class Encoder:
    """Encode texts for a model whose context holds `max_length` tokens.

    Attributes:
        end: the end-of-text token.
        prefix: the token that replaces an empty context: begin of text, else end of text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
        self._tokenizer = tokenizer
        self.max_length = max_length
        self.end = int(tokenizer.eos_token_id)
        begin = tokenizer.bos_token_id
        self.prefix = self.end if begin is None else int(begin)

    @property
    def identity(self) -> dict[str, Any]:
        """Return what decides the tokens of a text: the tokenizer's content, special tokens, the model's context."""
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        content: dict[str, Any] = (
            {"vocabulary": self._tokenizer.get_vocab()} if backend is None else loads(backend.to_str())
        )
        for changing in ("padding", "truncation"):  # as the last call left them
            content.pop(changing, None)
        digest = sha256(dumps(content, sort_keys=True).encode()).hexdigest()
        return {"tokenizer": digest, "prefix": self.prefix, "max_length": self.max_length}

    def encode(self, texts: Iterable[str], special: bool | None = None) -> dict[str, list[int]]:
        """Return the tokens of each distinct text.

        Args:
            special: whether to add special tokens; None: unless the text itself begins with the prefix.
        """
        found: dict[str, list[int]] = {}
        begin = self._tokenizer.decode(self.prefix)
        by_special: dict[bool, list[str]] = {True: [], False: []}
        for text in dict.fromkeys(texts):
            by_special[special if special is not None else not has_bos_prefix(text, begin)].append(text)
        for add, some in by_special.items():
            if some:
                tokens = self._tokenizer(some, add_special_tokens=add, verbose=False, **_TOKENS_ALONE)
                found.update(zip(some, tokens["input_ids"], strict=True))
        return found

    def continuations(self, texts: Sequence[tuple[str, str]]) -> list[Continuation]:
        """Return the tokens of contexts and continuations.

        The context's trailing spaces belong to the continuation, whose tokens are those of both together after the
        number of the context's own; an empty context becomes the prefix.

        Args:
            texts: (context, continuation) each.

        Raises:
            FlexmoreError: a continuation has no tokens, or more than the model's context holds.
        """
        moved = [(bare := context.rstrip(), context[len(bare) :] + rest) for context, rest in texts if context]
        encoded = self.encode(text for bare, rest in moved for text in (bare, bare + rest))
        alone = self.encode((rest for context, rest in texts if not context), special=False)
        split = iter(moved)
        found: list[Continuation] = []
        for context, continuation in texts:
            if context:
                bare, rest = next(split)
                before, scored = encoded[bare], encoded[bare + rest][len(encoded[bare]) :]
            else:
                tokens = alone[continuation]
                begins = tokens[:1] == [self.prefix]
                before, scored = (tokens[:1], tokens[1:]) if begins else ([self.prefix], tokens)
            if not before or not 0 < len(scored) <= self.max_length:
                raise FlexmoreError(
                    f"the continuation {continuation!r} of {context[-60:]!r} has {len(scored)} tokens after "
                    f"{len(before)}; expected 1 to {self.max_length} (the model's context) after at least one"
                )
            found.append((before, scored))
        return found

    def cut(self, continuations: Sequence[Continuation], most: int | None = None) -> frozenset[int]:
        """Return the numbers of the continuations that lose tokens of their context, since it is too long.

        Args:
            most: how many tokens of context and continuation are kept; None: those that the model reads or predicts.
        """
        kept = self.max_length + 1 if most is None else most
        return frozenset(
            number for number, (before, scored) in enumerate(continuations) if len(before) + len(scored) > kept
        )

    def windows(self, text: str) -> list[Continuation]:
        """Cut a whole text into windows that each predict their tokens from as many as the context holds."""
        tokens = self.encode([text])[text]
        found = get_rolling_token_windows(tokens, self.prefix, self.max_length, context_len=1)
        return [make_disjoint_window(window) for window in found]

    def prompt(self, tokens: list[int], new: int) -> list[int]:
        """Return the end of a prompt that leaves room for `new` tokens; an empty one becomes the prefix.

        Raises:
            FlexmoreError: the context has no room for any prompt.
        """
        if self.max_length <= new:
            raise FlexmoreError(
                f"max_gen_toks: found {new}; expected less than the {self.max_length} tokens of the model's context, "
                "which holds the prompt too"
            )
        return tokens[-(self.max_length - new) :] or [self.prefix]
