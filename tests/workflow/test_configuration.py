"""The configuration of a run: a given file replaces the default, and a wrong one ends it before any job."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from clones import Clone

from flexmore.config.loading import load_study

FOLDER = {"source": "folder", "path": "given"}
OTHER: dict[str, Any] = {
    "family": "other",
    "experts": {"public": FOLDER, "alpha": FOLDER},
    "ranks": [2, "full"],
    "joint": {"active": [1], "selections": []},
    "suite": {"tasks": ["pocket_mc9_math_problems"]},
}


@pytest.fixture
def other(clone: Clone) -> Clone:
    """A clone with a study of one's own in other.yaml; only dry runs of it make sense."""
    (clone.folder / "given").mkdir()
    (clone.folder / "given" / "config.json").write_text("{}")
    (clone.folder / "other.yaml").write_text(yaml.safe_dump(OTHER, sort_keys=False))
    return clone


def jobs(place: Clone, *words: str) -> str:
    return place.run("snakemake", "--cores", "2", "--dry-run", *words).stdout


def test_without_a_file_it_is_the_pocket_study(other: Clone) -> None:
    printed = jobs(other)
    assert "acquire reddit (pocket)" in printed
    assert "results/pocket/scores/joint-a7" in printed


def test_no_key_of_the_default_leaks_into_another_study(other: Clone) -> None:
    printed = jobs(other, "--configfile", "other.yaml")
    messages = sorted(re.findall(r"^Job \d+: (.*)$", printed, flags=re.MULTILINE))
    sweeps = ("public", "alpha", "joint-a1")
    assert messages == sorted(
        [
            *(f"{job} sweep {sweep}" for job in ("compose the recipes of", "evaluate") for sweep in sweeps),
            "acquire public (folder)", "acquire alpha (folder)", "write the suite (pocket)", "factorize alpha",
            "measure the adapters of alpha", "collect the tables", "analyze", "draw the figures, write the report",
        ]
    )  # fmt: skip
    for word in ("results/pocket", "reddit", "joint-a7", "alpha-r1.", "alpha-random", "-best"):
        assert word not in printed


def test_a_study_of_one_expert_with_selections_has_no_cycle(other: Clone) -> None:
    study = OTHER | {"joint": {"active": [2], "selections": ["best"]}}
    (other.folder / "other.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    assert "evaluate sweep joint-a2-selected" in jobs(other, "--configfile", "other.yaml")


def test_the_resolved_configuration_is_the_given_one_and_its_defaults(other: Clone) -> None:
    """Run, not planned, since a dry run writes nothing: the suite is what can be made without weights."""
    other.run("snakemake", "--cores", "1", "--configfile", "other.yaml", "--", "results/other/suite/source.json")
    resolved = yaml.safe_load((other.folder / "results" / "other" / "config.yaml").read_text())
    found = FOLDER | {"path": str(other.folder / "given")}  # this process is in another folder
    expected = load_study(OTHER | {"experts": {"public": found, "alpha": found}}).model_dump(mode="json")
    expected["experts"] = dict.fromkeys(("public", "alpha"), FOLDER)
    assert resolved == expected
    assert resolved["seed"] == 0
    assert resolved["controls"] == []  # the default file has one
    assert not (other.folder / "results" / "pocket").exists()


@pytest.mark.parametrize("files", [[], ["--configfile", "other.yaml"]])
def test_a_key_on_the_command_line_stands_on_top(other: Clone, files: list[str]) -> None:
    family = "other" if files else "pocket"
    index = f"results/{family}/suite/source.json"
    other.run("snakemake", "--cores", "1", *files, "--config", "seed=3", "--", index)
    resolved = yaml.safe_load((other.folder / "results" / family / "config.yaml").read_text())
    assert (resolved["seed"], resolved["family"]) == (3, family)


WRONG: list[tuple[str, list[str]]] = [
    ("rnaks: [1]", ["rnaks", "[1]", "did you mean ranks?"]),
    ("ranks: [1, -2]", ["ranks.1", "-2", "1 to 16384 and full"]),
    (
        "experts: {public: {source: folder, path: nowhere}, math: {source: pocket}}",
        ["experts.public", "nowhere", "folder"],
    ),
]


@pytest.mark.parametrize(("line", "said"), WRONG, ids=[line for line, _ in WRONG])
def test_a_wrong_configuration_ends_before_any_job(clone: Clone, line: str, said: list[str]) -> None:
    content = yaml.safe_load((clone.folder / "smoke.yaml").read_text()) | yaml.safe_load(line)
    (clone.folder / "smoke.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    done = clone.snakemake(check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert done.stdout.count("is not a valid study") == 1
    [message] = re.findall(r"^(.*is not a valid study:\n(?:  .*\n)+)", done.stdout, flags=re.MULTILINE)
    told = [line for line in message.splitlines() if not line.startswith('  File "')]  # where Snakemake was told so
    assert len(told) == 2, message
    for word in said:
        assert word in message
    assert not (clone.folder / "results").exists()


def test_a_task_that_the_suite_does_not_have_ends_it_too(clone: Clone) -> None:
    clone.configure(lambda study: study["suite"].update(tasks=["pocket_mc9_maths"]))
    done = clone.snakemake(check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert "suite.tasks: found 'pocket_mc9_maths'; did you mean pocket_mc9_math_problems?" in done.stdout
    assert "functools.py" not in done.stdout
    assert not (clone.folder / "results").exists()


def test_gpus_that_a_profile_states_and_that_are_too_small_end_it_too(clone: Clone) -> None:
    profile = clone.folder / "small"
    profile.mkdir()
    (profile / "config.yaml").write_text('cores: 1\nconfig: ["evaluate={gpu_memory: 12, max_gpus: 4}"]\n')
    given = ("--configfile", "config/paper.yaml", "--workflow-profile", "small")
    done = clone.run("snakemake", "-n", *given, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert done.stdout.count("evaluate.gpu_memory: 12 GB; sweeps that do not fit on 4 of such GPUs") == 1
    assert "public (14.6 GB of weights)" in done.stdout


def test_resume_ends_with_the_same_message(clone: Clone) -> None:
    clone.configure(lambda study: study.update(seed="one"))
    done = clone.resume(check=False)
    assert done.returncode != 0
    assert done.stdout.count("seed: found 'one'") == 1
    assert "Traceback" not in done.stdout


def test_workflow_passes_snakemakes_lint(clone: Clone) -> None:
    assert "Congratulations" in clone.run("snakemake", "--lint").stdout
    assert not Path(clone.folder, "results").exists()
