"""Sections `experts` and `sizes`: where each expert comes from, and the sizes of models not acquired yet."""

import re
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, StrictInt, ValidationInfo, model_validator

from flexmore.config.base import Settings, is_elsewhere
from flexmore.config.names import EXPERT, PATTERNS, REPOSITORY, RESERVED, REVISION
from flexmore.errors import ConfigError


def check_expert_name(name: str) -> None:
    """Check that a name is one that an expert of a study can have.

    Raises:
        ConfigError: it is not; the message says what is allowed.
    """
    if not re.fullmatch(EXPERT, name) or name in RESERVED:
        raise ConfigError(
            f"found {name!r} as the name of an expert; allowed are {PATTERNS[EXPERT]}, but not {' or '.join(RESERVED)}"
        )


class PocketSource(Settings):
    """Train the expert, as section `pocket` says."""

    source: Literal["pocket"] = Field(description="train it, as section `pocket` says")


class FolderSource(Settings):
    """Link the expert from a local folder with a checkpoint in the hub's layout."""

    source: Literal["folder"] = Field(description="link it from a local folder")
    path: str = Field(description="the folder, with config.json, *.safetensors and the tokenizer's files")

    @model_validator(mode="after")
    def _exists(self, info: ValidationInfo) -> "FolderSource":
        if not is_elsewhere(info) and not Path(self.path, "config.json").is_file():
            raise ValueError(f"path: {self.path!r} is not a folder with a config.json")
        return self


class HubSource(Settings):
    """Download the expert from the Hugging Face hub."""

    source: Literal["hub"] = Field(description="download it from the Hugging Face hub")
    repo: Annotated[str, Field(pattern=REPOSITORY)] = Field(description="the repository, as owner/name")
    revision: Annotated[str, Field(pattern=REVISION)] = Field(
        "main",
        description="branch, tag or commit; the commit that it first resolves to is recorded, and must stay the same",
    )


Source = Annotated[PocketSource | FolderSource | HubSource, Field(discriminator="source")]
"""Where an expert comes from."""

SOURCES: dict[str, type[Settings]] = {
    get_args(kind.model_fields["source"].annotation)[0]: kind for kind in get_args(get_args(Source)[0])
}
"""The same, by the value of `source`."""


class SizeSettings(Settings):
    """Hold the sizes of the models, as in `config.json`."""

    hidden: StrictInt = Field(ge=1, description="hidden_size")
    ffn: StrictInt = Field(ge=1, description="intermediate_size")
    layers: StrictInt = Field(ge=1, description="num_hidden_layers")
    vocabulary: StrictInt = Field(ge=1, description="vocab_size")
    heads: StrictInt = Field(ge=1, description="num_attention_heads")
    key_value_heads: StrictInt = Field(ge=1, description="num_key_value_heads")
    tied: bool = Field(False, description="tie_word_embeddings")
    head_dim: StrictInt | None = Field(None, ge=1, description="head_dim; null: hidden_size / num_attention_heads")
    architecture: str = Field("olmo2", description="model_type of the dense public model, one that is known here")
