"""The device that a configuration names."""

import torch


def torch_device(device: str) -> torch.device:
    """The device that a configuration names; `auto` is cuda where there is one."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
