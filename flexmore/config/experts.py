"""Section `experts`: where each expert comes from, and the sizes of models that are not on this disk yet."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictInt, model_validator

from flexmore.config.base import Settings
from flexmore.config.names import REPOSITORY, REVISION


class PocketSource(Settings):
    """The expert is trained on the spot (section `pocket` says how)."""

    source: Literal["pocket"] = Field(description="trained here; section `pocket` says how")


class FolderSource(Settings):
    """The expert is a checkpoint in a local folder, in the hub's layout; it is linked, not copied."""

    source: Literal["folder"] = Field(description="a checkpoint of your own, linked")
    path: str = Field(description="folder with config.json, *.safetensors and the tokenizer's files")

    @model_validator(mode="after")
    def _exists(self) -> "FolderSource":
        if not Path(self.path, "config.json").is_file():
            raise ValueError(f"path: {self.path!r} is not a folder with a config.json")
        return self


class HubSource(Settings):
    """The expert is a repository on the Hugging Face hub."""

    source: Literal["hub"] = Field(description="a repository on the Hugging Face hub, downloaded")
    repo: Annotated[str, Field(pattern=REPOSITORY)] = Field(description="owner/name")
    revision: Annotated[str, Field(pattern=REVISION)] = Field(
        "main", description="branch, tag or commit; the commit it was at first is recorded and must not move"
    )


Source = Annotated[PocketSource | FolderSource | HubSource, Field(discriminator="source")]


class SizeSettings(Settings):
    """Sizes of the models, as in `config.json`."""

    hidden: StrictInt = Field(ge=1, description="hidden_size")
    ffn: StrictInt = Field(ge=1, description="intermediate_size")
    layers: StrictInt = Field(ge=1, description="num_hidden_layers")
    vocabulary: StrictInt = Field(ge=1, description="vocab_size")
    heads: StrictInt = Field(ge=1, description="num_attention_heads")
    key_value_heads: StrictInt = Field(ge=1, description="num_key_value_heads")
    tied: bool = Field(False, description="tie_word_embeddings")
