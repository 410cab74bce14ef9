"""What a step sets in its own process before it imports a library: threads of torch, no network, what is missing."""

import os
from importlib import import_module

from flexmore.errors import FlexmoreError


def require(package: str) -> None:
    """Import a package that is not among those that every installation has.

    Raises:
        FlexmoreError: it is not installed; the message says how to install it.
    """
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        raise FlexmoreError(
            f"this step needs {error.name or package}, which is not installed: pip install -e '.[models]'"
        ) from None


def use_torch(threads: int = 1) -> None:
    """Import torch and set its number of threads.

    Raises:
        FlexmoreError: torch is not installed.
    """
    require("torch")
    import torch

    torch.set_num_threads(threads)


def go_offline() -> None:
    """Forbid the hub's libraries to use the network; call this before they are imported, since they read it then."""
    os.environ["HF_HUB_OFFLINE"] = "1"
