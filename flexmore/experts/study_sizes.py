"""The sizes of a study's models, known before anything is acquired."""

from pathlib import Path

from flexmore.architectures.registry import architecture_named
from flexmore.architectures.sizes import ModelSizes
from flexmore.checkpoints.folder import read_config
from flexmore.config.experts import FolderSource, HubSource
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError


def sizes_of(study: Study) -> ModelSizes:
    """Return the sizes of a study's models: from the public model's `config.json`, as stated, or of the pocket.

    Raises:
        FlexmoreError: the public model is only on the hub, and the configuration does not state its sizes; or its
            architecture is not known.
    """
    source = study.experts["public"]
    if isinstance(source, FolderSource):
        return ModelSizes.from_config(read_config(Path(source.path)))
    if isinstance(source, HubSource):
        acquired = study.paths.expert("public")
        if (acquired / "config.json").is_file():
            return ModelSizes.from_config(read_config(acquired))
        if study.sizes is None:
            raise FlexmoreError(
                f"sizes: the sizes of {source.repo} are not known here; run `flexmore acquire public`, or state "
                "them in the configuration"
            )
        try:
            architecture_named(study.sizes.architecture)
        except FlexmoreError as error:
            raise FlexmoreError(f"sizes.{error}") from None
        return ModelSizes(**study.sizes.model_dump())
    from flexmore.pocket.vocabulary import vocabulary

    pocket = study.pocket
    return ModelSizes(
        hidden=pocket.hidden,
        ffn=pocket.ffn,
        layers=pocket.layers,
        vocabulary=len(vocabulary()),
        heads=pocket.heads,
        key_value_heads=pocket.heads,
    )
