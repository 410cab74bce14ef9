"""Turn low-rank experts of others into experts of a family."""

from collections.abc import Sequence
from pathlib import Path

from flexmore.exchange.choices import RouterChoice
from flexmore.steps.process import use_torch


def import_experts(
    checkpoint: Path,
    root: Path,
    names: Sequence[str],
    *,
    public: Path | None = None,
    active: int | None = None,
    router: RouterChoice | None = None,
    threads: int = 1,
) -> str:
    """Import a factored checkpoint, or a LoRA adapter, as experts of the family in `root`; return the recipe's path.

    Args:
        names: of the checkpoint's experts, in their order.
        public: the dense public model; None: the family's, else expert 0 of the checkpoint.
        active: experts per token of the recipe; None: the checkpoint's, for an adapter 2.
        router: of an adapter: where its router row comes from.
    """
    use_torch(threads)
    from flexmore.exchange.imports import import_checkpoint

    return str(import_checkpoint(checkpoint, root, names, public=public, active=active, router=router))
