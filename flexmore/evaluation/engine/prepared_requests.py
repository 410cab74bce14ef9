"""lm-eval's requests tokenized and batched, once for all mixtures of a sweep, and what a model responds to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs
from transformers import PreTrainedTokenizerBase

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.batches import (
    PromptBatch,
    ScoringBatch,
    StemBatches,
    prompt_batches,
    scoring_batches,
)
from flexmore.evaluation.engine.encoding import Encoder
from flexmore.evaluation.engine.generation import StopStrings
from flexmore.evaluation.engine.trees import Continuation

_DEFAULT_NEW_TOKENS = 256
_GREEDY = {"until", "max_gen_toks", "do_sample", "temperature", "top_p", "top_k"}
"""The settings of a generation that decodes greedily; lm-eval adds some of them itself."""


@dataclass(frozen=True)
class ScoringRequests:
    """Hold loglikelihood requests in batches.

    Attributes:
        continuations: how many continuations there are.
        windows_of: for rolling requests, which request each continuation is a window of, and last the number of
            requests; None where each continuation is a request.
        cut: the numbers of the requests whose context did not fit the model's and was cut.
    """

    by_stem: list[StemBatches[ScoringBatch]]
    continuations: int
    windows_of: list[int] | None
    cut: frozenset[int]

    @property
    def tokens(self) -> int:
        """Return how many tokens go through the model."""
        return sum(batches.tokens for batches in self.by_stem)


@dataclass(frozen=True)
class PromptGroup:
    """Hold prompts with the same stop strings and the same number of new tokens.

    Attributes:
        by_stem: batches of distinct prompts.
        askers: for each prompt, the numbers of the requests that it belongs to.
    """

    by_stem: list[StemBatches[PromptBatch]]
    askers: list[list[int]]
    stops: StopStrings


@dataclass(frozen=True)
class GenerationRequests:
    """Hold generate_until requests in batches.

    Attributes:
        requests: how many there are.
        cut: the numbers of those whose prompt did not fit the model's context and was cut.
    """

    groups: list[PromptGroup]
    requests: int
    cut: frozenset[int]

    @property
    def tokens(self) -> int:
        """Return how many tokens go through the model before the first one is generated."""
        return sum(batches.tokens for group in self.groups for batches in group.by_stem)


PreparedRequests = ScoringRequests | GenerationRequests
Response = tuple[float, bool] | float | str
"""To one request: log-probability and whether it is greedy, log-probability alone, or generated text."""


class RequestBatcher:
    """Tokenize and batch requests for a model.

    Args:
        batch_tokens: the most tokens in one batch.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, encoder: Encoder, batch_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._encoder = encoder
        self._batch_tokens = batch_tokens

    def prepare(self, kind: str, requests: Sequence[Instance]) -> PreparedRequests:
        """Return requests of one kind, tokenized and batched.

        Raises:
            FlexmoreError: a request cannot be answered: an empty continuation, one longer than the context, sampling.
        """
        match kind:
            case "loglikelihood":
                return self.scoring(self._encoder.continuations([request.args for request in requests]), None)
            case "loglikelihood_rolling":
                texts = [str(request.args[0]) for request in requests]
                windows = [self._encoder.windows(text) for text in texts]
                windows_of = [number for number, found in enumerate(windows) for _ in found]
                return self.scoring([window for found in windows for window in found], [*windows_of, len(texts)])
            case "generate_until":
                return self._generation([request.args for request in requests])
        raise FlexmoreError(
            f"found requests of kind {kind!r}; expected loglikelihood, loglikelihood_rolling or generate_until"
        )

    def scoring(self, continuations: Sequence[Continuation], windows_of: list[int] | None) -> ScoringRequests:
        """Return continuations in batches.

        Args:
            windows_of: as in `ScoringRequests`.
        """
        by_stem = scoring_batches(continuations, self._encoder.max_length, self._batch_tokens)
        cut = self._encoder.cut(continuations) if windows_of is None else frozenset()  # windows hold all of a text
        return ScoringRequests(by_stem, len(continuations), windows_of, cut)

    def _generation(self, texts: Sequence[tuple[str, dict[str, Any]]]) -> GenerationRequests:
        tokens = self._encoder.encode(context for context, _ in texts)
        end = self._tokenizer.decode([self._encoder.end], skip_special_tokens=False)
        alike: dict[tuple[int, tuple[str, ...]], dict[tuple[int, ...], list[int]]] = {}
        cut = set()
        for number, (context, given) in enumerate(texts):
            settings = normalize_gen_kwargs(given, _DEFAULT_NEW_TOKENS)
            if settings["do_sample"] or set(settings) - _GREEDY:
                allowed = ", ".join(sorted(_GREEDY))
                raise FlexmoreError(
                    f"generation_kwargs: found {given}; expected greedy decoding (do_sample: false) and only the keys "
                    f"{allowed}"
                )
            new = settings["max_gen_toks"]
            stops = handle_stop_sequences(settings["until"], eos=end)
            prompts = alike.setdefault((new, tuple(stops)), {})
            prompts.setdefault(tuple(self._encoder.prompt(tokens[context], new)), []).append(number)
            if len(tokens[context]) > self._encoder.max_length - new:
                cut.add(number)
        groups = [
            PromptGroup(
                by_stem=prompt_batches(list(prompts), new, self._batch_tokens),
                askers=list(prompts.values()),
                stops=StopStrings(self._tokenizer, stops),
            )
            for (new, stops), prompts in alike.items()
        ]
        return GenerationRequests(groups, len(texts), frozenset(cut))


def new_tokens(settings: dict[str, Any]) -> int:
    """Return how many tokens a generate_until request with these settings may generate."""
    return int(normalize_gen_kwargs(settings, _DEFAULT_NEW_TOKENS)["max_gen_toks"])
