"""The weights of an expert at a rank, read from its checkpoint and its factor store."""

from dataclasses import dataclass

import torch
from torch import Tensor

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.mixtures import Rank
from flexmore.factors.store import FactorStore
from flexmore.files import fingerprint
from flexmore.lowrank.control import random_delta
from flexmore.lowrank.svd import merge_adapter


@dataclass(frozen=True)
class ExpertWeights:
    """Hold one expert of a mixture and give its weights at any rank.

    Attributes:
        checkpoint: its 2-expert checkpoint.
        store: its factors; None where only `full` and rank 0 are needed.
        seed: of a control's random singular vectors.
    """

    name: str
    checkpoint: Checkpoint
    store: FactorStore | None
    seed: int = 0

    def weight(self, layer: int, projection: str, rank: Rank, control: str | None = None) -> Tensor:
        """Return one projection in the checkpoint's dtype: [ffn, hidden] for gate and up, [hidden, ffn] for down.

        Args:
            rank: effective rank; 0 gives the public expert's weights, `full` the expert's own.
            control: `random` replaces the delta by a random one with the leading `rank` singular values.
        """
        if rank == "full":
            return self.checkpoint.expert_weight(layer, 1, projection)
        public = self.checkpoint.expert_weight(layer, 0, projection)
        if rank == 0:
            return public
        if control == "random" and self.store is not None:
            s = self.store.singular_values(layer, projection)[:rank]
            delta = random_delta(s, (public.shape[0], public.shape[1]), self._generator(layer, projection))
            return (public.double() + delta).to(public.dtype)
        return merge_adapter(public, *self.factors(layer, projection, rank))

    def factors(self, layer: int, projection: str, rank: int) -> tuple[Tensor, Tensor]:
        """Return the leading components, rank-major: a [rank, in] and b [rank, out]."""
        if self.store is None:
            raise ValueError(f"{self.name}: rank {rank} needs the factor store")
        return self.store.prefix(layer, projection, rank)

    def router_row(self, layer: int) -> Tensor:
        """Return the expert's row of the router, [hidden]."""
        return self.checkpoint.router(layer)[1]

    def _generator(self, layer: int, projection: str) -> torch.Generator:
        made_from = self.store.fingerprint if self.store else None
        digits = fingerprint([made_from, self.seed, layer, PROJECTIONS.index(projection)])
        return torch.Generator().manual_seed(int(digits[:15], 16))
