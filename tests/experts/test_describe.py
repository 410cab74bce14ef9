"""A checkpoint that is not what it should be, refused with the name of what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from edited_checkpoints import add, copied, drop, edit
from transformers import AutoTokenizer

from flexmore.errors import CheckpointError
from flexmore.experts.describe import describe


def grown(folder: Path, token: str, kind: str) -> None:
    """Give the tokenizer one more token, an added one or one of its vocabulary."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    if kind == "vocab":
        content["model"]["vocab"][token] = int(token[1:])
    else:
        made = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
        content["added_tokens"].append({"id": int(token[1:]), "content": token, **made})
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: sorted(f.glob("*.safetensors"))[0].unlink(), "missing"),
        (lambda f: sorted(f.glob("*.safetensors"))[0].write_bytes(b"x" * 40), "not a whole safetensors file"),
        (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda f: (f / "tokenizer_config.json").unlink(), "no tokenizer_config.json; expected the model's tokenizer"),
        (
            lambda f: (f / "tokenizer.json").write_text('{"version": "1.0"}'),
            "tokenizer.json: .*; expected a tokenizer of",
        ),
        (
            lambda f: (f / "tokenizer_config.json").write_text("{}"),
            "eos_token is None, none; expected the token that ends",
        ),
        (
            lambda f: (f / "tokenizer_config.json").write_text('{"eos_token": "<end>"}'),
            "is '<end>', not a token of tokeni",
        ),
        (
            lambda f: grown(f, "w48", "added"),
            r"tokenizer.json: token 'w48' has id 48, config.json says vocab_size 48; exp",
        ),
        (lambda f: grown(f, "w99", "vocab"), r"tokenizer.json: token 'w99' has id 99, .* ids from 0 to 47"),
        (
            lambda f: drop(f, "lm_head"),
            r"tensor lm_head.weight is missing \(1 in all\); expected it in FlexOlmoForCausalLM",
        ),
        (
            lambda f: add(f, "model.layers.0.mlp.gate.bias", torch.zeros(2)),
            r"gate.bias \(1 such\) is none that FlexOlmo",
        ),
        (lambda f: edit(f, "experts.1.up_proj", lambda w: w.fill_(float("nan"))), "experts.1.up_proj.weight holds NaN"),
        (lambda f: edit(f, "experts.1.up_proj", lambda w: w[:3].contiguous()), r"shape \(3, 16\), expected \(24, 16\)"),
    ],
)
def test_a_spoilt_checkpoint_is_refused_by_name(family: Path, tmp_path: Path, spoil: Any, said: str) -> None:
    folder = copied(family / "math", tmp_path / "math")
    spoil(folder)
    with pytest.raises(CheckpointError, match=said):
        describe(folder, "math")


@pytest.mark.parametrize(
    "named",
    [
        {"tokenizer_config.json": {"eos_token": {"__type": "AddedToken", "content": "<eos>", "special": True}}},
        {"tokenizer_config.json": {}, "special_tokens_map.json": {"eos_token": "<eos>"}},
        {"tokenizer_config.json": {"eos_token": None}, "special_tokens_map.json": {"eos_token": {"content": "<eos>"}}},
    ],
)
def test_the_end_token_is_found_wherever_transformers_writes_it(
    family: Path, tmp_path: Path, named: dict[str, Any]
) -> None:
    folder = copied(family / "math", tmp_path / "math")
    for file, content in named.items():
        (folder / file).write_text(json.dumps(content))
    assert AutoTokenizer.from_pretrained(folder).eos_token == "<eos>"
    describe(folder, "math")
