"""Revisions of code: numbers for what is expensive to compute, digests for the rest.

The numbers are part of cache keys and are raised by hand when results change; acquire, factorize, compose and evaluate
rerun when theirs does. Cheap steps rerun whenever their code changes (`digest_code`).
"""

import hashlib
from pathlib import Path

POCKET_REVISION = 5
"""The revision of the pocket family's corpora, tasks and training."""

FACTORS_REVISION = 1
"""The revision of the factorization."""

RECIPES_REVISION = 2
"""The revision of selections and of how mixtures compute (lowrank, modeling), in every recipe's fingerprint."""

ENGINE_REVISION = 3
"""The revision of the evaluation engine; golden scores in the tests tell when to raise it."""

RESULTS_REVISION = 2
"""The revision of what a task's result holds (score, items, unread, cut, chance, clusters) and of what is wrong."""


_SOURCE = {".py", ".yaml", ".json", ".html"}


def digest_code(*parts: str) -> str:
    """Return a hash of modules and folders of this package, such as `analysis`, with their data files."""
    found = hashlib.sha256()
    for part in parts:
        path = Path(__file__).parent / part
        for file in sorted(p for p in path.rglob("*") if p.suffix in _SOURCE) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()[:16]
