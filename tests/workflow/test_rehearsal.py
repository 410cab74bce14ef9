"""The paper's study rehearsed on a local hub: downloads, every step, tables; in part here, all of it with `-m full`."""

import json
import time
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import pytest
import rehearsal
import yaml
from clones import Clone
from local_hub import Hub
from shared_folders import shared_folder

from flexmore.config.loading import load_study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import grid
from flexmore.planning.memory import MIB
from flexmore.planning.plan import plan
from flexmore.suites.study_suite import tasks_of

SHRUNK = {"family", "results", "sizes", "suite.lock", "evaluate.limit", "evaluate.jobs", "calibration"}


def content(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(f"config/{name}.yaml").read_text())
    return found


def test_it_is_the_papers_configuration_but_for_sizes_and_places() -> None:
    paper, rehearsed = content("paper"), content("rehearsal")
    assert paper.keys() == rehearsed.keys()
    for key in paper.keys() - SHRUNK:
        for inner in paper[key] if isinstance(paper[key], dict) else ():
            if f"{key}.{inner}" not in SHRUNK:
                assert rehearsed[key][inner] == paper[key][inner], f"{key}.{inner}"
        if not isinstance(paper[key], dict):
            assert rehearsed[key] == paper[key], key
    assert rehearsed["calibration"]["required"] is paper["calibration"]["required"] is True
    study = load_study(Path("config/rehearsal.yaml"))
    assert [m.name for m in grid(study)] == [m.name for m in grid(load_study(Path("config/paper.yaml")))]
    assert len(tasks_of(study)) == 120


def test_what_the_first_study_acquires_is_the_papers() -> None:
    paper, first = content("paper"), content("first")
    assert (first["family"], first["results"]) == (paper["family"], paper["results"])
    assert first["sizes"] == paper["sizes"]
    assert first["suite"]["lock"] == paper["suite"]["lock"]
    assert set(first["ranks"]) <= set(paper["ranks"])
    assert all(paper["experts"][name] == source for name, source in first["experts"].items())
    tasks = tasks_of(load_study(Path("config/first.yaml")))
    whole_suite = tasks_of(load_study(Path("config/paper.yaml")))
    assert [task for task in whole_suite if task.group == "BBH"] == list(tasks)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models and data sets, made once."""
    return shared_folder(tmp_path_factory, "rehearsed-hub", rehearsal.make)


@pytest.fixture(scope="module")
def hub(made: Path) -> Iterator[Hub]:
    """A local hub that has them; what runs meanwhile knows no other."""
    with rehearsal.served(made, content("rehearsal")) as server, pytest.MonkeyPatch.context() as patch:
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
            patch.delenv(name, raising=False)
        patch.setenv("HF_ENDPOINT", server.url)
        patch.setenv("HF_HOME", str(made / "home"))
        yield server


def smoke(folder: Path, hub: Hub) -> Clone:
    """The smoke form, nothing of it computed."""
    clone = rehearsal.clone_of(folder, hub)
    (clone.folder / clone.config).write_text(yaml.safe_dump(rehearsal.reduced(content("rehearsal")), sort_keys=False))
    return clone


@pytest.fixture(scope="module")
def rehearsed(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The smoke form, run."""
    folder = shared_folder(tmp_path_factory, "rehearsed", lambda folder: smoke(folder, hub).snakemake())
    return rehearsal.rehearsed(folder)


def whole(clone: Clone, hub: Hub) -> None:
    """Every score is there; what was acquired is what the hub has; nothing is left to do."""
    study = load_study(clone.folder / clone.config)
    paths = study.paths
    scores = pd.read_parquet(clone.results / "tables" / "scores.parquet")
    assert len(scores) == len(grid(study)) * len(tasks_of(study))
    for name, source in study.experts.items():
        found = json.loads((clone.folder / paths.expert(name) / "source.json").read_text())
        assert found["commit"] == hub.models[source.repo].branches["main"]  # type: ignore[union-attr]
    lock = json.loads((clone.folder / study.suite.lock).read_text())
    assert {config for entry in lock["datasets"].values() for config in entry["configs"]}
    assert (clone.results / "calibration" / "passed.json").is_file()
    assert (clone.results / "README.md").is_file()
    assert "Beside what others reported" not in (clone.results / "README.md").read_text()
    assert clone.planned() == []


def test_in_part(rehearsed: Clone, hub: Hub) -> None:
    whole(rehearsed, hub)


def test_a_model_has_more_rows_than_its_tokenizer_tokens(rehearsed: Clone) -> None:
    folder = rehearsed.results / "experts" / "math"
    config = json.loads((folder / "config.json").read_text())
    tokens = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    assert config["vocab_size"] > len(tokens) + 2
    assert config["dtype"] == "bfloat16"
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 1


def test_a_rank_above_saturation_is_the_same_mixture(rehearsed: Clone) -> None:
    scores = pd.read_parquet(rehearsed.results / "tables" / "scores.parquet").set_index(["mixture", "task"])["score"]
    config = load_study(rehearsed.folder / rehearsed.config)
    assert config.sizes is not None
    assert config.sizes.hidden < 64
    recipes = [json.loads(path.read_text()) for path in (rehearsed.results / "mixtures").glob("math-r*.json")]
    assert sorted(recipe["effective_ranks"][0] for recipe in recipes) == [1, 8, 32]
    assert scores.loc["math-r64"].between(0, 1).all()


def test_what_was_planned_is_what_it_took(rehearsed: Clone) -> None:
    """Every byte of factors and of downloads; memory of at most a quarter more than planned.

    Of the jobs of a rule the median counts: Snakemake looks at a job now and then, so that it may miss the peak, and
    counts a process twice while it forks.
    """
    study = load_study(rehearsed.folder / rehearsed.config)
    with chdir(rehearsed.folder):
        content = plan(study, sizes_of(study), tasks_of(study))
    assert all(entry["known"] == "here" for entry in content["acquire"])
    layers = rehearsed.results.glob("factors/*/layer-*.safetensors")
    assert sum(path.stat().st_size for path in layers) == content["factors"]["total"]
    for entry in content["acquire"]:
        files = (rehearsed.results / "experts" / entry["expert"]).glob("[!.]*")
        names = json.loads((rehearsed.results / "experts" / entry["expert"] / "source.json").read_text())["files"]
        assert entry["bytes"] == sum(path.stat().st_size for path in files if path.name in names)
    shares: dict[str, list[float]] = {}
    for step, memory in content["memory"]["steps"].items():
        rule, _, subject = step.partition(" ")
        for path in (rehearsed.results / "benchmarks" / rule).glob(f"{subject or '*'}.tsv"):
            peak = float(pd.read_csv(path, sep="\t")["max_rss"].iloc[0]) * MIB
            shares.setdefault(rule, []).append(peak / (memory["host"] + memory["mapped"]))
    assert {"acquire", "factorize", "evaluate"} <= shares.keys()
    assert max(median(found) for found in shares.values()) <= 1.25, shares


def test_tokens_are_counted(rehearsed: Clone) -> None:
    """Of one task by the tokenizer's own library, from the prompts that lm-eval builds."""
    from tokenizers import Tokenizer

    from flexmore.evaluation.tasks.loading import load_task, open_tasks
    from flexmore.steps.look.plan import count_tokens
    from flexmore.suites.study_suite import open_suite

    with chdir(rehearsed.folder):
        study = load_study(Path(rehearsed.config))
        found, suite = count_tokens(study), open_suite(study)
        task = load_task(open_tasks(suite.folder), suite.select(["bbh_navigate"]).index[0], 1234, suite.datasets)
        task.build_all_requests()
    tokenizer = Tokenizer.from_file(str(rehearsed.results / "experts" / "public" / "tokenizer.json"))
    lengths = [len(tokenizer.encode(request.args[0]).ids) for request in task.instances]
    assert len(set(lengths)) == 1  # so that it does not matter which of the rows are drawn
    computed = found["BBH"].pop("computed")
    assert found["BBH"] == {"items": 6, "prompt": 6 * lengths[0], "new": 6 * 512}
    assert lengths[0] < computed < 2 * lengths[0]  # the worked examples, long and shared, once
    assert found["MMLU"]["new"] == 0


@pytest.mark.parametrize("fault", ["missing", "busy", "dead"])
def test_a_data_set_that_cannot_be_fetched_is_named(
    hub: Hub, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))  # where nothing was fetched before
    clone = smoke(tmp_path / "clone", hub)
    clone.configure(lambda study: study["suite"].update(tasks=["csqa"]))
    file = "default/validation-00000-of-00001.parquet"
    hub.faults[file] = fault
    try:
        ended = clone.run("flexmore", "datasets", "--config", clone.config, check=False)
    finally:
        hub.faults.clear()
    assert ended.returncode == 1
    assert "error: tau/commonsense_qa (default) at 94630fe3" in ended.stdout
    assert "run again where there is a network" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert not (clone.results / "datasets" / "source.json").exists()


def kill_three_times(clone: Clone, cores: int = 2) -> None:
    """In a download, in evaluating pairs, in evaluating what the pairs chose; then to the end."""
    results, cache, given = clone.results, clone.results / "cache" / "scores", ("--cores", str(cores))
    with clone.started("snakemake", "--configfile", clone.config, *given) as until:
        until(lambda: any(results.glob("experts/*/*.safetensors")))
    with clone.started(*clone.resuming, *given) as until:
        until(lambda: any(results.glob("factors/*/index.json")) and any(cache.glob("*/*.json")))
    with clone.started(*clone.resuming, *given) as until:
        until(lambda: any(results.glob("mixtures/joint-*-best.json")))
    clone.resume(cores)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_the_first_study(hub: Hub, tmp_path: Path) -> None:
    """config/first.yaml, but for the sizes of models and data."""
    clone = rehearsal.clone_of(tmp_path / "clone", hub)
    study, small = content("first"), content("rehearsal")
    study |= {"family": small["family"], "sizes": small["sizes"]}
    study["suite"]["lock"], study["evaluate"]["limit"] = small["suite"]["lock"], small["evaluate"]["limit"]
    (clone.folder / clone.config).write_text(yaml.safe_dump(study, sort_keys=False))
    clone.snakemake()
    scores = pd.read_parquet(clone.results / "tables" / "scores.parquet")
    assert set(scores["mixture"]) == {mixture.name for mixture in grid(load_study(clone.folder / clone.config))}
    assert set(scores["group"]) == {"BBH"}
    assert len(scores) == 27 * scores["mixture"].nunique()
    assert "r95" in (clone.results / "README.md").read_text()
    assert clone.planned() == []


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_killed_three_times_its_tables_are_the_same_bytes(rehearsed: Clone, hub: Hub, tmp_path: Path) -> None:
    clone = smoke(tmp_path / "clone", hub)
    kill_three_times(clone)
    assert clone.tables() == rehearsed.tables()


@pytest.mark.full
@pytest.mark.timeout(4 * 3600)
def test_all_of_it_undisturbed_and_killed_three_times(hub: Hub, tmp_path: Path) -> None:
    undisturbed = rehearsal.clone_of(tmp_path / "clone", hub)
    start = time.monotonic()
    undisturbed.snakemake()
    minutes = (time.monotonic() - start) / 60
    print(f"the rehearsal took {minutes:.1f} minutes")
    whole(undisturbed, hub)
    clone = rehearsal.clone_of(tmp_path / "killed", hub)
    kill_three_times(clone)
    assert clone.tables() == undisturbed.tables()
