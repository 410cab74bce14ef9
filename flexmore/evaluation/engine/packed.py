"""A transformers model fed with packed rows: no padding, shared beginnings once, logits where they are asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.attention import NAME, PLAN, KeysValues, Plan, RowsPlan
from flexmore.evaluation.engine.batches import Layout
from flexmore.evaluation.engine.stems import Stem

_PARTS = ("embed_tokens", "rotary_emb", "layers", "norm")
"""Of a base model as most of transformers' decoders have it."""


class PackedModel:
    """A causal model whose attention is that of `attention` while it is `open`.

    Args:
        model: in eval mode.

    Raises:
        FlexmoreError: at the first `open`: it is not of a form that this can feed.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self._checked = False
        self._by_layers = all(hasattr(model.base_model, part) for part in _PARTS)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Feed the model packed rows inside; its own attention is put back afterwards."""
        if not self._checked:
            self._check()
        config = self.model.config
        own = config._attn_implementation
        config._attn_implementation = NAME
        try:
            yield
        finally:
            config._attn_implementation = own

    def hidden(self, tokens: Tensor, positions: Tensor, plan: Plan) -> Tensor:
        """The last hidden states, [T, hidden], of packed tokens [T]."""
        device = self.model.device
        tokens, positions = tokens.to(device)[None], positions.to(device)[None]
        run = self._layer_by_layer if self._by_layers else self._at_once
        return run(tokens, positions, plan)[0]

    def _layer_by_layer(self, tokens: Tensor, positions: Tensor, plan: Plan) -> Tensor:
        """What the base model does but for its masks, caches and collecting of outputs, which decoding feels."""
        base = self.model.base_model
        hidden = base.embed_tokens(tokens)
        rotary = base.rotary_emb(hidden, positions)
        for layer in base.layers:
            hidden = layer(
                hidden, attention_mask=None, position_ids=positions, position_embeddings=rotary, **{PLAN: plan}
            )
        normed: Tensor = base.norm(hidden)
        return normed

    def _at_once(self, tokens: Tensor, positions: Tensor, plan: Plan) -> Tensor:
        out = self.model.base_model(input_ids=tokens, position_ids=positions, use_cache=False, **{PLAN: plan})
        found: Tensor = out.last_hidden_state
        return found

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., vocabulary] of [..., hidden]."""
        logits: Tensor = self.model.get_output_embeddings()(hidden)
        return logits

    def stem(self, stem: Stem, parent: KeysValues | None) -> KeysValues:
        """The keys and values of a stem and all its parents."""
        tokens = torch.tensor(stem.tokens)
        plan = RowsPlan(Layout.of([len(tokens)]), stem=parent, keep=True)
        self.hidden(tokens, torch.arange(stem.start, stem.end), plan)
        return plan.kept.after(parent)

    def _check(self) -> None:
        """See that every layer attends as planned, and that a head is all that follows the base model."""
        self._checked = True  # for the `open` below
        tokens = torch.arange(4) % self.model.config.vocab_size
        expected = self.model(input_ids=tokens.to(self.model.device)[None]).logits[0]
        with self.open():
            try:
                self._by_layers = self._by_layers and self._agrees(tokens, expected)
            except TypeError:  # its parts are called otherwise
                self._by_layers = False
            self._checked = self._by_layers or self._agrees(tokens, expected)
        if not self._checked:
            raise FlexmoreError(
                f"{type(self.model).__name__}: its attention does not go by the AttentionInterface, or its logits "
                "are not its head on its base model's last hidden states (scaled or capped); this engine "
                "evaluates models of the form of Olmo2 and FlexOlmo"
            )

    def _agrees(self, tokens: Tensor, expected: Tensor) -> bool:
        """Whether the logits of some tokens are those expected, by attention as planned in every layer."""
        plan = RowsPlan(Layout.of([len(tokens)]), keep=True)
        found = self.logits(self.hidden(tokens, torch.arange(len(tokens)), plan))
        return len(plan.kept.keys) == self.model.config.num_hidden_layers and _close(found, expected)


def _close(found: Tensor, expected: Tensor) -> bool:
    """Whether two results are the same but for rounding; NaN is a matter for those who score."""
    if not bool(torch.isfinite(expected).all()):
        return True
    tolerance: float = 1e-3 if expected.dtype == torch.float32 else 0.1
    return float((found.float() - expected.float()).norm()) <= tolerance * float(expected.float().norm())
