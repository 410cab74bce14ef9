"""The names that configurations are checked against are those of what implements them."""

import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from flexmore.analysis.selection.rules import RULES
from flexmore.config.analysis import AnalysisSettings
from flexmore.config.evaluation import EvaluateSettings
from flexmore.config.factors import FactorSettings
from flexmore.config.names import DEVICE, GROUPS, PATTERNS, POCKET_EXPERTS, SELECTION_RULES, SPECTRUM_RULES
from flexmore.config.pocket import PocketSettings
from flexmore.config.study import Study
from flexmore.device import torch_device
from flexmore.evaluation.suite import PAPER_SUITE, Suite
from flexmore.pocket.corpora import TOPICS
from flexmore.pocket.tasks import list_tasks


def test_pocket_experts_are_those_of_its_corpora_and_tasks() -> None:
    assert ("public", *POCKET_EXPERTS) == TOPICS
    assert {task.domain for task in list_tasks(PocketSettings(), 0)} - {None} == set(POCKET_EXPERTS)


def test_groups_are_those_of_the_pockets_tasks_and_of_the_papers() -> None:
    assert tuple(dict.fromkeys(task.group for task in list_tasks(PocketSettings(), 0))) == GROUPS
    assert tuple(dict.fromkeys(task.group for task in Suite.read(PAPER_SUITE).index)) == GROUPS


def test_selection_rules_are_those_of_the_analysis() -> None:
    assert tuple(SELECTION_RULES) == tuple(RULES)
    assert set(SPECTRUM_RULES) == {name for name, rule in RULES.items() if rule.reads == "spectra"}
    assert {key for keys in SELECTION_RULES.values() for key in keys} <= set(AnalysisSettings.model_fields)


def _patterns() -> Iterator[str]:
    """Yield every pattern in the schema of a configuration."""
    waiting: list[object] = [Study.model_json_schema()]
    while waiting:
        match waiting.pop():
            case dict() as mapping:
                if isinstance(pattern := mapping.get("pattern"), str):
                    yield pattern
                waiting += mapping.values()
            case list() as values:
                waiting += values


def test_every_pattern_is_explained() -> None:
    assert set(_patterns()) <= set(PATTERNS)


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1"])
def test_devices_that_are_allowed_are_torchs(device: str) -> None:
    assert re.match(DEVICE, device)
    assert str(torch_device(device)) == device


def test_auto_is_one_of_the_devices() -> None:
    assert re.match(DEVICE, "auto")
    assert torch_device("auto").type in ("cpu", "cuda")


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "mps:0", "", "cpu "])
@pytest.mark.parametrize("section", [EvaluateSettings, FactorSettings])
def test_devices_that_are_not_allowed(device: str, section: type) -> None:
    with pytest.raises(ValidationError):
        section(device=device)
