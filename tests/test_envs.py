"""The conda environments repeat pyproject's pins, neither more nor less."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(("name", "extras"), [("analysis", []), ("flexmore", ["models"])])
def test_environments_repeat_the_pins(name: str, extras: list[str]) -> None:
    content = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    [pip] = [entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict)]
    expected = [*PROJECT["dependencies"], *(pin for extra in extras for pin in PROJECT["optional-dependencies"][extra])]
    assert sorted(pip) == sorted(expected)
    assert all("==" in pin for pin in pip)


def test_environments_use_a_python_that_the_project_allows() -> None:
    for path in (ROOT / "envs").glob("*.yaml"):
        [python] = [d for d in yaml.safe_load(path.read_text())["dependencies"] if str(d).startswith("python ")]
        assert PROJECT["requires-python"] == f">={python.removeprefix('python =')}"
