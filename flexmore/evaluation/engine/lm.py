"""The lm-eval model: any causal transformers model in memory, with the results of lm-eval's own HFLM, in less time.

Tokenization, truncation and stop strings follow `lm_eval.models.huggingface.HFLM`. The differences: beginnings that
requests share are computed once (`stems`, `trees`) and nothing is computed for padding (`packing`); logits are computed
only where a token is predicted, their log-softmax in fp32 whatever the model's dtype; a continuation that has ended is
not generated further; requests can be prepared once and answered for many mixtures; NaN is an error. HFLM also reads
wrong positions if two requests have the same tokens but divide them differently into context and continuation, unless
its `logits_cache` is off; this engine does not. More in docs/evaluation.md.
"""

# P tokens whose logits are read, N scored tokens, E hidden width, V vocabulary

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import postprocess_generated_text, resolve_max_length
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from flexmore.errors import NotFinite
from flexmore.evaluation.engine.attention import KeysValues, PackedPlan
from flexmore.evaluation.engine.batches import AnyBatch, ScoringBatch, StemBatches
from flexmore.evaluation.engine.encoding import Encoder
from flexmore.evaluation.engine.generation import generate
from flexmore.evaluation.engine.halving import HalvingRunner
from flexmore.evaluation.engine.packed_model import PackedModel
from flexmore.evaluation.engine.prepared_requests import (
    GenerationRequests,
    PreparedRequests,
    RequestBatcher,
    Response,
    ScoringRequests,
)
from flexmore.evaluation.engine.trees import Continuation
from flexmore.revisions import ENGINE_REVISION

_LOGITS_AT_ONCE = 1 << 26
"""The most logits that are computed at once when tokens are scored."""


class MixtureLM(TemplateLM):
    """Answer lm-eval's requests with a causal model and its tokenizer.

    Args:
        model: in eval mode; its logits are its head on its base model's last hidden states (checked).
        batch_tokens: the most tokens in one batch, shared beginning, padding and all that may be generated included:
            what its keys and values take memory for.
        max_length: the model's context in tokens; None reads it from the config.
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
        self.encoder = Encoder(tokenizer, max_length or resolve_max_length(model.config, tokenizer))
        self._batcher = RequestBatcher(tokenizer, self.encoder, batch_tokens)
        self._packed = PackedModel(model)
        self._runner = HalvingRunner()

    # ------------------------------------------------------------------ what lm-eval asks of a model

    @property
    def eot_token_id(self) -> int:
        """Return the tokenizer's end-of-text token."""
        return self.encoder.end

    @property
    def prefix_token_id(self) -> int:
        """Return the token that replaces an empty context: begin of text, else end of text."""
        return self.encoder.prefix

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """Return the tokens of a text, special ones by the tokenizer's default unless the text begins with one."""
        return self.encoder.encode([string], add_special_tokens)[string]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Return for each (context, continuation) its log-probability, and whether greedy decoding would produce it."""
        return self.respond(self.prepare("loglikelihood", requests))  # type: ignore[return-value]

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """Return for each (text,) the log-probability of all of it, each token after as many as the context holds."""
        return self.respond(self.prepare("loglikelihood_rolling", requests))  # type: ignore[return-value]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return for each (context, settings) the greedy continuation up to a stop string."""
        return self.respond(self.prepare("generate_until", requests))  # type: ignore[return-value]

    def _loglikelihood_tokens(
        self, requests: list[tuple[tuple[str, str], list[int], list[int]]], **kwargs: Any
    ) -> list[tuple[float, bool]]:
        continuations: list[Continuation] = [(context, continuation) for _, context, continuation in requests]
        return self.respond(self._batcher.scoring(continuations, None))  # type: ignore[return-value]

    # ------------------------------------------------------------------ prepare once, respond for many mixtures

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return what of tokenizer and engine decides responses, besides weights, dtype and requests."""
        return {"engine": ENGINE_REVISION, "ends": sorted(self._ends), **self.encoder.identity}

    def prepare(self, kind: str, requests: Sequence[Instance]) -> PreparedRequests:
        """Tokenize and batch requests of one kind; the result holds for any weights.

        Raises:
            FlexmoreError: a request cannot be answered: an empty continuation, one longer than the context, sampling.
        """
        return self._batcher.prepare(kind, requests)

    @torch.inference_mode()
    def respond(self, prepared: PreparedRequests) -> Sequence[Response]:
        """Return the model's responses, in the order of the requests.

        Raises:
            NotFinite: a logit is NaN or infinite.
        """
        with self._packed.open():
            if isinstance(prepared, GenerationRequests):
                return self._generate(prepared)
            scores = self._score(prepared)
        if prepared.windows_of is None:
            return scores
        *owners, texts = prepared.windows_of
        totals = [0.0] * texts
        for owner, (value, _) in zip(owners, scores, strict=True):
            totals[owner] += value
        return totals

    # ------------------------------------------------------------------ responses

    def _score(self, prepared: ScoringRequests) -> list[tuple[float, bool]]:
        totals = torch.zeros(prepared.continuations, dtype=torch.float64)
        greedy = torch.ones(prepared.continuations, dtype=torch.bool)
        for stem, batch in self._with_stems(prepared.by_stem):
            for part, (values_N, best_N) in self._runner.run(batch, partial(self._score_tokens, stem=stem)):
                totals.index_add_(0, part.continuation_N, values_N)
                greedy[part.continuation_N[~best_N]] = False
        if not bool(torch.isfinite(totals).all()):
            raise NotFinite("the model's logits are NaN or infinite")
        return list(zip(totals.tolist(), greedy.tolist(), strict=True))

    def _generate(self, prepared: GenerationRequests) -> list[str]:
        responses = [""] * prepared.requests
        ends = self._ends
        for group in prepared.groups:
            for stem, batch in self._with_stems(group.by_stem):
                work = partial(generate, self._packed, stem=stem, ends=ends, stopped=group.stops)
                for part, generated in self._runner.run(batch, work):
                    texts = self.tokenizer.batch_decode(generated, skip_special_tokens=True)
                    for index, text in zip(part.index, texts, strict=True):
                        for number in group.askers[index]:
                            responses[number] = postprocess_generated_text(text, group.stops.stops, None)
        return responses

    def _with_stems(self, by_stem: Sequence[StemBatches[AnyBatch]]) -> Iterator[tuple[KeysValues | None, AnyBatch]]:
        """Yield each batch with the keys and values of its stem; only those of one stem and its parents are held."""
        held: list[tuple[int | None, KeysValues | None]] = [(None, None)]
        for number, found in enumerate(by_stem):
            while held[-1][0] != found.stem.parent:
                held.pop()
            parent = held[-1][1]
            held.append((number, self._packed.stem(found.stem, parent) if found.stem.tokens else parent))
            for batch in found.batches:
                yield held[-1][1], batch

    def _score_tokens(self, batch: ScoringBatch, stem: KeysValues | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return each scored token's log-probability and whether it is the most probable one, [N] each, on the CPU."""
        plan = PackedPlan(batch.packing, batch.last_BS, stem)
        hidden_TE = self._packed.hidden(batch.tokens_T, batch.positions_T, plan)
        device = hidden_TE.device
        needed_PE = hidden_TE[batch.read_P.to(device)]
        at_once = max(1, _LOGITS_AT_ONCE // self.model.config.vocab_size)
        slot_N, target_N = batch.slot_N.to(device), batch.target_N.to(device)
        values_N = torch.empty(len(slot_N), device=device)
        best_N = torch.empty(len(slot_N), dtype=torch.bool, device=device)
        for start in range(0, len(needed_PE), at_once):
            chosen_N = (slot_N >= start) & (slot_N < start + at_once)
            logits_PV = self._packed.logits(needed_PE[start : start + at_once]).float()
            at, token = slot_N[chosen_N] - start, target_N[chosen_N]
            values_N[chosen_N] = logits_PV[at, token] - logits_PV.logsumexp(dim=-1)[at]
            best_N[chosen_N] = logits_PV.argmax(dim=-1)[at] == token
        return values_N.double().cpu(), best_N.cpu()

    @property
    def _ends(self) -> set[int]:
        """Return the tokens that end a generation: the model's, and the tokenizer's end of text."""
        ends = getattr(self.model.generation_config, "eos_token_id", None)
        return {self.eot_token_id, *(ends if isinstance(ends, list) else [] if ends is None else [ends])}
