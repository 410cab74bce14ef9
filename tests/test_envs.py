"""The conda environments and the image repeat pyproject's pins."""

import re
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


def test_the_image_installs_the_pins() -> None:
    lines = (ROOT / "envs" / "constraints.txt").read_text().splitlines()
    constraints = [line for line in lines if not line.startswith("#")]
    assert all(line.count("==") == 1 for line in constraints)
    extras = PROJECT["optional-dependencies"]
    pins = [*PROJECT["dependencies"], *extras["models"], *extras["slurm"]]
    assert {pin.replace("[reports]", "") for pin in pins} <= set(constraints)
    dockerfile = (ROOT / "envs" / "Dockerfile").read_text()
    assert "--constraint /tmp/constraints.txt '/flexmore[models,slurm]'" in dockerfile
    python = PROJECT["requires-python"].removeprefix(">=")
    assert f"FROM python:{python}." in dockerfile


def test_conda_environments_go_with_the_rules() -> None:
    """Every rule names one of the environments, so that `--sdm conda` leaves none to the Snakemake that runs."""
    rules = (ROOT / "workflow" / "rules").glob("*.smk")
    for path in rules:
        text = path.read_text()
        assert text.count("shell:") == len(re.findall(r'"../../envs/(?:flexmore|analysis).yaml"', text)), path
