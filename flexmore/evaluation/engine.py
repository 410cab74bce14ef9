"""The lm-eval model: any causal transformers model in memory, answering like lm-eval's own HFLM, in less time.

Tokenization, truncation and stop strings follow `lm_eval.models.huggingface.HFLM`. What differs: the log-softmax is
taken only where a continuation's token is predicted, in fp32 whatever the model's dtype; a context is computed once for
all its continuations (see `batches`); a row that has ended is not generated further; requests can be prepared once and
answered for many mixtures; NaN is an error. HFLM also reads wrong positions where two requests have the same tokens but
divide them differently into context and continuation, unless its `logits_cache` is off; that is not followed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import (
    handle_stop_sequences,
    normalize_gen_kwargs,
    postprocess_generated_text,
    resolve_max_length,
)
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from flexmore.errors import FlexmoreError
from flexmore.evaluation.batches import Pair, PromptBatch, ScoringBatch, prompt_batches, scoring_batches
from flexmore.evaluation.encoding import Encoder
from flexmore.evaluation.generation import StopStrings, generate
from flexmore.revisions import ENGINE_REVISION

_DEFAULT_NEW_TOKENS = 256
_LOGITS_AT_ONCE = 1 << 26
_GREEDY = {"until", "max_gen_toks", "do_sample", "temperature", "top_p", "top_k"}


@dataclass(frozen=True)
class Scoring:
    """Loglikelihood requests in batches; `sums` says which request each pair belongs to (rolling windows share one)."""

    batches: list[ScoringBatch]
    pairs: int
    sums: list[int] | None


@dataclass(frozen=True)
class Prompting:
    """generate_until requests in batches that share their settings."""

    parts: list[tuple[PromptBatch, int, tuple[str, ...]]]
    requests: int


Prepared = Scoring | Prompting
Answer = tuple[float, bool] | float | str


class MixtureLM(TemplateLM):
    """A causal model and its tokenizer behind lm-eval's interface.

    Args:
        model: in eval mode; its logits are its head on its base model's last hidden states (checked).
        batch_tokens: tokens in one forward pass, padding included.
        max_length: the model's context; None reads it from the config.

    Raises:
        FlexmoreError: the model's attention cannot take a mask of its own.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        batch_tokens: int = 4096,
        max_length: int | None = None,
    ) -> None:
        super().__init__()
        attention = model.config._attn_implementation
        if attention not in ("sdpa", "eager"):
            raise FlexmoreError(
                f"{type(model).__name__}: found attention {attention!r}; continuations that share a context need "
                "'sdpa' or 'eager': load the model with attn_implementation='sdpa'"
            )
        self.model = model
        self.tokenizer = tokenizer
        self.batch_tokens = batch_tokens
        self.encoder = Encoder(tokenizer, max_length or resolve_max_length(model.config, tokenizer))

    # ------------------------------------------------------------------ what lm-eval asks a model

    @property
    def eot_token_id(self) -> int:
        """The tokenizer's end-of-text token."""
        return self.encoder.end

    @property
    def prefix_token_id(self) -> int:
        """What an empty context is replaced by: begin of text, else end of text."""
        return self.encoder.prefix

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """The tokens of one text, special ones by the tokenizer's default unless the text begins with one."""
        return self.encoder.encode([string], add_special_tokens)[string]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """For each (context, continuation): log-probability, and whether greedy decoding would produce it."""
        return self.answer(self.prepare("loglikelihood", requests))  # type: ignore[return-value]

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """For each (text,): log-probability of the whole text, each token seeing as many as the context holds."""
        return self.answer(self.prepare("loglikelihood_rolling", requests))  # type: ignore[return-value]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """For each (context, settings): the greedy continuation up to a stop string."""
        return self.answer(self.prepare("generate_until", requests))  # type: ignore[return-value]

    def _loglikelihood_tokens(
        self, requests: list[tuple[tuple[str, str], list[int], list[int]]], **kwargs: Any
    ) -> list[tuple[float, bool]]:
        pairs: list[Pair] = [(context, continuation) for _, context, continuation in requests]
        return self._score(Scoring(self._batches(pairs), len(pairs), None))

    # ------------------------------------------------------------------ prepare once, answer for many mixtures

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What of tokenizer and settings decides the answers beside weights, dtype and requests."""
        return {"engine": ENGINE_REVISION, "ends": sorted(self._ends), **self.encoder.identity}

    def prepare(self, kind: str, requests: Sequence[Instance]) -> Prepared:
        """Tokenize and batch requests of one kind; what comes out holds for any weights.

        Raises:
            FlexmoreError: a request cannot be answered: an empty continuation, one beyond the context,
                sampling.
        """
        match kind:
            case "loglikelihood":
                pairs = self.encoder.pairs([request.args for request in requests])
                return Scoring(self._batches(pairs), len(pairs), None)
            case "loglikelihood_rolling":
                texts = [str(request.args[0]) for request in requests]
                windows = [self.encoder.windows(text) for text in texts]
                pairs = [pair for found in windows for pair in found]
                sums = [number for number, found in enumerate(windows) for _ in found]
                return Scoring(self._batches(pairs), len(pairs), [*sums, len(texts)])
            case "generate_until":
                return self._prepare_prompts([request.args for request in requests])
        raise FlexmoreError(
            f"found requests of kind {kind!r}; known are loglikelihood, its rolling form, generate_until"
        )

    @torch.inference_mode()
    def answer(self, prepared: Prepared) -> Sequence[Answer]:
        """The model's answers, in the order of the requests.

        Raises:
            FlexmoreError: a logit is NaN or infinite.
        """
        if isinstance(prepared, Prompting):
            return self._generate(prepared)
        scores = self._score(prepared)
        if prepared.sums is None:
            return scores
        *owners, texts = prepared.sums
        totals = [0.0] * texts
        for owner, (value, _) in zip(owners, scores, strict=True):
            totals[owner] += value
        return totals

    # ------------------------------------------------------------------ loglikelihoods

    def _batches(self, pairs: Sequence[Pair]) -> list[ScoringBatch]:
        return scoring_batches(pairs, self.encoder.max_length, self.batch_tokens)

    def _score(self, prepared: Scoring) -> list[tuple[float, bool]]:
        totals = torch.zeros(prepared.pairs, dtype=torch.float64)
        greedy = torch.ones(prepared.pairs, dtype=torch.bool)
        for batch in prepared.batches:
            values, best = self._read(batch)
            totals.index_add_(0, batch.pair, values)
            greedy[batch.pair[~best]] = False
        if not bool(torch.isfinite(totals).all()):
            raise FlexmoreError("the model's logits are NaN or infinite")
        return list(zip(totals.tolist(), greedy.tolist(), strict=True))

    def _read(self, batch: ScoringBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """[N] log-probability of each token to be scored, and whether it is the most probable one; both on the CPU."""
        device = self.model.device
        hidden = self._base(
            input_ids=batch.tokens.to(device),
            attention_mask=batch.mask(self.model.dtype, device),
            position_ids=batch.positions if batch.positions is None else batch.positions.to(device),
            use_cache=False,
        ).last_hidden_state
        needed = hidden.flatten(0, 1)[batch.read.to(device)]
        rows = max(1, _LOGITS_AT_ONCE // self.model.config.vocab_size)
        slot, target = batch.slot.to(device), batch.target.to(device)
        values = torch.empty(len(slot), device=device)
        best = torch.empty(len(slot), dtype=torch.bool, device=device)
        for start in range(0, len(needed), rows):
            chosen = (slot >= start) & (slot < start + rows)
            logits = self._head(needed[start : start + rows]).float()
            at, token = slot[chosen] - start, target[chosen]
            values[chosen] = logits.log_softmax(dim=-1)[at, token]
            best[chosen] = logits.argmax(dim=-1)[at] == token
        return values.double().cpu(), best.cpu()

    @cached_property
    def _base(self) -> Any:
        """The model without its head, once it has been seen that a head is all that follows it."""
        base = self.model.base_model
        token = torch.tensor([[self.eot_token_id]], device=self.model.device)
        expected = self.model(input_ids=token).logits
        if not torch.allclose(self._head(base(input_ids=token).last_hidden_state), expected, equal_nan=True):
            raise FlexmoreError(
                f"{type(self.model).__name__}: its logits are not its head on its base model's last hidden states "
                "(scaled or capped logits); this engine evaluates models of the form of Olmo2 and FlexOlmo"
            )
        return base

    def _head(self, hidden: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model.get_output_embeddings()(hidden)
        return logits

    # ------------------------------------------------------------------ generation

    @property
    def _ends(self) -> set[int]:
        """Tokens that end a generation: the model's, and the tokenizer's end of text."""
        ends = getattr(self.model.generation_config, "eos_token_id", None)
        return {self.eot_token_id, *(ends if isinstance(ends, list) else [] if ends is None else [ends])}

    def _prepare_prompts(self, texts: Sequence[tuple[str, dict[str, Any]]]) -> Prompting:
        tokens = self.encoder.encode(context for context, _ in texts)
        end = self.tokenizer.decode([self.eot_token_id], skip_special_tokens=False)
        alike: dict[tuple[int, tuple[str, ...]], list[int]] = {}
        for number, (_, given) in enumerate(texts):
            settings = normalize_gen_kwargs(given, _DEFAULT_NEW_TOKENS)
            if settings["do_sample"] or set(settings) - _GREEDY:
                allowed = ", ".join(sorted(_GREEDY))
                raise FlexmoreError(
                    f"generation_kwargs: found {given}; expected greedy decoding (do_sample: false) and of the keys "
                    f"only {allowed}"
                )
            stops = handle_stop_sequences(settings["until"], eos=end)
            alike.setdefault((settings["max_gen_toks"], tuple(stops)), []).append(number)
        parts = []
        for (new, stops), numbers in alike.items():
            prompts = [self.encoder.prompt(tokens[texts[number][0]], new) for number in numbers]
            for batch in prompt_batches(prompts, new, self.batch_tokens):
                batch.index[:] = [numbers[i] for i in batch.index]
                parts.append((batch, new, stops))
        return Prompting(parts, len(texts))

    def _generate(self, prepared: Prompting) -> list[str]:
        answers = [""] * prepared.requests
        for batch, new, stops in prepared.parts:
            stopped = StopStrings(self.tokenizer, stops)
            rows = generate(self.model, batch, new, self._ends, stopped)
            texts = self.tokenizer.batch_decode(rows, skip_special_tokens=True)
            for number, text in zip(batch.index, texts, strict=True):
                answers[number] = postprocess_generated_text(text, list(stops), None)
        return answers
