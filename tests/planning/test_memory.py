"""What a study takes: bytes as they lie on disk, memory as it was measured, warnings where it will not do."""

import json
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import psutil
import pytest
from local_hub import Hub

from flexmore.architectures.sizes import ModelSizes
from flexmore.checkpoints.folder import needed_files
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.evaluation.parts import parts_of
from flexmore.experts.acquire import acquire
from flexmore.experts.sizes import sizes_of
from flexmore.factors.factorize import factorize_expert
from flexmore.hub.models import ModelHub
from flexmore.mixtures.grid import find_sweep
from flexmore.planning import memory as footprint
from flexmore.planning import requests as resources
from flexmore.planning.plan import plan, render, sizes_on_hub, warnings
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))


def planned(study: Study, **given: Any) -> dict[str, Any]:
    return plan(study, sizes_of(study), tasks_of(study), **given)


def test_a_checkpoints_tensors_are_counted_exactly(family: Path) -> None:
    for name, experts in (("public", 1), ("math", 2)):
        sizes = ModelSizes.from_config(json.loads((family / name / "config.json").read_text()))
        index = json.loads((family / name / "model.safetensors.index.json").read_text())
        assert footprint.tensor_bytes(sizes, experts, 4) == index["metadata"]["total_size"]


@pytest.mark.parametrize("settings", [{}, {"dtype": "bfloat16"}, {"max_rank": 5}, {"dtype": "float16", "max_rank": 9}])
def test_a_layer_of_factors_is_counted_to_the_byte(study_of: Any, settings: dict[str, Any], tmp_path: Path) -> None:
    study = study_of(factors=settings)
    acquire(study, "math")
    factorize_expert(Checkpoint(study.paths.expert("math")), "0" * 32, tmp_path / "out", study.factors, "math")
    sizes = {path.stat().st_size for path in (tmp_path / "out").glob("layer-*.safetensors")}
    assert sizes == {footprint.layer_bytes(study, sizes_of(study))}


def test_the_papers_bytes() -> None:
    content = planned(PAPER)
    each = {entry["expert"]: entry["bytes"] for entry in content["acquire"]}
    assert each["public"] == 2 * 7_298_617_344
    assert each["math"] == 2 * (7_298_617_344 + 4_328_521_728 + 2 * 4096 * 32)
    assert content["distinct"] == 1 + 6 * 14 + 3 * (14 + 2)
    tensors = 32 * (2 * 3 * 4096 * (4096 + 11008) + 4 * 3 * 4096)
    assert 0 < content["factors"]["total"] / 6 - tensors < 32 * 1000  # headers
    assert content["disk"]["needed"] > sum(each.values()) + content["factors"]["total"]


def test_what_is_asked_for_is_what_the_rules_ask() -> None:
    content = planned(PAPER)
    joint = content["asked"]["evaluate joint-a7"]
    sweep = find_sweep(PAPER, "joint-a7")
    assert joint["mb"] == resources.evaluate_mb(PAPER, sweep)
    assert joint["jobs"] == len(parts_of(sweep, tasks_of(PAPER), PAPER.evaluate)) > 1
    assert joint["minutes"] == resources.evaluate_minutes(PAPER, sweep, joint["jobs"])
    assert f"asks      {joint['mb']:,} MB and {joint['minutes']} minutes, {joint['jobs']} jobs each" in render(content)


def test_what_is_here_is_not_counted_again(composed: Study) -> None:
    content = planned(composed)
    files = {entry["expert"]: entry["bytes"] for entry in content["acquire"]}
    folder = composed.paths.expert("math")
    assert files["math"] == sum(
        (folder / name).stat().st_size for name in needed_files([p.name for p in folder.iterdir()])
    )
    assert {entry["to_fetch"] for entry in content["acquire"]} == {0}
    assert content["factors"]["layers_here"] == 2 * len(composed.names)
    assert content["disk"]["needed"] == content["scores_about"]
    assert "here already" in render(content)


def test_the_hub_is_asked_for_files(server: Hub, family: Path, tmp_path: Path) -> None:
    experts = {name: {"source": "hub", "repo": f"made/{name}"} for name in ("public", "math")}
    for name in experts:
        server.publish(f"made/{name}", family / name)
    sizes = {"hidden": 16, "ffn": 24, "layers": 2, "vocabulary": 48, "heads": 2, "key_value_heads": 2}
    joint: dict[str, Any] = {"active": [2], "selections": []}
    given: dict[str, Any] = {"family": "made", "results": str(tmp_path), "experts": experts, "ranks": [4]}
    study = load_study(given | {"joint": joint, "sizes": sizes})
    found = sizes_on_hub(study, ModelHub(server.url))
    assert found == {name: sum(path.stat().st_size for path in (family / name).iterdir()) for name in experts}
    assert not server.sent
    content = planned(study, on_hub=found)
    assert [entry["to_fetch"] for entry in content["acquire"]] == list(found.values())


def test_what_will_not_do_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    usage, memory = namedtuple("usage", "total used free"), namedtuple("memory", "total")
    monkeypatch.setattr("flexmore.planning.plan._gpu_bytes", lambda: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, 10**12))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(10**12))
    assert warnings(planned(PAPER)) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, 10**11))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(50 * 10**9))
    disk, host = warnings(planned(PAPER))
    assert "225." in disk
    assert "100.0 GB are free" in disk
    assert "set `results:`" in disk
    assert host.startswith("evaluate joint-a2, evaluate joint-a4")
    assert "this machine has 50.0 GB" in host
    monkeypatch.setattr("flexmore.planning.plan._gpu_bytes", lambda: 80 * 10**9)
    _, device = warnings(planned(PAPER))
    assert device.startswith("evaluate joint-a2, evaluate joint-a2-selected, evaluate joint-a4")
    assert "the GPU here has 80.0 GB" in device


def test_the_papers_pairs_fit_80_gb_and_its_joint_mixtures_141() -> None:
    """By arithmetic: no GPU has seen them."""
    sizes = sizes_of(PAPER)
    pair, joint = (footprint.evaluate_memory(PAPER, sizes, find_sweep(PAPER, name)) for name in ("math", "joint-a7"))
    assert 14.6e9 + 8.7e9 < pair.gpu < 0.9 * 80e9
    assert 66.5e9 < joint.gpu < 0.9 * 141e9
