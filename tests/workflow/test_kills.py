"""Killed at any point, gone on from there, and the tables are the same bytes. Minutes: `pytest -m full`."""

import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clones import RESULTS, Clone

pytestmark = [pytest.mark.full, pytest.mark.timeout(3600)]


def steps_done_before(copy: Clone, expert: str) -> int:
    """At which step a training says that it was resumed; 0: it started anew."""
    log = (copy.results / "logs" / "acquire" / f"{expert}.log").read_text()
    found = re.search(r"resuming from .*: (\d+) of \d+ steps are done", log)
    return int(found[1]) if found else 0


def kept(before: dict[str, int], after: dict[str, int]) -> None:
    """All that was there is there, not written again."""
    assert before
    assert {name: after.get(name) for name in before} == before


def test_killed_in_training_in_factorize_and_in_evaluate(finished: Clone, clone: Clone) -> None:
    clone.before("flexmore.factors.store:write_layer", "__import__('time').sleep(2)")  # the kill hits between two
    results, cache = clone.results, clone.results / "cache"

    with clone.started("snakemake", "--cores", "2", "--configfile", "smoke.yaml") as until:
        until((cache / "training" / "public" / "train-public.safetensors").exists)
    assert not (results / "experts" / "public" / "source.json").exists()

    with clone.started(*clone.resuming, "--cores", "2") as until:
        until(lambda: any(cache.glob("training/math/*.safetensors")) or any(cache.glob("training/news/*.safetensors")))
    assert 0 < steps_done_before(clone, "public") < 40
    assert not any((results / "experts" / name / "source.json").exists() for name in ("math", "news"))
    public = clone.times("experts/public/*")
    begun = [name for name in ("math", "news") if any(cache.glob(f"training/{name}/*.safetensors"))]

    with clone.started(*clone.resuming, "--cores", "2") as until:
        until(lambda: any(results.glob("factors/*/layer-01.safetensors")))
    assert all(steps_done_before(clone, name) >= 10 for name in begun)
    experts = clone.times("experts/*/*")
    kept(public, experts)
    layers = clone.times("factors/*/layer-*.safetensors")
    assert any(not (results / name).parent.joinpath("index.json").exists() for name in layers)

    with clone.started(*clone.resuming, "--cores", "2") as until:
        until(lambda: len(list(cache.glob("scores/*/*.json"))) >= 40)
    kept(experts, clone.times("experts/*/*"))
    kept(layers, clone.times("factors/*/layer-*.safetensors"))
    assert not (results / "tables").exists()
    scores = clone.times("cache/scores/*/*.json")
    assert len(scores) < len(finished.times("cache/scores/*/*.json"))

    clone.resume()
    kept(experts | layers | scores, clone.times("**/*"))
    assert clone.tables() == finished.tables()
    assert clone.planned() == []
    assert [path for path in results.rglob(".*") if path.name != ".snakemake_timestamp"] == []


def test_a_sweep_killed_at_ten_random_moments(finished: Clone, copy: Clone) -> None:
    results, cache, seed = copy.results, copy.results / "cache" / "scores", random.Random(5)
    shutil.rmtree(cache)
    shutil.rmtree(results / "scores" / "joint-a2")
    evaluate = ("flexmore", "evaluate", "joint-a2", "--config", str(RESULTS / "config.yaml"))
    before: dict[str, int] = {}
    for _ in range(10):
        done = len(before)
        with copy.started(*evaluate) as until:
            until(lambda done=done: len(list(cache.glob("*/*.json"))) > done)  # type: ignore[misc]
            time.sleep(seed.uniform(0, 0.02))  # a result takes a few ms
        assert not (results / "scores" / "joint-a2").exists()
        after = copy.times("cache/scores/*/*.json")
        assert {name: after[name] for name in before} == before
        assert len(after) > done
        before = after
    copy.snakemake("results/smoke/scores/joint-a2")
    after = copy.times("cache/scores/*/*.json")
    assert {name: after[name] for name in before} == before
    for path in [*cache.glob("*/*"), *(results / "scores" / "joint-a2").glob("joint*")]:
        assert path.read_bytes() == (finished.results / path.relative_to(results)).read_bytes()
    assert f"{len(before)} found in the cache" in (results / "logs" / "evaluate" / "joint-a2.log").read_text()
    assert [path for path in results.rglob(".*") if path.name != ".snakemake_timestamp"] == []


def test_one_core_gives_the_same_bytes_as_two(finished: Clone, clone: Clone) -> None:
    clone.snakemake(cores=1)
    assert clone.tables() == finished.tables()


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of that size at `folder`."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_error_and_what_was_finished_stays(clone: Clone) -> None:
    results = clone.folder / "results"
    target = "results/smoke/experts/math/source.json"
    with disk(results, "7m"):  # public's checkpoint fits, and the expert's beside it does not
        done = clone.snakemake(target, cores=1, check=False)
        assert done.returncode != 0
        errors = re.findall(r"^\s*error: .*$", done.stdout, flags=re.MULTILINE)
        assert len(errors) == 1, done.stdout
        assert "cannot be written" in errors[0]
        assert "No space left on device" in errors[0]
        assert "results/smoke/cache/training/math" in errors[0]
        assert "Traceback" not in done.stdout
        public = clone.times("experts/public/*")
        assert "experts/public/source.json" in public
        subprocess.run(["mount", "-o", "remount,size=64m", str(results)], check=True)
        clone.snakemake(target, cores=1)
        kept(public, clone.times("experts/public/*"))


def test_a_disk_that_fills_in_a_sweep_keeps_what_was_finished(finished: Clone, copy: Clone) -> None:
    cache = copy.results / "cache" / "scores"
    shutil.rmtree(cache)
    shutil.rmtree(copy.results / "scores" / "joint-a2")
    with disk(cache, "128k"):
        done = copy.snakemake("results/smoke/scores/joint-a2", check=False)
        assert done.returncode != 0
        errors = re.findall(r"^\s*error: .*$", done.stdout, flags=re.MULTILINE)
        assert len(errors) == 1, done.stdout
        assert "cannot be written: No space left on device" in errors[0]
        assert "Traceback" not in done.stdout
        before = copy.times("cache/scores/*/*.json")
        subprocess.run(["mount", "-o", "remount,size=64m", str(cache)], check=True)
        copy.snakemake("results/smoke/scores/joint-a2")
        kept(before, copy.times("cache/scores/*/*.json"))
        for path in (copy.results / "scores" / "joint-a2").glob("joint*"):
            assert path.read_bytes() == (finished.results / path.relative_to(copy.results)).read_bytes()


def test_a_cache_that_cannot_be_written_is_one_error(copy: Clone) -> None:
    cache, scores = copy.results / "cache" / "scores", copy.results / "scores"
    cache.rename(cache.with_name("aside"))
    cache.write_text("a file where the folder should be")
    shutil.rmtree(scores / "public")
    before = copy.times("experts/**/*") | copy.times("factors/**/*") | copy.times("scores/**/*")
    done = copy.snakemake("results/smoke/scores/public", check=False)
    assert done.returncode != 0
    errors = re.findall(r"^\s*error: .*$", done.stdout, flags=re.MULTILINE)
    assert len(errors) == 1, done.stdout
    assert "results/smoke/cache/scores" in errors[0]
    assert "cannot be written" in errors[0]
    assert "Traceback" not in done.stdout
    kept(before, copy.times("**/*"))
    cache.unlink()
    cache.with_name("aside").rename(cache)
    copy.snakemake("results/smoke/scores/public")
    assert (scores / "public" / "public.json").is_file()
