"""What a step sets in its own process before it imports a library: threads of torch, and no network."""

import os

from flexmore.errors import FlexmoreError


def use_torch(threads: int = 1) -> None:
    """Import torch and set its number of threads.

    Raises:
        FlexmoreError: torch is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise FlexmoreError("this step needs torch, which is not installed: pip install -e '.[models]'") from None

    torch.set_num_threads(threads)


def go_offline() -> None:
    """Forbid the hub's libraries to use the network; call this before they are imported, since they read it then."""
    os.environ["HF_HUB_OFFLINE"] = "1"
