"""Attention over a stem that is stored once and the rows that go on from it.

A row's token attends to its stem and to its row apart, and the two are put together by their log-sum-exp (as flash
attention puts blocks together). So the keys and values of a stem are neither copied nor expanded for the rows, whose
queries meet them as one long matrix; at 7B, copies of 1000 tokens' for 64 rows would take a gigabyte in each layer.

The model's own layers call this by transformers' attention interface, under `NAME`, with the plan of the forward pass
as the keyword `PLAN`.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.batches import Layout

NAME = "flexmore_stems"
PLAN = "flexmore_plan"
_GROWTH = 64
_ALIGNED = 8


@dataclass(frozen=True)
class KeysValues:
    """Of each layer the keys and values of tokens in a row, [1, key-value heads, tokens, head size]."""

    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def after(self, before: "KeysValues | None") -> "KeysValues":
        """These behind others."""
        if before is None:
            return self
        return KeysValues(
            [torch.cat(parts, dim=2) for parts in zip(before.keys, self.keys, strict=True)],
            [torch.cat(parts, dim=2) for parts in zip(before.values, self.values, strict=True)],
        )


class Plan(Protocol):
    """How the tokens of one forward pass attend."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """What the packed tokens' heads make of what they see, [T, heads, head size].

        Args:
            query: [1, heads, T, head size].
            key, value: [1, key-value heads, T, head size].
        """


class RowsPlan:
    """Packed rows, each token seeing the stem and what is before it in its row.

    Args:
        layout: the rows.
        last: [B, S] as in `rows`, where rows are trees.
        keep: keep keys and values in `kept`.
    """

    def __init__(
        self, layout: Layout, last: Tensor | None = None, stem: KeysValues | None = None, keep: bool = False
    ) -> None:
        self.kept = KeysValues()
        self._layout = layout
        self._last = last
        self._stem = stem
        self._keep = keep
        self._bias: Tensor | None = None

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """As in `Plan`."""
        if self._keep:
            self.kept.keys.append(key)
            self.kept.values.append(value)
        if layer == 0 or self._bias is None or self._bias.device != query.device:
            self._layout = self._layout.to(query.device)
            self._bias = None if self._last is None else _bias_of(self._last.to(query.device), query.dtype)
        own, keys, values = (_rows_of(self._layout, part) for part in (query, key, value))
        out, logsum = _attention(own, keys, values, scale, self._bias, causal=self._last is None)
        out = self._layout.gather(out.transpose(1, 2))
        if self._stem is None:
            return out
        logsum = self._layout.gather(logsum.transpose(1, 2))
        return _joined(out, logsum, query, self._stem.keys[layer], self._stem.values[layer], scale)


class StepsPlan:
    """One token of each row a pass, seeing the stem, its row's prompt and what has been added since.

    Prompts are held side by side, hidden beyond their ends; what is added stands behind the longest, one column a pass.

    Args:
        prompts: the layout of the prompts. kept: their keys and values.
    """

    def __init__(self, prompts: Layout, kept: KeysValues, stem: KeysValues | None) -> None:
        self._stem = stem
        self._keys = [_rows_of(prompts, keys) for keys in kept.keys]
        self._values = [_rows_of(prompts, values) for values in kept.values]
        self._length = self._keys[0].shape[2]
        self._bias: Tensor | None = None
        if prompts.place is not None:
            beyond = torch.arange(self._length) >= prompts.lengths[:, None]
            self._bias = _bias(beyond[:, None, None], kept.keys[0].dtype)

    def select(self, rows: Tensor) -> None:
        """Go on with these rows alone."""
        for held in (self._keys, self._values):
            held[:] = [part[rows.to(part.device), :, : self._length] for part in held]
        if self._bias is not None:
            self._bias = self._bias[rows.to(self._bias.device)]

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """As in `Plan`; the first layer adds a column."""
        if layer == 0:
            self._length += 1
        if self._bias is not None:
            self._bias = _with_room(self._bias.to(query.device), dim=3, length=self._length)
        keys, values = self._added(self._keys, layer, key), self._added(self._values, layer, value)
        bias = None if self._bias is None else self._bias[..., : self._length]
        out, logsum = _attention(query[0].transpose(0, 1)[:, :, None], keys, values, scale, bias)
        out, logsum = out[:, :, 0], logsum[:, :, 0]
        if self._stem is None:
            return out
        return _joined(out, logsum, query, self._stem.keys[layer], self._stem.values[layer], scale)

    def _added(self, held: list[Tensor], layer: int, new: Tensor) -> Tensor:
        """[B, key-value heads, S, head size] of a layer, with the new tokens in the last column."""
        held[layer] = _with_room(held[layer], dim=2, length=self._length)
        held[layer][:, :, self._length - 1] = new[0].transpose(0, 1)
        return held[layer][:, :, : self._length]


def _forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """What transformers' attention layers call."""
    for name in ("sliding_window", "softcap", "s_aux", "position_bias"):
        if kwargs.get(name) is not None:
            raise FlexmoreError(
                f"{type(module).__name__}: found attention with {name}; this engine evaluates models with plain causal "
                "attention, such as Olmo2 and FlexOlmo"
            )
    plan: Plan = kwargs[PLAN]
    return plan.attend(int(module.layer_idx), query, key, value, scaling)[None], None  # type: ignore[arg-type]


AttentionInterface.register(NAME, _forward)


def _rows_of(layout: Layout, packed: Tensor) -> Tensor:
    """[B, heads, S, head size] of [1, heads, T, head size]."""
    return layout.to(packed.device).spread(packed[0].transpose(0, 1)).transpose(1, 2)


def _joined(out: Tensor, logsum: Tensor, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Attention to rows, [T, heads, head size] with log-sum-exp [T, heads], joined with that to the stem."""
    heads, tokens = query.shape[1:3]
    folded = query.reshape(1, key.shape[1], -1, query.shape[3])  # heads that share keys, as more queries
    stem, other = _attention(folded, key, value, scale)
    stem = stem.reshape(heads, tokens, -1).transpose(0, 1)
    other = other.reshape(heads, tokens).transpose(0, 1)
    share = torch.sigmoid(other - logsum).unsqueeze(-1)
    return torch.lerp(out.float(), stem.float(), share).to(out.dtype)


def _attention(
    query: Tensor, key: Tensor, value: Tensor, scale: float, bias: Tensor | None = None, causal: bool = False
) -> tuple[Tensor, Tensor]:
    """Softmax attention [B, heads, S, head size], and the log of each softmax's denominator in fp32, [B, heads, S]."""
    if (groups := query.shape[1] // key.shape[1]) > 1:
        key, value = (part.repeat_interleave(groups, dim=1) for part in (key, value))
    if query.device.type == "cpu":
        out, logsum = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, causal, attn_mask=bias, scale=scale
        )
        return out, logsum
    if bias is not None:
        bias = bias.expand(len(query), query.shape[1], query.shape[2], -1)
    out, logsum, *_ = torch.ops.aten._scaled_dot_product_efficient_attention(
        query, key, value, bias, True, 0.0, causal, scale=scale
    )
    return out, logsum[:, :, : query.shape[2]]  # the kernel pads it


def _with_room(held: Tensor, dim: int, length: int) -> Tensor:
    """The same with zeros behind, along a dimension that is to have a length: more than that, but at most doubled."""
    if length <= held.shape[dim]:
        return held
    room = length + min(_GROWTH, length)
    shape = [*held.shape]
    shape[dim] = room + -room % _ALIGNED
    wider = held.new_zeros(shape)
    wider.narrow(dim, 0, held.shape[dim]).copy_(held)
    return wider


def _bias_of(last: Tensor, dtype: torch.dtype) -> Tensor:
    """[B, 1, S, S] to add to the logits of attention within rows."""
    places = torch.arange(last.shape[1], device=last.device)
    sees = (places[:, None] >= places) & (places[:, None] <= last[:, None, :])
    return _bias(~sees[:, None], dtype)


def _bias(hidden: Tensor, dtype: torch.dtype) -> Tensor:
    """The lowest number where hidden, else 0, in memory whose rows are aligned as GPU kernels want them."""
    width = hidden.shape[-1]
    room = -width % _ALIGNED
    bias = torch.zeros(*hidden.shape[:-1], width + room, dtype=dtype, device=hidden.device)[..., :width]
    return bias.masked_fill_(hidden, torch.finfo(dtype).min)
