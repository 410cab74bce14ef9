"""LoRA adapters that peft itself saved."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from flexmore.architectures.tensor_names import PROJECTIONS


def lora_adapter(public: Path, folder: Path, **settings: Any) -> Any:
    """An adapter of random weights, saved by peft, and the model that peft merges it into."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    config = {"r": 3, "lora_alpha": 12, "target_modules": list(PROJECTIONS), "task_type": "CAUSAL_LM"} | settings
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(public, dtype=torch.float32), LoraConfig(**config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(folder)
    return model.merge_and_unload()
