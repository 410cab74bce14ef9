"""What is recorded of what computed a score."""

from pathlib import Path

import pytest

from flexmore.evaluation.results.versions import merge_versions, provenance


def test_versions_of_different_runs_show() -> None:
    assert merge_versions([{"torch": "2.13", "device": "cpu"}, {"torch": "2.12", "device": "cpu"}]) == {
        "torch": "2.12, 2.13",
        "device": "cpu",
    }


def test_provenance_names_no_place_and_no_time() -> None:
    found = provenance("float32", "cpu", 4096)
    assert found == provenance("float32", "cpu", 4096)
    assert found["dtype"] == "float32"
    assert found["lm_eval"][0].isdigit()
    assert not any(str(Path.home()) in value for value in found.values())


def test_provenance_names_the_image_that_a_job_runs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEXMORE_IMAGE", raising=False)
    assert "image" not in provenance("float32", "cpu", 4096)
    monkeypatch.setenv("FLEXMORE_IMAGE", "docker://registry.example.org/flexmore@sha256:12ab")
    assert provenance("float32", "cpu", 4096)["image"] == "docker://registry.example.org/flexmore@sha256:12ab"
