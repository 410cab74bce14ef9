"""Bring one expert into its folder `experts/<name>/`: train it here, link a local folder or download it."""

from collections.abc import Collection
from pathlib import Path

from flexmore.checkpoints.family import check_sources, read_source
from flexmore.checkpoints.folder import indexed_shards, link_files, needed_files
from flexmore.config.experts import FolderSource, HubSource
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.experts.describe import check_before_weights, describe
from flexmore.files import atomic_folder, read_json, remove, write_json
from flexmore.hub.models import Entry, ModelHub, check_disk

_PIN = "revision.json"


def acquire(study: Study, name: str, hub: ModelHub | None = None, update: bool = False) -> None:
    """Bring one expert (or `public`) of a study into its folder; `source.json`, written last, says it is complete.

    Args:
        hub: where repositories are downloaded from; None for the Hugging Face hub.
        update: whether a revision that moved on the hub since it was first acquired may be taken.

    Raises:
        CheckpointError: the checkpoint is not what an expert of this family has to be; names file and tensor.
        FlexmoreError: it cannot be downloaded, or its revision moved.
    """
    folder, source = study.paths.expert(name), study.experts[name]
    files: dict[str, Entry] = {}
    origin = {}
    if isinstance(source, HubSource):
        commit, files = _download(study, name, source, hub or ModelHub(), update)
        origin["commit"] = commit
    elif isinstance(source, FolderSource):
        _check_place(folder, name, given := Path(source.path))
        check_before_weights(given, name, study.sizes, [file.name for file in given.glob("*.safetensors")])
    else:
        _train(study, name, folder)
    where = given if isinstance(source, FolderSource) else folder
    content = {"expert": name, **source.model_dump(), **origin, **describe(where, name, files)}
    if name != "public" and (study.paths.expert("public") / "source.json").is_file():
        check_sources(study.paths, {"public": read_source(study.paths, "public"), name: content})
    if isinstance(source, FolderSource):
        _link(given, folder)
    write_json(folder / "source.json", content)


def _download(study: Study, name: str, source: HubSource, hub: ModelHub, update: bool) -> tuple[str, dict[str, Entry]]:
    """Download a repository, the small files first, which are checked before the weights; return commit and files."""
    folder = study.paths.expert(name)
    if folder.is_symlink():
        raise FlexmoreError(
            f"{folder}: a link to {folder.resolve()}; expected a folder, since files of other commits are removed "
            f"from it; to use what is there write `{name}: {{source: folder, path: {folder.resolve()}}}`"
        )
    repository = hub.find(source.repo, source.revision)
    _pin(folder / _PIN, name, source, repository.commit, update)
    incomplete = (file.incomplete_name for file in repository.files.values())
    _clear(folder, {_PIN, *repository.files, *incomplete})
    check_disk(repository, folder)
    weights = [file for file in repository.files if file.endswith(".safetensors")]
    files = hub.fetch(repository, repository.files.keys() - weights, folder)
    check_before_weights(folder, name, study.sizes, weights)
    return repository.commit, files | hub.fetch(repository, weights, folder)


def _pin(path: Path, name: str, source: HubSource, commit: str, update: bool) -> None:
    """Record the commit that a revision meant when it was first acquired; refuse another one.

    It has a file of its own, since Snakemake deletes `source.json` before it acquires again.
    """
    asked = source.model_dump(include={"repo", "revision"})
    if path.is_file() and not update:
        before = read_json(path)
        if before == {**asked, "commit": before.get("commit")} and before["commit"] != commit:
            raise FlexmoreError(
                f"{source.repo}: revision {source.revision} was {before['commit']} when it was first acquired and is "
                f"{commit} now; to keep the first write `revision: {before['commit']}`, to take the new one run "
                f"`flexmore acquire {name} --update`"
            )
    write_json(path, {**asked, "commit": commit})


def _clear(folder: Path, keep: Collection[str]) -> None:
    """Empty an expert's folder of what does not belong to it now: links, other commits' files, `source.json`."""
    for path in folder.iterdir():
        if path.is_symlink() or path.is_dir() or path.name not in keep:
            remove(path, inside=folder)


def _check_place(folder: Path, name: str, source: Path) -> None:
    """Check that a checkpoint does not lie in a folder that is about to be replaced."""
    if folder.resolve() in source.resolve().parents:
        raise FlexmoreError(
            f"experts.{name}.path: {source} lies in {folder}, which is replaced when {name} is acquired; "
            "move the checkpoint elsewhere"
        )


def _link(source: Path, folder: Path) -> None:
    """Link the files of a checkpoint that are read; its index may give shards any names.

    A checkpoint that lies in the expert's own folder already, such as an imported one, stays as it is.
    """
    if source.resolve() == folder.resolve():
        return
    names = [file.name for file in source.iterdir() if file.is_file()]
    with atomic_folder(folder, folder.parent) as temporary:
        link_files(source, temporary, sorted({*needed_files(names), *indexed_shards(source).intersection(names)}))


def _train(study: Study, name: str, folder: Path) -> None:
    from flexmore.pocket import training

    paths = study.paths
    cache = paths.cache / "training" / name
    if name == "public":
        training.train_public(folder, cache, study.pocket, study.seed)
    else:
        training.train_expert(name, paths.expert("public"), folder, cache, study.pocket, study.seed)
