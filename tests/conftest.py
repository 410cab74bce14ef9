"""What all tests share: one thread a worker, and a tiny family of random weights as transformers saves it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from local_hub import Hub, serving

EXPERTS = ("math", "news", "code")

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"  # set before torch or NumPy is imported; there are as many workers as cores

settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")  # a busy machine is no failure


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the tests that run Snakemake, which take longest, so that all workers end at about the same time."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders public, math, news, code: one backbone and public expert, experts of their own, several shards each."""
    from tiny_family import SIZES, word_tokenizer, write_family

    root = tmp_path_factory.mktemp("family")
    write_family(root, EXPERTS, SIZES, word_tokenizer(48), shard="10KB")
    return root


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A local hub, for a client without a token."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with serving() as hub:
        yield hub


@pytest.fixture
def study_of(family: Path, tmp_path: Path) -> Any:
    """A function that gives a Study over the tiny family, its results in a fresh folder, with changes."""
    from flexmore.config.loading import load_study

    def make(**changes: Any) -> Any:
        experts = {name: {"source": "folder", "path": str(family / name)} for name in ("public", *EXPERTS)}
        content = {
            "family": "tiny",
            "results": str(tmp_path / "results"),
            "experts": experts,
            "ranks": [1, 4, 16, 32, "full", 3],
            "joint": {"active": [2, 4], "selections": ["best"]},
        }
        return load_study(content | changes)

    return make


@pytest.fixture
def composed(study_of: Any) -> Any:
    """A study over the tiny family, acquired, factorized and composed."""
    from flexmore.checkpoints.family import read_source
    from flexmore.checkpoints.reader import Checkpoint
    from flexmore.experts.acquire import acquire
    from flexmore.factors.factorize import factorize_expert
    from flexmore.steps.study.compose import compose

    study = study_of(controls=["random"])
    for name in study.experts:
        acquire(study, name)
    for name in study.names:
        source = read_source(study.paths, name)["fingerprint"]
        folder = study.paths.expert(name)
        factorize_expert(Checkpoint(folder), source, study.paths.factors(name), study.factors, name)
    compose(study)
    return study
