"""An expert branched from a dense model: trained beside the frozen public expert, then written as their mixture."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from transformers import FlexOlmoConfig, FlexOlmoForCausalLM, Olmo2ForCausalLM

from flexmore.architectures.flex_olmo import FLEX_OLMO

# Suffixes: B texts of a batch, T tokens, D hidden


class BranchedFeedForward(nn.Module):
    """Hold the frozen public expert of a layer and an expert that starts as its copy, both active for every token.

    It computes what FlexOlmo's layer of two experts does: with the router logits 0 and `router`·x the softmax over both
    is a sigmoid. transformers' own layer would do, but it holds both experts in one tensor and so computes gradients of
    the frozen one too: at the pocket's sizes it does 19 training steps a second where this does 26 (one thread), and
    `FlexMoREForCausalLM` does 22. Both round differently, so that trained weights would change.
    """

    def __init__(self, public: nn.Module, router_D: Tensor) -> None:
        super().__init__()
        self.public = public
        self.expert = copy.deepcopy(public)
        self.router = nn.Parameter(router_D)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Return the weighted sum of both experts, [B, T, D]."""
        share_BT1 = torch.sigmoid(x_BTD @ self.router).unsqueeze(-1)
        mixed_BTD: Tensor = (1 - share_BT1) * self.public(x_BTD) + share_BT1 * self.expert(x_BTD)
        return mixed_BTD


def branch(dense: Olmo2ForCausalLM, router_rows: Iterable[Tensor]) -> dict[str, nn.Parameter]:
    """Branch an expert from each layer of a dense model in place, and freeze all that is not the expert's.

    Args:
        router_rows: of each layer the expert's router row at the start, [D].

    Returns:
        The parameters to train, by name: the expert's weights and router row in each layer.
    """
    dense.requires_grad_(False)
    for layer, row_D in zip(dense.model.layers, router_rows, strict=True):
        layer.mlp = BranchedFeedForward(layer.mlp, row_D)
        layer.mlp.expert.requires_grad_(True)
    return {name: parameter for name, parameter in dense.named_parameters() if parameter.requires_grad}


def as_flex_olmo(branched: Olmo2ForCausalLM, config: FlexOlmoConfig) -> FlexOlmoForCausalLM:
    """Return a branched model as a mixture of two experts in transformers' own class; router row 0 is zero.

    Args:
        config: of the mixture; its sizes are those of the branched model.
    """
    model = FlexOlmoForCausalLM(config)
    names = FLEX_OLMO.names
    weights = {name: weight for name, weight in branched.state_dict().items() if names.is_backbone(name)}
    for layer, block in enumerate(branched.model.layers):
        experts = (block.mlp.public, block.mlp.expert)
        gate_up = [torch.cat([expert.gate_proj.weight, expert.up_proj.weight]) for expert in experts]
        weights[names.fused(layer, "gate_proj")] = torch.stack(gate_up)
        weights[names.fused(layer, "down_proj")] = torch.stack([expert.down_proj.weight for expert in experts])
        weights[names.router(layer)] = torch.stack([torch.zeros_like(block.mlp.router), block.mlp.router])
    model.load_state_dict(weights)
    return model
