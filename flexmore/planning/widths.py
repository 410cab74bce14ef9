"""The number formats of a study's weights, on disk and in evaluation, and their bytes."""

from pathlib import Path

from flexmore.config.experts import FolderSource, HubSource
from flexmore.config.study import Study
from flexmore.files import read_json

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
"""Bytes of one number."""


def stored_dtype(study: Study) -> str:
    """Return the dtype of a study's checkpoints.

    It is the one that `config.json` states where it is here, else bfloat16 for the hub's and float32 for others.
    """
    source = study.experts["public"]
    folder = Path(source.path) if isinstance(source, FolderSource) else study.paths.expert("public")
    if (folder / "config.json").is_file():
        stated = read_json(folder / "config.json")
        return str(stated.get("dtype") or stated.get("torch_dtype") or "float32")
    return "bfloat16" if isinstance(source, HubSource) else "float32"


def evaluated_dtype(study: Study) -> str:
    """Return the dtype in which mixtures are evaluated."""
    return stored_dtype(study) if study.evaluate.dtype == "checkpoint" else study.evaluate.dtype


def factors_dtype(study: Study) -> str:
    """Return the dtype in which factors are stored."""
    return stored_dtype(study) if study.factors.dtype == "checkpoint" else study.factors.dtype


def stored_width(study: Study) -> int:
    """Return the bytes of one weight of a checkpoint."""
    return BYTES[stored_dtype(study)]


def evaluated_width(study: Study) -> int:
    """Return the bytes of one weight in evaluation."""
    return BYTES[evaluated_dtype(study)]


def factors_width(study: Study) -> int:
    """Return the bytes of one number of the stored factors."""
    return BYTES[factors_dtype(study)]
