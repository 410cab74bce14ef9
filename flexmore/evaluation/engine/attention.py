"""Attention over a stem that is stored once and the sequences that continue it.

A token attends to its stem and to its own sequence separately, and the two results are joined by their log-sum-exp (as
flash attention joins blocks). So the keys and values of a stem are neither copied nor expanded for the sequences of a
batch, whose queries meet them as one long matrix; at 7B, copies of 1000 tokens' keys and values for 64 sequences would
take a gigabyte in each layer.

The model's own layers call this by transformers' attention interface, under `ATTENTION_NAME`, with the plan of the
forward pass as the keyword `PLAN_KEYWORD`.
"""

# B sequences of a batch, S tokens of the longest, T tokens of all, packed; L tokens that are attended to;
# H heads of queries, K heads of keys and values, G = H / K · T queries of the heads that share keys; D width of a head

from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.packing import Packing

ATTENTION_NAME = "flexmore_stems"
PLAN_KEYWORD = "flexmore_plan"
_MAX_ROOM = 64
"""The most tokens for which room is made ahead while a model generates."""
_ALIGNMENT = 8
"""GPU kernels need the last dimension of a mask to be a multiple of this in memory."""


@dataclass(frozen=True)
class KeysValues:
    """Hold the keys and values of consecutive tokens: [1, K, T, D] for each layer."""

    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def after(self, before: "KeysValues | None") -> "KeysValues":
        """Return others followed by these."""
        if before is None:
            return self
        return KeysValues(
            [torch.cat(parts, dim=2) for parts in zip(before.keys, self.keys, strict=True)],
            [torch.cat(parts, dim=2) for parts in zip(before.values, self.values, strict=True)],
        )


class AttentionPlan(Protocol):
    """Say how the tokens of one forward pass attend."""

    def attend(self, layer: int, query_1HTD: Tensor, key_1KTD: Tensor, value_1KTD: Tensor, scale: float) -> Tensor:
        """Return the attention of the packed tokens to all that they see, [T, H, D]."""


class PackedPlan:
    """Let each packed token see the stem and what is before it in its own sequence.

    Args:
        packing: where the sequences are.
        last_BS: as in `trees`, if the sequences are trees with branches.
        stem: the stem's keys and values.
        keep: whether to keep the tokens' keys and values in `kept`.
    """

    def __init__(
        self, packing: Packing, last_BS: Tensor | None = None, stem: KeysValues | None = None, keep: bool = False
    ) -> None:
        self.kept = KeysValues()
        self._packing = packing
        self._last_BS = last_BS
        self._stem = stem
        self._keep = keep
        self._bias_B1SS: Tensor | None = None

    def attend(self, layer: int, query_1HTD: Tensor, key_1KTD: Tensor, value_1KTD: Tensor, scale: float) -> Tensor:
        """Return the attention of the packed tokens to all that they see, [T, H, D]."""
        if self._keep:
            self.kept.keys.append(key_1KTD)
            self.kept.values.append(value_1KTD)
        device = query_1HTD.device
        if layer == 0 or self._bias_B1SS is None or self._bias_B1SS.device != device:
            self._packing = self._packing.to(device)
            self._bias_B1SS = None if self._last_BS is None else _tree_bias(self._last_BS.to(device), query_1HTD.dtype)
        query_BHSD, key_BKSD, value_BKSD = (_padded(self._packing, part) for part in (query_1HTD, key_1KTD, value_1KTD))
        out_BHSD, logsum_BHS = _attention(
            query_BHSD, key_BKSD, value_BKSD, scale, self._bias_B1SS, causal=self._last_BS is None
        )
        out_THD = self._packing.pack(out_BHSD.transpose(1, 2))
        if self._stem is None:
            return out_THD
        logsum_TH = self._packing.pack(logsum_BHS.transpose(1, 2))
        return _joined(out_THD, logsum_TH, query_1HTD, self._stem.keys[layer], self._stem.values[layer], scale)


class DecodingPlan:
    """Let one new token of each sequence see the stem, its prompt and what has been generated since.

    Prompts are padded to the longest and hidden beyond their ends; generated tokens follow behind that, one column a
    forward pass.

    Args:
        prompts: the packing of the prompts.
        kept: their keys and values.
        stem: the stem's keys and values.
    """

    def __init__(self, prompts: Packing, kept: KeysValues, stem: KeysValues | None) -> None:
        self._stem = stem
        self._keys = [_padded(prompts, key_1KTD) for key_1KTD in kept.keys]
        self._values = [_padded(prompts, value_1KTD) for value_1KTD in kept.values]
        self._length = self._keys[0].shape[2]
        self._bias_B11L: Tensor | None = None
        if prompts.index_BS is not None:
            beyond_BL = torch.arange(self._length) >= prompts.lengths_B[:, None]
            self._bias_B11L = _bias(beyond_BL[:, None, None], kept.keys[0].dtype)

    def select(self, going: Tensor) -> None:
        """Continue with some of the sequences only, given by their indices."""
        for held in (self._keys, self._values):
            held[:] = [part_BKLD[going.to(part_BKLD.device), :, : self._length] for part_BKLD in held]
        if self._bias_B11L is not None:
            self._bias_B11L = self._bias_B11L[going.to(self._bias_B11L.device)]

    def attend(self, layer: int, query_1HTD: Tensor, key_1KTD: Tensor, value_1KTD: Tensor, scale: float) -> Tensor:
        """Return the attention of the new tokens to all that they see, [T, H, D]; the first layer adds a column."""
        if layer == 0:
            self._length += 1
        if self._bias_B11L is not None:
            self._bias_B11L = _with_room(self._bias_B11L.to(query_1HTD.device), dim=3, length=self._length)
        key_BKLD = self._added(self._keys, layer, key_1KTD)
        value_BKLD = self._added(self._values, layer, value_1KTD)
        bias_B11L = None if self._bias_B11L is None else self._bias_B11L[..., : self._length]
        query_BH1D = query_1HTD[0].transpose(0, 1)[:, :, None]
        out_BH1D, logsum_BH1 = _attention(query_BH1D, key_BKLD, value_BKLD, scale, bias_B11L)
        out_THD, logsum_TH = out_BH1D[:, :, 0], logsum_BH1[:, :, 0]
        if self._stem is None:
            return out_THD
        return _joined(out_THD, logsum_TH, query_1HTD, self._stem.keys[layer], self._stem.values[layer], scale)

    def _added(self, held: list[Tensor], layer: int, new_1KTD: Tensor) -> Tensor:
        """Return a layer's keys or values, [B, K, L, D], with those of the new tokens in the last column."""
        held[layer] = _with_room(held[layer], dim=2, length=self._length)
        held[layer][:, :, self._length - 1] = new_1KTD[0].transpose(0, 1)
        return held[layer][:, :, : self._length]


def _forward(
    module: nn.Module,
    query_1HTD: Tensor,
    key_1KTD: Tensor,
    value_1KTD: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Return the attention of a layer, [1, T, H, D], as transformers' attention layers call for it."""
    for name in ("sliding_window", "softcap", "s_aux", "position_bias"):
        if kwargs.get(name) is not None:
            raise FlexmoreError(
                f"{type(module).__name__}: found attention with {name}; this engine evaluates models with plain causal "
                "attention, such as Olmo2 and FlexOlmo"
            )
    plan: AttentionPlan = kwargs[PLAN_KEYWORD]
    layer = int(module.layer_idx)  # type: ignore[arg-type]
    return plan.attend(layer, query_1HTD, key_1KTD, value_1KTD, scaling)[None], None


AttentionInterface.register(ATTENTION_NAME, _forward)


def _padded(packing: Packing, packed_1HTD: Tensor) -> Tensor:
    """Return packed heads as padded ones, [B, H, S, D]."""
    return packing.to(packed_1HTD.device).pad(packed_1HTD[0].transpose(0, 1)).transpose(1, 2)


def _joined(
    out_THD: Tensor, logsum_TH: Tensor, query_1HTD: Tensor, key_1KLD: Tensor, value_1KLD: Tensor, scale: float
) -> Tensor:
    """Return attention to sequences, with its log-sum-exp, joined with that to the stem, [T, H, D]."""
    heads, tokens = query_1HTD.shape[1:3]
    query_1KGD = query_1HTD.reshape(1, key_1KLD.shape[1], -1, query_1HTD.shape[3])  # heads that share keys, as queries
    stem_1KGD, stem_logsum_1KG = _attention(query_1KGD, key_1KLD, value_1KLD, scale)
    stem_THD = stem_1KGD.reshape(heads, tokens, -1).transpose(0, 1)
    stem_logsum_TH = stem_logsum_1KG.reshape(heads, tokens).transpose(0, 1)
    share_TH1 = torch.sigmoid(stem_logsum_TH - logsum_TH).unsqueeze(-1)
    return torch.lerp(out_THD.float(), stem_THD.float(), share_TH1).to(out_THD.dtype)


def _attention(
    query_BHSD: Tensor,
    key_BKLD: Tensor,
    value_BKLD: Tensor,
    scale: float,
    bias: Tensor | None = None,
    causal: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return softmax attention, [B, H, S, D], and the log of each softmax's denominator in fp32, [B, H, S].

    Args:
        bias: added to the logits; its shape extends to [B, H, S, L].
    """
    if (groups := query_BHSD.shape[1] // key_BKLD.shape[1]) > 1:
        key_BKLD, value_BKLD = (part.repeat_interleave(groups, dim=1) for part in (key_BKLD, value_BKLD))
    if query_BHSD.device.type == "cpu":
        out_BHSD, logsum_BHS = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query_BHSD, key_BKLD, value_BKLD, 0.0, causal, attn_mask=bias, scale=scale
        )
        return out_BHSD, logsum_BHS
    if bias is not None:
        bias = bias.expand(*query_BHSD.shape[:3], -1)
    out_BHSD, logsum_BHS, *_ = torch.ops.aten._scaled_dot_product_efficient_attention(
        query_BHSD, key_BKLD, value_BKLD, bias, True, 0.0, causal, scale=scale
    )
    return out_BHSD, logsum_BHS[:, :, : query_BHSD.shape[2]]  # the kernel pads it


def _with_room(held: Tensor, dim: int, length: int) -> Tensor:
    """Return a tensor with zeros appended along a dimension: room for `length`, and for some more, at most as much."""
    if length <= held.shape[dim]:
        return held
    room = length + min(_MAX_ROOM, length)
    shape = [*held.shape]
    shape[dim] = room + -room % _ALIGNMENT
    wider = held.new_zeros(shape)
    wider.narrow(dim, 0, held.shape[dim]).copy_(held)
    return wider


def _tree_bias(last_BS: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what to add to the logits of attention within trees, [B, 1, S, S]."""
    places_S = torch.arange(last_BS.shape[1], device=last_BS.device)
    sees_BSS = (places_S[:, None] >= places_S) & (places_S[:, None] <= last_BS[:, None, :])
    return _bias(~sees_BSS[:, None], dtype)


def _bias(hidden: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the lowest number where `hidden` is true, else 0, in memory aligned as GPU kernels want it."""
    width = hidden.shape[-1]
    room = -width % _ALIGNMENT
    bias = torch.zeros(*hidden.shape[:-1], width + room, dtype=dtype, device=hidden.device)[..., :width]
    return bias.masked_fill_(hidden, torch.finfo(dtype).min)
