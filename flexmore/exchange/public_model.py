"""The public model of a family that experts are imported into: there already, linked, or written from a checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flexmore.architectures.configs import dense_config
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.family import check_sources, read_source
from flexmore.checkpoints.folder import copy_tokenizer, link_files
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.writer import SHARD_BYTES, write_sharded
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange.formats import plan_copy, plan_public
from flexmore.experts.describe import describe
from flexmore.files import atomic_folder, remove, write_json


@contextmanager
def public_model(paths: StudyPaths, given: Path | None, checkpoint: Checkpoint | None) -> Iterator[None]:
    """Provide `experts/public/` for as long as experts are built on it; what was made here goes again if that fails.

    Args:
        given: the dense public model; None: the family's, else expert 0 of `checkpoint`, written out.

    Raises:
        FlexmoreError: there is none, or the family has another one than `given`.
    """
    folder = paths.expert("public")
    if (folder / "source.json").is_file():
        _check_same(paths, given)
        yield
        return
    if given is not None and given.resolve() == folder.resolve():
        made = folder / "source.json"
        write_json(made, _content(given, describe(given, "public")))
    else:
        _make(folder, given, checkpoint)
        made = folder
    try:
        yield
    except BaseException:
        remove(made, inside=folder.parent)
        raise


def _check_same(paths: StudyPaths, given: Path | None) -> None:
    """Check that a public model that was named is the one that the family has."""
    folder = paths.expert("public")
    if given is not None and given.resolve() != folder.resolve():
        check_sources(
            StudyPaths(paths.root), {"public": read_source(paths, "public"), str(given): describe(given, "public")}
        )


def _make(folder: Path, given: Path | None, checkpoint: Checkpoint | None) -> None:
    """Link a public model, or write expert 0 of a checkpoint out, to a folder that is not there yet."""
    if given is None and checkpoint is None:
        raise FlexmoreError(f"{folder}: no public model yet; name it with --public FOLDER")
    described = None if given is None else describe(given, "public")
    with atomic_folder(folder, folder.parent, replace=False) as temporary:
        if given is not None:
            names = (path.name for path in given.iterdir() if path.is_file() and path.name != "source.json")
            link_files(given, temporary, sorted(names))
        else:
            assert checkpoint is not None
            _write_out(checkpoint, temporary)
        content = _content(given or folder, described or describe(temporary, "public"))
        write_json(temporary / "source.json", content)


def _content(path: Path, described: dict[str, Any]) -> dict[str, Any]:
    return {"expert": "public", "source": "import", "path": str(path.resolve()), **described}


def _write_out(checkpoint: Checkpoint, folder: Path) -> None:
    """Write backbone and expert 0 of a checkpoint as a dense model."""
    planned = [plan_copy(checkpoint, name) for name in checkpoint.backbone_names]
    for layer in range(checkpoint.sizes.layers):
        for projection in PROJECTIONS:
            planned.append(plan_public(checkpoint, layer, projection, checkpoint.names.weight(layer, projection)))
    write_sharded(folder, planned, SHARD_BYTES)
    write_json(folder / "config.json", dense_config(checkpoint.config))
    copy_tokenizer(checkpoint.folder, folder)
