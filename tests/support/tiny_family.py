"""Tiny families of random weights in the hub's paths, made with transformers' own classes and `save_pretrained`."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as Bytes
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import ByteLevel, WhitespaceSplit
from tokenizers.trainers import BpeTrainer
from transformers import FlexOlmoConfig, FlexOlmoForCausalLM, Olmo2Config, Olmo2ForCausalLM, PreTrainedTokenizerFast

SIZES: dict[str, Any] = {
    "vocab_size": 48,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
    "pad_token_id": 0,
    "eos_token_id": 1,
    "dtype": "float32",
}


def word_tokenizer(size: int) -> PreTrainedTokenizerFast:
    """Words w0, w1 ..."""
    words = {word: number for number, word in enumerate(["<pad>", "<eos>", *(f"w{n}" for n in range(size - 2))])}
    core = Tokenizer(WordLevel(words, unk_token="<pad>"))
    core.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")


def byte_tokenizer(size: int, texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Of the kind that FlexOlmo has: byte-level BPE, end of text and padding behind the merges."""
    core = Tokenizer(BPE())
    core.pre_tokenizer, core.decoder = ByteLevel(add_prefix_space=False), Bytes()
    alphabet = ByteLevel.alphabet()
    core.train_from_iterator(texts, BpeTrainer(vocab_size=size - 2, initial_alphabet=alphabet, show_progress=False))
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<|pad|>", eos_token="<|endoftext|>", bos_token="<|endoftext|>"
    )


def write_family(
    root: Path,
    experts: Iterable[str],
    sizes: Mapping[str, Any],
    tokenizer: PreTrainedTokenizerFast,
    shard: str,
    shape: Callable[[Any], None] | None = None,
) -> None:
    """Folders public and one for each expert: one backbone and public expert, experts of their own, several shards.

    Args:
        sizes: of transformers' configuration; `dtype` is that of the weights on disk.
        shard: the most that a shard holds.
        shape: changes the public model before experts branch from it.
    """
    torch.manual_seed(0)
    public = Olmo2ForCausalLM(Olmo2Config(**sizes))
    with torch.no_grad():  # larger than transformers' initialisation, so that errors show
        for parameter in public.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.5)
    if shape is not None:
        shape(public)
    dtype = getattr(torch, sizes["dtype"])
    dense = public.state_dict()
    _save(public.to(dtype), tokenizer, root / "public", shard)
    for name in experts:
        pair = FlexOlmoForCausalLM(FlexOlmoConfig(**sizes, num_experts=2, num_experts_per_tok=2))
        state = {key: value for key, value in dense.items() if ".mlp." not in key}
        for layer in range(sizes["num_hidden_layers"]):
            prefix = f"model.layers.{layer}.mlp"
            gate, up, down = (dense[f"{prefix}.{p}_proj.weight"] for p in ("gate", "up", "down"))
            state[f"{prefix}.experts.gate_up_proj"] = _beside(torch.cat([gate, up]))
            state[f"{prefix}.experts.down_proj"] = _beside(down)
            hidden = sizes["hidden_size"]
            state[f"{prefix}.gate.weight"] = torch.stack([torch.zeros(hidden), torch.randn(hidden) * 0.3])
        pair.load_state_dict(state)
        _save(pair.to(dtype), tokenizer, root / name, shard)


def _beside(public: torch.Tensor) -> torch.Tensor:
    return torch.stack([public, public + torch.randn_like(public) * 0.2])


def _save(model: Any, tokenizer: PreTrainedTokenizerFast, folder: Path, shard: str) -> None:
    model.save_pretrained(folder, max_shard_size=shard)
    tokenizer.save_pretrained(folder)
