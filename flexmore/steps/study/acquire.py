"""Acquire one expert: train, link or download it into `experts/<name>/`, check it and describe it."""

from flexmore.config.study import Study
from flexmore.steps.process import use_torch


def acquire(study: Study, expert: str, *, update: bool = False, threads: int = 1) -> None:
    """Acquire one expert, or `public`, into `experts/<name>/`.

    Args:
        update: take the hub's revision also where it moved since the expert was first acquired.
    """
    use_torch(threads)
    from flexmore.experts.acquire import acquire as acquire_expert

    acquire_expert(study, expert, update=update)
