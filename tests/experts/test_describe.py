"""A checkpoint that is not what it should be, refused with the name of what is wrong."""

from pathlib import Path
from typing import Any

import pytest
from edited_checkpoints import copied, edit

from flexmore.errors import CheckpointError
from flexmore.experts.describe import describe


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: sorted(f.glob("*.safetensors"))[0].unlink(), "missing"),
        (lambda f: sorted(f.glob("*.safetensors"))[0].write_bytes(b"x" * 40), "not a whole safetensors file"),
        (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda f: edit(f, "experts.1.up_proj", lambda w: w.fill_(float("nan"))), "experts.1.up_proj.weight holds NaN"),
        (lambda f: edit(f, "experts.1.up_proj", lambda w: w[:3].contiguous()), r"shape \(3, 16\), expected \(24, 16\)"),
    ],
)
def test_a_spoilt_checkpoint_is_refused_by_name(family: Path, tmp_path: Path, spoil: Any, said: str) -> None:
    folder = copied(family / "math", tmp_path / "math")
    spoil(folder)
    with pytest.raises(CheckpointError, match=said):
        describe(folder, "math")
