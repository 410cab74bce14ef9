"""Turn low-rank experts of others into experts of a family."""

from collections.abc import Sequence
from pathlib import Path

from flexmore.exchange.choices import ImportChoice
from flexmore.steps.process import use_torch


def import_experts(
    checkpoint: Path, root: Path, names: Sequence[str], choice: ImportChoice, *, threads: int = 1
) -> str:
    """Import a factored checkpoint, or a LoRA adapter, as experts of the family in `root`; return the recipe's path.

    Args:
        names: of the checkpoint's experts, in their order.
    """
    use_torch(threads)
    from flexmore.exchange.imports import import_checkpoint

    return str(import_checkpoint(checkpoint, root, names, choice))
