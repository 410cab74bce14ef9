"""Bytes on disk, as they lie there."""

import json
from pathlib import Path
from typing import Any

import pytest

from flexmore.architectures.sizes import ModelSizes
from flexmore.checkpoints.folder import needed_files
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.experts.acquire import acquire
from flexmore.experts.study_sizes import sizes_of
from flexmore.factors.factorize import factorize_expert
from flexmore.planning.disk import layer_bytes, plan_disk, tensor_bytes
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))


def planned(study: Study) -> dict[str, Any]:
    return plan_disk(study, sizes_of(study), tasks_of(study), {})


def test_a_checkpoints_tensors_are_counted_exactly(family: Path) -> None:
    for name, experts in (("public", 1), ("math", 2)):
        sizes = ModelSizes.from_config(json.loads((family / name / "config.json").read_text()))
        index = json.loads((family / name / "model.safetensors.index.json").read_text())
        assert tensor_bytes(sizes, experts, 4) == index["metadata"]["total_size"]


@pytest.mark.parametrize("settings", [{}, {"dtype": "bfloat16"}, {"max_rank": 5}, {"dtype": "float16", "max_rank": 9}])
def test_a_layer_of_factors_is_counted_to_the_byte(study_of: Any, settings: dict[str, Any], tmp_path: Path) -> None:
    study = study_of(factors=settings)
    acquire(study, "math")
    factorize_expert(Checkpoint(study.paths.expert("math")), "0" * 32, tmp_path / "out", study.factors, "math")
    sizes = {path.stat().st_size for path in (tmp_path / "out").glob("layer-*.safetensors")}
    assert sizes == {layer_bytes(study, sizes_of(study))}


def test_the_papers_bytes() -> None:
    content = planned(PAPER)
    each = {entry["expert"]: entry["bytes"] for entry in content["acquire"]}
    assert each["public"] == 2 * 7_298_617_344
    assert each["math"] == 2 * (7_298_617_344 + 4_328_521_728 + 2 * 4096 * 32)
    tensors = 32 * (2 * 3 * 4096 * (4096 + 11008) + 4 * 3 * 4096)
    assert 0 < content["factors"]["total"] / 6 - tensors < 32 * 1000  # headers
    assert content["disk"]["needed"] > sum(each.values()) + content["factors"]["total"]


def test_what_is_here_is_not_counted_again(composed: Study) -> None:
    content = planned(composed)
    files = {entry["expert"]: entry["bytes"] for entry in content["acquire"]}
    folder = composed.paths.expert("math")
    assert files["math"] == sum(
        (folder / name).stat().st_size for name in needed_files([p.name for p in folder.iterdir()])
    )
    assert {(entry["to_fetch"], entry["known"]) for entry in content["acquire"]} == {(0, "here")}
    assert content["factors"]["layers_here"] == 2 * len(composed.names)
    assert content["disk"]["needed"] == content["scores_about"]
