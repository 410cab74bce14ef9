"""The device that a configuration names."""

import torch


def torch_device(device: str) -> torch.device:
    """Return the device of a name; `auto` is cuda where there is one, else the CPU."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
