"""The plan for a person, and its warnings."""

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import psutil
import pytest

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.experts.study_sizes import sizes_of
from flexmore.planning.plan import plan
from flexmore.planning.text import render, warnings
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))


def planned(study: Study) -> dict[str, Any]:
    return plan(study, sizes_of(study), tasks_of(study))


def stated(**settings: Any) -> Study:
    return PAPER.model_copy(update={"evaluate": PAPER.evaluate.model_copy(update=settings)})


def test_requests_are_listed() -> None:
    content = planned(PAPER)
    mb, minutes, _, jobs = content["requests"]["evaluate joint-a7"].values()
    line = f"requests  {mb:,} MB, 1 GPU and {minutes} minutes, {jobs} jobs each: evaluate joint-a7"
    assert line in render(content)


def test_gpus_are_listed_or_said_to_be_unknown() -> None:
    assert "the memory of a GPU is unknown; state evaluate.gpu_memory" in render(planned(PAPER))
    found = render(planned(stated(gpu_memory=80.0)))
    assert "GPUs      1 of 80 GB: evaluate public, code, creative, math, news, pes2o, reddit\n" in found
    assert "GPUs      2 of 80 GB: evaluate joint-a2" in found


def test_hours_are_stated_or_timed() -> None:
    content = planned(PAPER)
    assert "--hours" in render(content)
    hours = {"least": 1.0, "most": 3.0}
    tokens = {"BBH": {"items": 1, "prompt": 9_000_000, "computed": 2_000_000, "new": 500_000}}
    found = render(content | {"tokens": tokens, "timed": {"device": "a device", "evaluate": {"math": hours}}})
    assert "1 items, 9,000,000 of prompts, 2,000,000 computed, 500,000 new at most" in found
    assert "timed              1 to          3 hours: evaluate math" in found


def test_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    usage, memory = namedtuple("usage", "total used free"), namedtuple("memory", "total")
    monkeypatch.setattr("flexmore.planning.plan._gpu_bytes", lambda: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, 10**12))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(10**12))
    assert warnings(planned(PAPER)) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, 10**11))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(60 * 10**9))
    disk, host = warnings(planned(PAPER))
    assert "225." in disk
    assert "100.0 GB are free" in disk
    assert "set `results:`" in disk
    assert host.startswith("evaluate joint-a2, evaluate joint-a2-selected, evaluate joint-a4")
    assert "this machine has 60.0 GB" in host
    monkeypatch.setattr("flexmore.planning.plan._gpu_bytes", lambda: 80 * 10**9)
    _, device = warnings(planned(PAPER))
    assert device.startswith("evaluate joint-a2, evaluate joint-a2-selected, evaluate joint-a4")
    assert "the GPU here has 80.0 GB" in device
    assert len(warnings(planned(stated(gpu_memory=80.0)))) == 1  # jobs go to the GPUs that are stated
    _, shortage = warnings(planned(stated(gpu_memory=24.0, max_gpus=4)))
    assert shortage.startswith("evaluate.gpu_memory: 24 GB; sweeps that do not fit on 4 of such GPUs")
