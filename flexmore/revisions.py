"""Revision numbers of what is dear to compute: raised by hand when its numbers change, part of every cache key.

Cheap steps rerun when their code changes (`digest`); acquire, factorize, compose (evaluation waits for it) and evaluate
rerun when their number does.
"""

import hashlib
from pathlib import Path

POCKET_REVISION = 3
"""Of the pocket family's corpora, tasks and training."""

FACTORS_REVISION = 1
"""Of the factorization."""

RECIPES_REVISION = 2
"""Of selections and of how mixtures are put together (lowrank, modeling): in every recipe's fingerprint."""

ENGINE_REVISION = 2
"""Of the evaluation engine; golden scores in the tests guard it."""


_SOURCE = {".py", ".yaml", ".json"}


def digest(*parts: str) -> str:
    """A hash of modules or folders of this package, such as `analysis` or `mixtures.py`, YAML and JSON among them."""
    found = hashlib.sha256()
    for part in parts:
        path = Path(__file__).parent / part
        for file in sorted(p for p in path.rglob("*") if p.suffix in _SOURCE) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()[:16]
