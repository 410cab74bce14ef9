"""The lm-eval model: any causal transformers model in memory, answering like lm-eval's own HFLM, in less time.

Tokenization, truncation and stop strings follow `lm_eval.models.huggingface.HFLM`. What differs: beginnings that
requests share are computed once (`prefixes`, `rows`) and nothing is computed for padding (`batches`); logits are taken
only where a token is predicted, their log-softmax in fp32 whatever the model's dtype; a row that has ended is not
generated further; requests can be prepared once and answered for many mixtures; NaN is an error. HFLM also reads wrong
positions where two requests have the same tokens but divide them differently into context and continuation, unless its
`logits_cache` is off; that is not followed. More in docs/evaluation.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
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

from flexmore.errors import FlexmoreError, NotFinite
from flexmore.evaluation.engine.attention import KeysValues, RowsPlan
from flexmore.evaluation.engine.batches import Branch, Kind, PromptBatch, ScoringBatch, prompt_batches, scoring_batches
from flexmore.evaluation.engine.encoding import Encoder
from flexmore.evaluation.engine.generation import StopStrings, generate
from flexmore.evaluation.engine.halving import Fitting
from flexmore.evaluation.engine.packed import PackedModel
from flexmore.evaluation.engine.rows import Pair
from flexmore.revisions import ENGINE_REVISION

_DEFAULT_NEW_TOKENS = 256
_LOGITS_AT_ONCE = 1 << 26
_GREEDY = {"until", "max_gen_toks", "do_sample", "temperature", "top_p", "top_k"}


@dataclass(frozen=True)
class Scoring:
    """Loglikelihood requests in batches; `sums` says which request each pair belongs to (rolling windows share one)."""

    branches: list[Branch[ScoringBatch]]
    pairs: int
    sums: list[int] | None

    @property
    def tokens(self) -> int:
        """That go through the model."""
        return sum(branch.tokens for branch in self.branches)


@dataclass(frozen=True)
class Prompting:
    """generate_until requests: with each list of stop strings, batches of distinct prompts, and who asks for each."""

    parts: list[tuple[list[Branch[PromptBatch]], list[list[int]], StopStrings]]
    requests: int

    @property
    def tokens(self) -> int:
        """That go through the model before the first one is generated."""
        return sum(branch.tokens for branches, _, _ in self.parts for branch in branches)


Prepared = Scoring | Prompting
Answer = tuple[float, bool] | float | str


class MixtureLM(TemplateLM):
    """A causal model and its tokenizer behind lm-eval's interface.

    Args:
        model: in eval mode; its logits are its head on its base model's last hidden states (checked).
        batch_tokens: tokens in one batch, the shared beginning, padding and all that may be generated included: what
            its keys and values take memory for.
        max_length: the model's context; None reads it from the config.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        batch_tokens: int = 4096,
        max_length: int | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.batch_tokens = batch_tokens
        self.encoder = Encoder(tokenizer, max_length or resolve_max_length(model.config, tokenizer))
        self._packed = PackedModel(model)
        self._fitting = Fitting()

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
        return self.answer(Scoring(self._batches(pairs), len(pairs), None))  # type: ignore[return-value]

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
            NotFinite: a logit is NaN or infinite.
        """
        with self._packed.open():
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

    def _batches(self, pairs: Sequence[Pair]) -> list[Branch[ScoringBatch]]:
        return scoring_batches(pairs, self.encoder.max_length, self.batch_tokens)

    def _prepare_prompts(self, texts: Sequence[tuple[str, dict[str, Any]]]) -> Prompting:
        tokens = self.encoder.encode(context for context, _ in texts)
        end = self.tokenizer.decode([self.eot_token_id], skip_special_tokens=False)
        alike: dict[tuple[int, tuple[str, ...]], dict[tuple[int, ...], list[int]]] = {}
        for number, (context, given) in enumerate(texts):
            settings = normalize_gen_kwargs(given, _DEFAULT_NEW_TOKENS)
            if settings["do_sample"] or set(settings) - _GREEDY:
                allowed = ", ".join(sorted(_GREEDY))
                raise FlexmoreError(
                    f"generation_kwargs: found {given}; expected greedy decoding (do_sample: false) and of the keys "
                    f"only {allowed}"
                )
            new = settings["max_gen_toks"]
            stops = handle_stop_sequences(settings["until"], eos=end)
            prompts = alike.setdefault((new, tuple(stops)), {})
            prompts.setdefault(tuple(self.encoder.prompt(tokens[context], new)), []).append(number)
        parts = [
            (
                prompt_batches(list(prompts), new, self.batch_tokens),
                list(prompts.values()),
                StopStrings(self.tokenizer, stops),
            )
            for (new, stops), prompts in alike.items()
        ]
        return Prompting(parts, len(texts))

    # ------------------------------------------------------------------ answers

    def _score(self, prepared: Scoring) -> list[tuple[float, bool]]:
        totals = torch.zeros(prepared.pairs, dtype=torch.float64)
        greedy = torch.ones(prepared.pairs, dtype=torch.bool)
        for stem, batch in self._walk(prepared.branches):
            for part, (values, best) in self._fitting.run(batch, partial(self._read, stem=stem)):
                totals.index_add_(0, part.pair, values)
                greedy[part.pair[~best]] = False
        if not bool(torch.isfinite(totals).all()):
            raise NotFinite("the model's logits are NaN or infinite")
        return list(zip(totals.tolist(), greedy.tolist(), strict=True))

    def _generate(self, prepared: Prompting) -> list[str]:
        answers = [""] * prepared.requests
        ends = self._ends
        for branches, asked, stopped in prepared.parts:
            for stem, batch in self._walk(branches):
                work = partial(generate, self._packed, stem=stem, ends=ends, stopped=stopped)
                for part, rows in self._fitting.run(batch, work):
                    texts = self.tokenizer.batch_decode(rows, skip_special_tokens=True)
                    for index, text in zip(part.index, texts, strict=True):
                        for number in asked[index]:
                            answers[number] = postprocess_generated_text(text, stopped.stops, None)
        return answers

    def _walk(self, branches: Sequence[Branch[Kind]]) -> Iterator[tuple[KeysValues | None, Kind]]:
        """The batches, each with the keys and values of its stem; only those of a stem and its parents are held."""
        held: list[tuple[int | None, KeysValues | None]] = [(None, None)]
        for number, branch in enumerate(branches):
            while held[-1][0] != branch.stem.parent:
                held.pop()
            parent = held[-1][1]
            held.append((number, self._packed.stem(branch.stem, parent) if branch.stem.tokens else parent))
            for batch in branch.batches:
                yield held[-1][1], batch

    def _read(self, batch: ScoringBatch, stem: KeysValues | None) -> tuple[torch.Tensor, torch.Tensor]:
        """[N] log-probability of each token to be scored, and whether it is the most probable one; both on the CPU."""
        plan = RowsPlan(batch.layout, batch.last, stem)
        hidden = self._packed.hidden(batch.tokens, batch.positions, plan)
        device = hidden.device
        needed = hidden[batch.read.to(device)]
        rows = max(1, _LOGITS_AT_ONCE // self.model.config.vocab_size)
        slot, target = batch.slot.to(device), batch.target.to(device)
        values = torch.empty(len(slot), device=device)
        best = torch.empty(len(slot), dtype=torch.bool, device=device)
        for start in range(0, len(needed), rows):
            chosen = (slot >= start) & (slot < start + rows)
            logits = self._packed.logits(needed[start : start + rows]).float()
            at, token = slot[chosen] - start, target[chosen]
            values[chosen] = logits[at, token] - logits.logsumexp(dim=-1)[at]
            best[chosen] = logits.argmax(dim=-1)[at] == token
        return values.double().cpu(), best.cpu()

    @property
    def _ends(self) -> set[int]:
        """Tokens that end a generation: the model's, and the tokenizer's end of text."""
        ends = getattr(self.model.generation_config, "eos_token_id", None)
        return {self.eot_token_id, *(ends if isinstance(ends, list) else [] if ends is None else [ends])}
