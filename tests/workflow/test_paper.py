"""The paper's configuration as a workflow: what waits for what, and what is said without a network."""

import re

import pytest
from clones import Clone

PAPER = ("--configfile", "config/paper.yaml", "--cores", "1")


def test_data_sets_and_calibration_come_before_any_mixture(clone: Clone) -> None:
    planned = clone.run("snakemake", "--dry-run", "results/flexolmo/scores/math", *PAPER).stdout
    jobs = {job.split("\n")[0]: job for job in re.split(r"^Job \d+: ", planned, flags=re.MULTILINE)[1:]}

    def waits(job: str, *files: str) -> bool:
        [reason] = re.findall("^Reason: .*Input files updated by another job: (.*)$", jobs[job], flags=re.MULTILINE)
        return {f"results/flexolmo/{file}" for file in files} <= set(reason.split(", "))

    assert "acquire the data sets of the tasks" in jobs
    assert waits("write the suite (paper)", "datasets/source.json")
    assert waits("calibrate: the public model alone against published scores", "suite/source.json")
    parts = [job for job in jobs if re.fullmatch(r"evaluate \d+-of-\d+ of sweep math", job)]
    assert len(parts) > 1
    assert all(waits(part, "suite/source.json", "calibration/passed.json") for part in parts)
    assert "evaluate sweep math from its parts" in jobs


def test_without_a_network_it_ends_at_the_data_sets(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")  # nothing listens there
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    ended = clone.run("snakemake", "suite", *PAPER, check=False)
    assert ended.returncode != 0
    assert "error: data sets that cannot be read; nothing was downloaded:" in ended.stdout
    assert "cais/mmlu: the hub did not answer" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert not (clone.folder / "results" / "flexolmo" / "suite").exists()
    assert not (clone.folder / "config" / "paper.lock.json").exists()


def test_the_whole_dry_run_needs_no_network(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    planned = clone.run("snakemake", "--dry-run", *PAPER).stdout
    for name in ("public", "code", "creative", "math", "news", "pes2o", "reddit"):
        assert f"acquire {name} (hub)" in planned
    waiting = planned.split("acquire math (hub)")[1].split("Job ")[0]
    assert "Input files updated by another job: results/flexolmo/experts/public/source.json" in waiting


def test_without_a_network_an_expert_says_so(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    ended = clone.run("snakemake", "results/flexolmo/experts/public/source.json", *PAPER, check=False)
    assert ended.returncode != 0
    assert "error: allenai/Flex-public-7B-1T: the hub did not answer" in ended.stdout
    assert "Traceback" not in ended.stdout
