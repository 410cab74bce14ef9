"""A transformers model that reads packed sequences: no padding, stems once, logits only where they are needed."""

# T packed tokens, E hidden width, V vocabulary

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from transformers import PreTrainedModel

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.attention import ATTENTION_NAME, PLAN_KEYWORD, AttentionPlan, KeysValues, PackedPlan
from flexmore.evaluation.engine.packing import Packing
from flexmore.evaluation.engine.stems import Stem

_BASE_MODEL_PARTS = ("embed_tokens", "rotary_emb", "layers", "norm")
"""The parts that the base models of most of transformers' decoders consist of."""


class PackedModel:
    """Run a causal model with the attention of `attention` while it is `open`.

    Args:
        model: in eval mode.

    Raises:
        FlexmoreError: at the first `open`: the model is of another form than this can run.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self._checked = False
        self._by_layers = all(hasattr(model.base_model, part) for part in _BASE_MODEL_PARTS)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let the model read packed sequences inside; afterwards it has its own attention again."""
        if not self._checked:
            self._check()
        config = self.model.config
        own = config._attn_implementation
        config._attn_implementation = ATTENTION_NAME
        try:
            yield
        finally:
            config._attn_implementation = own

    def hidden(self, tokens_T: Tensor, positions_T: Tensor, plan: AttentionPlan) -> Tensor:
        """Return the last hidden states of packed tokens, [T, E]."""
        device = self.model.device
        tokens_1T, positions_1T = tokens_T.to(device)[None], positions_T.to(device)[None]
        run = self._layer_by_layer if self._by_layers else self._at_once
        return run(tokens_1T, positions_1T, plan)[0]

    def _layer_by_layer(self, tokens_1T: Tensor, positions_1T: Tensor, plan: AttentionPlan) -> Tensor:
        """Run the base model's parts without its masks, caches and collected outputs, which cost time in decoding."""
        base = self.model.base_model
        hidden_1TE = base.embed_tokens(tokens_1T)
        rotary = base.rotary_emb(hidden_1TE, positions_1T)
        for layer in base.layers:
            hidden_1TE = layer(
                hidden_1TE,
                attention_mask=None,
                position_ids=positions_1T,
                position_embeddings=rotary,
                **{PLAN_KEYWORD: plan},
            )
        normed_1TE: Tensor = base.norm(hidden_1TE)
        return normed_1TE

    def _at_once(self, tokens_1T: Tensor, positions_1T: Tensor, plan: AttentionPlan) -> Tensor:
        """Run the base model as a whole."""
        out = self.model.base_model(
            input_ids=tokens_1T, position_ids=positions_1T, use_cache=False, **{PLAN_KEYWORD: plan}
        )
        hidden_1TE: Tensor = out.last_hidden_state
        return hidden_1TE

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits, [..., V], of hidden states, [..., E]."""
        logits: Tensor = self.model.get_output_embeddings()(hidden)
        return logits

    def stem(self, stem: Stem, parent: KeysValues | None) -> KeysValues:
        """Return the keys and values of a stem and all its parents."""
        tokens_T = torch.tensor(stem.tokens)
        plan = PackedPlan(Packing.of([len(tokens_T)]), stem=parent, keep=True)
        self.hidden(tokens_T, torch.arange(stem.start, stem.end), plan)
        return plan.kept.after(parent)

    def _check(self) -> None:
        """Check that every layer attends as planned, and that the logits are the head on the base model's output."""
        self._checked = True  # for the `open` below
        tokens_T = torch.arange(4) % self.model.config.vocab_size
        expected_TV = self.model(input_ids=tokens_T.to(self.model.device)[None]).logits[0]
        with self.open():
            try:
                self._by_layers = self._by_layers and self._agrees(tokens_T, expected_TV)
            except TypeError:  # its parts are called in another way
                self._by_layers = False
            self._checked = self._by_layers or self._agrees(tokens_T, expected_TV)
        if not self._checked:
            raise FlexmoreError(
                f"{type(self.model).__name__}: its attention does not use the AttentionInterface, or its logits "
                "are not its head on its base model's last hidden states (scaled or capped); this engine "
                "evaluates models of the form of Olmo2 and FlexOlmo"
            )

    def _agrees(self, tokens_T: Tensor, expected_TV: Tensor) -> bool:
        """Tell whether the logits of some tokens are as expected, by attention as planned in every layer."""
        plan = PackedPlan(Packing.of([len(tokens_T)]), keep=True)
        found_TV = self.logits(self.hidden(tokens_T, torch.arange(len(tokens_T)), plan))
        return len(plan.kept.keys) == self.model.config.num_hidden_layers and _close(found_TV, expected_TV)


def _close(found: Tensor, expected: Tensor) -> bool:
    """Tell whether two results are equal up to rounding; NaN is left to be found where results are used."""
    if not bool(torch.isfinite(expected).all()):
        return True
    tolerance: float = 1e-3 if expected.dtype == torch.float32 else 0.1
    return float((found.float() - expected.float()).norm()) <= tolerance * float(expected.float().norm())
