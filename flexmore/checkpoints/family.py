"""Whether acquired experts belong to one family: what their `source.json` says of the public model they came from.

Needs no torch.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flexmore.config.paths import StudyPaths
from flexmore.errors import CheckpointError
from flexmore.files import read_json


def read_source(paths: StudyPaths, name: str) -> dict[str, Any]:
    """Return the content of an acquired expert's `source.json`."""
    content: dict[str, Any] = read_json(paths.expert(name) / "source.json")
    return content


def read_sources(paths: StudyPaths) -> dict[str, dict[str, Any]]:
    """Return the content of every acquired expert's `source.json`, of `public` too, by name."""
    found = sorted(paths.expert("public").parent.glob("[!.]*/source.json"))  # what was killed begins with a dot
    return {path.parent.name: read_json(path) for path in found}


def check_family(paths: StudyPaths, names: Iterable[str]) -> None:
    """Check that acquired experts were branched from one public model.

    Raises:
        CheckpointError: names the first tensor, or the first key of config.json, that differs, and the checkpoints.
    """
    check_sources(paths, {name: read_source(paths, name) for name in names})


def check_sources(paths: StudyPaths, sources: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that experts were branched from one public model.

    Args:
        sources: for `public` and each expert what its `source.json` holds or will hold.

    Raises:
        CheckpointError: as `check_family`.
    """
    check_shared({name: source["public_tensors"] for name, source in sources.items()})
    for name, source in sources.items():
        if "mixing_config" not in source:
            raise CheckpointError(
                f"{paths.expert(name) / 'source.json'}: no mixing_config, which earlier versions did not record; "
                f"run `flexmore acquire {name}`"
            )
    _check_configs(paths, {name: source["public_config"] for name, source in sources.items()}, "public")
    mixing = {name: source["mixing_config"] for name, source in sources.items() if name != "public"}
    if mixing:
        _check_configs(paths, mixing, next(iter(mixing)))


def _check_configs(paths: StudyPaths, configs: Mapping[str, Mapping[str, Any]], first: str) -> None:
    """Check that what decides a computation is the same in all configurations as in that of `first`."""
    expected = configs[first]
    for name, config in configs.items():
        for key in sorted(expected.keys() | config.keys()):
            if config.get(key) != expected.get(key):
                raise CheckpointError(
                    f"{paths.expert(name)}: {key} is {config.get(key)}, that of {first} is {expected.get(key)}; "
                    "expected experts of one public model, whose configurations compute the same"
                )


def check_shared(sources: Mapping[str, Mapping[str, str]]) -> None:
    """Check that experts share the tensors of one public model, bit by bit.

    Args:
        sources: for `public` and each expert the digests of its `public_tensors`.

    Raises:
        CheckpointError: names the first tensor that differs, or is missing, and the two checkpoints.
    """
    first = next((name for name in sources if name != "public"), "public")
    for other, tensors in sources.items():
        names = set(sources[first]) | set(tensors)
        if other == "public":  # a dense model has no router
            names = {name for name in names if not name.endswith("[0]")}
        for name in sorted(names):
            if tensors.get(name) != sources[first].get(name):
                raise CheckpointError(
                    f"experts {first} and {other} were not branched from the same public model: {name} differs "
                    "between them; expected the same bits in backbone, public expert and router row 0"
                )
