"""LoRA adapters that peft itself saved."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from flexmore.architectures.tensor_names import PROJECTIONS


def lora_adapter(public: Path, folder: Path, convert: bool = False, **settings: Any) -> Any:
    """An adapter of random weights, saved by peft, and the model that peft merges it into.

    Args:
        convert: whether peft converts it, while saving, to an adapter of the model's own weights.
    """
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    config = {"r": 3, "lora_alpha": 12, "target_modules": list(PROJECTIONS), "task_type": "CAUSAL_LM"} | settings
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(public, dtype=torch.float32), LoraConfig(**config))
    before = {"path_initial_model_for_weight_conversion": str(folder / "before")} if convert else {}
    if convert:
        model.peft_config["default"].init_lora_weights = True  # as peft's documentation does
        model.save_pretrained(folder / "before")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(folder, **before)
    return model.merge_and_unload()
