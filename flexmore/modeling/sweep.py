"""One loaded backbone for all the mixtures of a sweep: ranks are switched in place."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    FlexOlmoConfig,
    FlexOlmoForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.flex_olmo.modeling_flex_olmo import FlexOlmoExperts, FlexOlmoRotaryEmbedding

from flexmore.checkpoints import Checkpoint
from flexmore.config import Layout, Rank
from flexmore.errors import FlexmoreError
from flexmore.factors import FactorStore
from flexmore.mixtures import PROJECTIONS, Mixture, effective_rank
from flexmore.modeling.experts import ExpertWeights


class SweepModel:
    """A transformers model whose experts take a mixture's ranks in place.

    Attributes:
        model: Olmo2 for the baseline, FlexOlmo (public and the sweep's experts) otherwise, in eval mode.
        tokenizer: the public model's.
        dtype: of weights and computation, such as `float32`.
        device: where the model is.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        experts: Sequence[ExpertWeights] = (),
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.experts = {expert.name: expert for expert in experts}
        self.device: torch.device = model.device
        self.dtype = str(model.dtype).removeprefix("torch.")
        self._ranks: dict[str, tuple[Rank, str | None]] = {}

    @classmethod
    def load(
        cls,
        layout: Layout,
        experts: Sequence[str],
        *,
        dtype: str = "checkpoint",
        device: str = "auto",
        seed: int = 0,
    ) -> "SweepModel":
        """Load the backbone that a sweep over `experts` shares; no experts: the public model alone.

        Args:
            dtype: `checkpoint` keeps the checkpoint's.
            device: `auto` is cuda where there is one.
            seed: of the controls' random deltas.
        """
        place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        tokenizer = AutoTokenizer.from_pretrained(layout.expert("public"))
        if not experts:
            wanted = _dtype(Checkpoint(layout.expert("public")), dtype)
            model = AutoModelForCausalLM.from_pretrained(layout.expert("public"), dtype=wanted)
            return cls(model.to(place), tokenizer)
        weights = [
            ExpertWeights(name, Checkpoint(layout.expert(name)), FactorStore(layout.factors(name)), seed)
            for name in experts
        ]
        model = _assemble(weights, _dtype(weights[0].checkpoint, dtype), place)
        return cls(model, tokenizer, weights)

    @torch.no_grad()
    def set_mixture(self, mixture: Mixture) -> None:
        """Give the loaded experts a mixture's ranks and number of active experts; unchanged experts are not touched.

        Raises:
            FlexmoreError: the mixture's experts are not the sweep's.
        """
        if mixture.experts != tuple(self.experts):
            raise FlexmoreError(f"{mixture.name}: experts {mixture.experts}; this sweep loaded {tuple(self.experts)}")
        control = mixture.rank if mixture.kind == "control" else None
        for slot, (name, rank) in enumerate(zip(mixture.experts, mixture.ranks, strict=True), start=1):
            expert = self.experts[name]
            wanted = (effective_rank(rank, expert.checkpoint.architecture), control)
            if self._ranks.get(name) == wanted:
                continue
            self._ranks.pop(name, None)  # half-switched would be neither
            for layer, block in enumerate(self.model.model.layers):
                for projection in PROJECTIONS:
                    view = _expert_view(block.mlp.experts, slot, projection)
                    view.copy_(expert.weight(layer, projection, *wanted))
            self._ranks[name] = wanted
        if mixture.experts:
            self.model.config.num_experts_per_tok = mixture.active
            for block in self.model.model.layers:
                block.mlp.gate.top_k = mixture.active


def joint_config(folder: Path, experts: int, active: int) -> FlexOlmoConfig:
    """The configuration of a mixture of public and `experts`, from that of a 2-expert checkpoint."""
    config = FlexOlmoConfig.from_pretrained(folder)
    config.num_experts = experts + 1
    config.num_experts_per_tok = active
    return config


def _dtype(checkpoint: Checkpoint, wanted: str) -> torch.dtype:
    """A dtype by name; `checkpoint` is that of the tensors on disk, whatever config.json says."""
    return checkpoint.tensor(checkpoint.backbone_names[0]).dtype if wanted == "checkpoint" else getattr(torch, wanted)


def _assemble(weights: Sequence[ExpertWeights], dtype: torch.dtype, device: torch.device) -> FlexOlmoForCausalLM:
    """Build FlexOlmo without initialising it; fill in backbone and routers, and the public FFN in every expert."""
    first = weights[0].checkpoint
    config = joint_config(first.folder, len(weights), min(2, len(weights) + 1))
    config._experts_implementation = "eager"
    with torch.device("meta"):
        model = FlexOlmoForCausalLM(config)
    model = model.to(dtype).to_empty(device=device)
    model.tie_weights()
    model.model.rotary_emb = FlexOlmoRotaryEmbedding(config).to(device)  # its buffers are computed, not stored
    with torch.no_grad():
        parameters = dict(model.named_parameters())
        for name in first.backbone_names:
            parameters[name].copy_(first.tensor(name))
        for layer, block in enumerate(model.model.layers):
            block.mlp.gate.weight[0].copy_(first.router(layer)[0])
            for slot, expert in enumerate(weights, start=1):
                block.mlp.gate.weight[slot].copy_(expert.router_row(layer))
            for projection in PROJECTIONS:
                public = first.expert_weight(layer, 0, projection)
                for slot in range(len(weights) + 1):
                    _expert_view(block.mlp.experts, slot, projection).copy_(public)
    return model


def _expert_view(experts: FlexOlmoExperts, slot: int, projection: str) -> Tensor:
    """The part of transformers' fused expert tensors that one expert's projection is."""
    if projection == "down_proj":
        down: Tensor = experts.down_proj[slot]
        return down
    fused: Tensor = experts.gate_up_proj[slot]
    gate, up = fused.chunk(2, dim=0)
    return gate if projection == "gate_proj" else up
