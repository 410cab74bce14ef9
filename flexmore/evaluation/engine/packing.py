"""Where the sequences of a batch are in packed tokens: one behind the other, without padding."""

# B sequences of a batch, S tokens of the longest, T tokens of all

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """Hold where B sequences of at most S tokens are among T packed ones.

    Attributes:
        lengths_B: the number of tokens of each sequence.
        index_BS: which packed token is where once padded; beyond a sequence's end the first one. None if all sequences
            have the same length, since a view is enough then.
        index_T: where each packed token is among the B·S padded ones; None likewise.
    """

    lengths_B: Tensor
    index_BS: Tensor | None
    index_T: Tensor | None

    @classmethod
    def of(cls, lengths: Sequence[int]) -> "Packing":
        """Return the packing of sequences with these lengths."""
        lengths_B = torch.tensor(lengths)
        longest = max(lengths)
        if min(lengths) == longest:
            return cls(lengths_B, None, None)
        inside_BS = torch.arange(longest) < lengths_B[:, None]
        index_BS = torch.zeros(inside_BS.shape, dtype=torch.int64)
        index_BS[inside_BS] = torch.arange(sum(lengths))
        return cls(lengths_B, index_BS, inside_BS.flatten().nonzero()[:, 0])

    def to(self, device: torch.device) -> "Packing":
        """Return the same packing with its indices on a device; lengths stay on the CPU."""
        index_BS, index_T = (None if index is None else index.to(device) for index in (self.index_BS, self.index_T))
        return Packing(self.lengths_B, index_BS, index_T)

    def pad(self, packed: Tensor) -> Tensor:
        """Return packed values, [T, ...], as padded ones, [B, S, ...]."""
        if self.index_BS is not None:
            return packed[self.index_BS]
        return packed.reshape(len(self.lengths_B), -1, *packed.shape[1:])

    def pack(self, padded: Tensor) -> Tensor:
        """Return padded values, [B, S, ...], as packed ones, [T, ...]."""
        flat = padded.flatten(0, 1)
        return flat if self.index_T is None else flat[self.index_T]
