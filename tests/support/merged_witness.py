"""Random FlexMoRE models, and transformers' own FlexOlmo with the same mixture's merged weights."""

from typing import Any

import torch
from torch import Tensor
from transformers import FlexOlmoConfig, FlexOlmoForCausalLM

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.modeling import FlexMoREConfig, FlexMoREForCausalLM

SIZES: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
    "pad_token_id": 0,
    "eos_token_id": 1,
}


def flexmore(ranks: list[Any], active: int, dtype: torch.dtype = torch.float64, seed: int = 0, **sizes: Any) -> Any:
    """A model whose adapters are small against the public weights, as trained ones are."""
    torch.manual_seed(seed)
    config = FlexMoREConfig(
        **SIZES | sizes, num_experts=len(ranks), num_experts_per_tok=active, expert_ranks=ranks, dtype="float32"
    )
    model = FlexMoREForCausalLM(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.normal_(1, 0.1)
            else:
                parameter.normal_(0, 0.7 * parameter.shape[-1] ** -0.5)
            if name.endswith("_a.weight"):  # so that b·a does not grow with the rank
                parameter.mul_(0.7)
            if name.endswith("_b.weight"):
                parameter.mul_(parameter.shape[0] ** -0.5 * 3)
            if ".gate.weight" in name:
                parameter.mul_(2)
        for block in model.blocks:  # an expert is the public one, changed
            for expert in list(block.experts)[1:]:
                for projection in PROJECTIONS:
                    if (own := expert.full(projection)) is not None:
                        own.weight.mul_(0.5).add_(block.experts[0].full(projection).weight)
    return model.to(dtype)


def merged(expert: Any, public: Any, projection: str, dtype: torch.dtype) -> Tensor:
    """public + B·A, exact as far as fp64 goes, rounded once."""
    own, factors, shared = expert.full(projection), expert.factors(projection), public.full(projection)
    if own is not None:
        return own.weight.detach().to(dtype)  # type: ignore[no-any-return]
    delta = 0 if factors is None else factors[1].weight.double() @ factors[0].weight.double()
    return (shared.weight.double() + delta).detach().to(dtype)  # type: ignore[no-any-return]


def flexolmo(model: Any, dtype: torch.dtype = torch.float64) -> FlexOlmoForCausalLM:
    """The dense materialization in transformers' own class."""
    ours = ("model_type", "architectures", "transformers_version", "expert_ranks", "rank_encoding")
    config = FlexOlmoConfig(**{key: value for key, value in model.config.to_dict().items() if key not in ours})
    config._experts_implementation = "eager"
    witness = FlexOlmoForCausalLM(config).to(dtype).eval()
    state = {name: tensor for name, tensor in model.state_dict().items() if ".experts." not in name}
    for layer, block in enumerate(model.blocks):
        gate, up, down = (
            torch.stack([merged(expert, block.experts[0], projection, dtype) for expert in block.experts])
            for projection in PROJECTIONS
        )
        state[f"model.layers.{layer}.mlp.experts.gate_up_proj"] = torch.cat([gate, up], dim=1)
        state[f"model.layers.{layer}.mlp.experts.down_proj"] = down
    witness.load_state_dict(state)
    return witness


def public(model: Any, dtype: torch.dtype = torch.float64) -> FlexOlmoForCausalLM:
    """The public model: the same with no expert but the public one."""
    alone = flexmore([None], 1, rms_norm_eps=model.config.rms_norm_eps)
    kept = {name for name in model.state_dict() if ".experts." not in name or ".experts.0." in name}
    state = {name: tensor for name, tensor in model.state_dict().items() if name in kept}
    state |= {name: tensor[:1] for name, tensor in state.items() if ".gate.weight" in name}
    alone.load_state_dict(state)
    return flexolmo(alone, dtype)
