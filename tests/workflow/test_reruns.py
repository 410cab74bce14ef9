"""What a change makes Snakemake run again: what depends on it, and nothing else."""

import json
import os
import re
import shutil
import time
from typing import Any

import pytest
from clones import Clone

DRAWN = ["analyze", "collect the tables", "draw the figures, write the report"]
JOINT = ["joint-a2", "joint-a2-selected", "joint-a3", "joint-a3-selected"]

GROUPS = ["AGIEval", "BBH", "Gen5", "MC9", "MMLU", "MMLU-Pro"]


def of_sweeps(*sweeps: str) -> list[str]:
    """The jobs that compose and evaluate sweeps."""
    return [*(f"compose the recipes of sweep {s}" for s in sweeps), *(f"evaluate sweep {s}" for s in sweeps)]


def test_nothing_to_do_at_first(copy: Clone) -> None:
    assert copy.planned() == []


def test_another_extra_rank_touches_the_pairs_and_what_selects_among_them(copy: Clone) -> None:
    copy.configure(lambda study: study["ranks"].append(5))
    measured = [f"measure the adapters of {name}" for name in ("math", "news")]
    waiting = of_sweeps("joint-a2-selected", "joint-a3-selected")
    assert copy.planned() == sorted([*measured, *of_sweeps("math", "news"), *waiting, *DRAWN])


def test_another_step_of_the_ladder_touches_no_expert(copy: Clone) -> None:
    copy.configure(lambda study: study["ranks"].append(16))
    planned = copy.planned()
    assert [job for job in planned if job.startswith(("acquire", "factorize", "write the suite"))] == []
    assert set(planned) == {
        "measure the adapters of math", "measure the adapters of news",
        *of_sweeps("math", "news", *JOINT), *DRAWN,
    }  # fmt: skip


def test_one_expert_from_elsewhere_leaves_the_others(copy: Clone) -> None:
    def change(study: dict[str, Any]) -> None:
        study["experts"]["math"] = {"source": "folder", "path": str(copy.results / "experts" / "math")}

    copy.configure(change)
    assert copy.planned() == sorted(
        [
            "acquire math (folder)", "factorize math", "measure the adapters of math",
            *of_sweeps("math", *JOINT), *DRAWN,
        ]
    )  # fmt: skip


def test_a_checkpoint_of_ones_own_is_acquired_again_when_it_changes(copy: Clone) -> None:
    given = copy.folder / "given"
    shutil.copytree(copy.results / "experts" / "math", given)
    copy.configure(lambda study: study["experts"].update(math={"source": "folder", "path": "given"}))
    acquired = "results/smoke/experts/math/source.json"
    before = json.loads((copy.folder / acquired).read_text())["fingerprint"]
    copy.snakemake(acquired)
    assert json.loads((copy.folder / acquired).read_text())["fingerprint"] == before
    assert copy.planned(acquired) == []
    weights = sorted(given.glob("*.safetensors"))[0]
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    assert copy.planned(acquired) == ["acquire math (folder)"]


def test_a_third_expert_leaves_the_first_two(copy: Clone) -> None:
    copy.configure(lambda study: study["experts"].update(code={"source": "pocket"}))
    planned = copy.planned()
    assert "acquire code (pocket)" in planned
    assert not {"acquire public (pocket)", "acquire math (pocket)", "factorize math", "write the suite (pocket)"} & {
        *planned
    }
    assert not {*of_sweeps("public", "math", "news")} & {*planned}


def test_other_mixtures_of_the_same_names_are_composed_and_evaluated_again(copy: Clone) -> None:
    """The names say neither how many experts of a pair are active nor in which order a joint mixture has them."""
    copy.configure(lambda study: study.update(pairs={"active": 1}))
    assert {*of_sweeps("math", "news")} <= {*copy.planned()}


def test_another_order_of_experts_is_another_joint_mixture(copy: Clone) -> None:
    def swap(study: dict[str, Any]) -> None:
        experts = study["experts"]
        study["experts"] = {name: experts[name] for name in ("public", "news", "math")}

    copy.configure(swap)
    planned = {*copy.planned()}
    assert {*of_sweeps(*JOINT)} <= planned
    assert not {*of_sweeps("math", "news")} & planned


def test_an_edited_suite_of_ones_own_is_taken_again(copy: Clone) -> None:
    shutil.copytree(copy.results / "suite", copy.folder / "mine")
    copy.configure(lambda study: study["suite"].update(source="folder", path="mine"))
    taken = "results/smoke/suite/source.json"
    copy.snakemake(taken)
    assert copy.planned(taken) == []
    data = sorted((copy.folder / "mine").rglob("*.jsonl"))[0]
    data.write_text(data.read_text().replace("1", "2", 1))
    assert copy.planned(taken) == ["write the suite (folder)"]


def test_how_often_training_is_saved_changes_nothing(copy: Clone) -> None:
    copy.configure(lambda study: study["pocket"].update(checkpoint_every=7))
    assert copy.planned() == []


def test_how_it_is_computed_changes_nothing(copy: Clone) -> None:
    copy.configure(
        lambda study: study["evaluate"].update(batch_tokens=1000, device="auto", gpu_memory=80.0, max_gpus=2)
    )
    assert copy.planned() == []


@pytest.mark.parametrize(
    ("jobs", "parts"),
    [
        ("mixture", ["joint-a2-best", "joint-a2-energy"]),
        ("mixture-group", [f"joint-a2-{rule}.{group}" for rule in ("best", "energy") for group in GROUPS]),
        ({"hours": 1, "tokens_per_second": 50}, ["1-of-3", "2-of-3", "3-of-3"]),
    ],
)
def test_a_sweep_in_parts_is_evaluated_from_them(copy: Clone, jobs: Any, parts: list[str]) -> None:
    copy.configure(lambda study: study["evaluate"].update(jobs=jobs))
    planned = copy.planned("results/smoke/scores/joint-a2-selected")
    own = [f"evaluate {part} of sweep joint-a2-selected" for part in parts]
    about = [job for job in planned if job.startswith("evaluate") and "joint-a2-selected" in job]
    assert about == [*own, "evaluate sweep joint-a2-selected from its parts"]


def test_a_setting_of_the_evaluation_repeats_no_training(copy: Clone) -> None:
    copy.configure(lambda study: study["evaluate"].update(limit=5))
    evaluated = [f"evaluate sweep {sweep}" for sweep in ("public", "math", "news", *JOINT)]
    chosen = [f"compose the recipes of sweep {sweep}" for sweep in JOINT if "selected" in sweep]
    assert copy.planned() == sorted([*evaluated, *chosen, *DRAWN])


def test_a_setting_of_a_rule_repeats_its_choice(copy: Clone) -> None:
    copy.configure(lambda study: study["analysis"].update(energy=0.5))
    planned = copy.planned()
    assert [job for job in planned if job.startswith("compose")] == [
        f"compose the recipes of sweep {sweep}" for sweep in JOINT if "selected" in sweep
    ]
    assert not [job for job in planned if job.startswith(("acquire", "factorize"))]


def test_a_setting_of_the_analysis_only_analyzes(copy: Clone) -> None:
    copy.configure(lambda study: study["analysis"].update(confidence=0.9))
    assert copy.planned() == ["analyze", "draw the figures, write the report"]


@pytest.mark.parametrize(
    ("packages", "expected"),
    [("analysis", DRAWN), ("mixtures", DRAWN), ("report", DRAWN[-1:]), ("evaluation modeling pocket", [])],
)
def test_an_edited_module_repeats_cheap_steps_only(copy: Clone, packages: str, expected: list[str]) -> None:
    for package in packages.split():
        module = max((copy.folder / "flexmore" / package).rglob("*.py"), key=lambda path: path.stat().st_size)
        with module.open("a") as file:
            file.write("# edited\n")
    assert copy.planned() == expected


def test_a_revision_repeats_what_it_is_of(copy: Clone) -> None:
    path = copy.folder / "flexmore" / "revisions.py"
    path.write_text(re.sub(r"ENGINE_REVISION = \d+", "ENGINE_REVISION = 99", path.read_text()))
    planned = copy.planned()
    assert {f"evaluate sweep {sweep}" for sweep in ("public", "math", *JOINT)} <= {*planned}
    assert not [job for job in planned if job.startswith(("acquire", "factorize"))]


def test_touched_files_repeat_nothing(copy: Clone) -> None:
    now = time.time() + 5
    touched = [
        *copy.results.glob("experts/*/*"), *copy.results.glob("factors/*/*"), *copy.results.glob("mixtures/*"),
        *copy.folder.glob("flexmore/analysis/**/*.py"), copy.results / "suite" / "source.json",
        copy.folder / "smoke.yaml",
    ]  # fmt: skip
    for path in touched:
        os.utime(path, (now, now))
    assert copy.planned() == []


def test_a_dry_run_writes_nothing(copy: Clone) -> None:
    """Jobs of a run that is going on read the resolved configuration."""
    before = copy.times("**/*")
    copy.configure(lambda study: study["ranks"].append(5))
    assert copy.planned() != []
    assert copy.times("**/*") == before
