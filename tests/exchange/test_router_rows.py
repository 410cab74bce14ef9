"""The router rows of an imported adapter."""

from pathlib import Path

import torch
from lora_adapters import lora_adapter
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.paths import StudyPaths
from flexmore.exchange.choices import ImportChoice, RouterChoice
from flexmore.exchange.imports import import_checkpoint


def test_a_router_row_is_given_or_fitted(family: Path, tmp_path: Path) -> None:
    lora_adapter(family / "public", tmp_path / "lora")
    rows = torch.randn(2, 16)
    save_file({"router": rows}, tmp_path / "rows.safetensors")
    given = RouterChoice("file", tmp_path / "rows.safetensors")
    import_checkpoint(
        tmp_path / "lora", tmp_path / "mine", ["law"], ImportChoice(public=family / "public", router=given)
    )
    law = Checkpoint(StudyPaths(tmp_path / "mine").expert("law"))
    assert all(torch.equal(law.router(layer)[1], rows[layer]) for layer in range(2))
    (tmp_path / "law.txt").write_text(" ".join(f"w{n}" for n in range(10)) * 30)
    (tmp_path / "other.txt").write_text(" ".join(f"w{n}" for n in range(20, 40)) * 30)
    fitted = RouterChoice("fit", tmp_path / "law.txt", tmp_path / "other.txt")
    import_checkpoint(tmp_path / "lora", tmp_path / "mine", ["court"], ImportChoice(router=fitted))
    court = Checkpoint(StudyPaths(tmp_path / "mine").expert("court"))
    assert torch.equal(court.router(0)[0], law.router(0)[0]), "public's row is the family's"
    seen: dict[str, torch.Tensor] = {}
    public = AutoModelForCausalLM.from_pretrained(family / "public")
    tokenizer = AutoTokenizer.from_pretrained(family / "public")
    for text in ("law", "other"):
        hook = public.model.layers[1].mlp.register_forward_pre_hook(lambda _, x, key=text: seen.update({key: x[0]}))
        with torch.no_grad():
            public(torch.tensor([tokenizer((tmp_path / f"{text}.txt").read_text())["input_ids"][:64]]))
        hook.remove()
    logits = {text: inputs @ (court.router(1)[1] - court.router(1)[0]) for text, inputs in seen.items()}
    assert logits["law"].mean() > 1
    assert logits["other"].mean() < -1
