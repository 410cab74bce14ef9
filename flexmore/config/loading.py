"""Read, check and write configurations.

`load_study` turns a mapping (a YAML file, or Snakemake's `config`) into a frozen `Study`. A `ConfigError` names the
key, what was found there and what is allowed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from flexmore.config.base import ELSEWHERE
from flexmore.config.messages import explain
from flexmore.config.study import Study
from flexmore.errors import ConfigError


def load_study(source: Path | Mapping[str, Any], *, elsewhere: bool = False) -> Study:
    """Read and check a configuration.

    Args:
        source: a YAML file, or its content.
        elsewhere: the study was run elsewhere, and is only read: the folders of its experts and of its suite need not
            be here.

    Raises:
        ConfigError: something is wrong; a line for each key says what was found and what is allowed.
    """
    where = str(source) if isinstance(source, Path) else "configuration"
    content = read_config(source) if isinstance(source, Path) else source
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where}: found {type(content).__name__}, expected keys and values")
    try:
        return Study.model_validate(dict(content), context={ELSEWHERE: elsewhere})
    except ValidationError as error:
        lines = dict.fromkeys(explain(problem, Study) for problem in error.errors())
        raise ConfigError("\n".join([f"{where} is not a valid study:", *(f"  {line}" for line in lines)])) from None


def read_config(path: Path) -> Any:
    """Return the content of a configuration file; a repeated key is an error (PyYAML alone keeps the last).

    Raises:
        ConfigError: the file cannot be read, is not UTF-8, is not YAML or repeats a key.
    """
    try:
        loader = _UniqueKeys(_decode(path, path.read_bytes()))
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not a YAML file: {error}") from None


def _decode(path: Path, content: bytes) -> str:
    """Return a file's text.

    Raises:
        ConfigError: it is not UTF-8; the message says where.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}: not UTF-8: byte 0x{content[error.start]:02x} in line {line}; save the file as UTF-8"
        ) from None


class _UniqueKeys(yaml.SafeLoader):
    """Load YAML as PyYAML's safe loader does, but refuse repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is a list or a mapping", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is repeated", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def dump_study(study: Study) -> str:
    """Return a configuration as YAML, with every default written out."""
    return yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
