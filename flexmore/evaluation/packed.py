"""A transformers model fed with packed rows: no padding, shared beginnings once, logits where they are asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from flexmore.errors import FlexmoreError
from flexmore.evaluation.attention import NAME, PLAN, KeysValues, Plan, RowsPlan
from flexmore.evaluation.batches import Layout
from flexmore.evaluation.prefixes import Stem


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
        out = self.model.base_model(
            input_ids=tokens.to(device)[None],
            position_ids=positions.to(device)[None],
            use_cache=False,
            **{PLAN: plan},
        )
        found: Tensor = out.last_hidden_state[0]
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
        plan = RowsPlan(Layout.of([len(tokens)]), keep=True)
        with self.open():
            found = self.logits(self.hidden(tokens, torch.arange(len(tokens)), plan))
        self._checked = len(plan.kept.keys) == self.model.config.num_hidden_layers and _close(found, expected)
        if not self._checked:
            raise FlexmoreError(
                f"{type(self.model).__name__}: its attention does not go by the AttentionInterface, or its logits "
                "are not its head on its base model's last hidden states (scaled or capped); this engine "
                "evaluates models of the form of Olmo2 and FlexOlmo"
            )


def _close(found: Tensor, expected: Tensor) -> bool:
    """Whether two results are the same but for rounding; NaN is a matter for those who score."""
    if not bool(torch.isfinite(expected).all()):
        return True
    tolerance: float = 1e-3 if expected.dtype == torch.float32 else 0.1
    return float((found.float() - expected.float()).norm()) <= tolerance * float(expected.float().norm())
