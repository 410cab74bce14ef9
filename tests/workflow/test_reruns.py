"""What a change makes Snakemake run again: what depends on it, and nothing else."""

import json
import os
import re
import shutil
import time
from typing import Any

import pytest
from place import Place

DRAWN = ["analyze", "collect the tables", "draw the figures, write the report"]
JOINT = ["joint-a2", "joint-a2-selected", "joint-a3", "joint-a3-selected"]

GROUPS = ["AGIEval", "BBH", "Gen5", "MC9", "MMLU", "MMLU-Pro"]


def of_sweeps(*sweeps: str) -> list[str]:
    """The jobs that compose and evaluate sweeps."""
    return [*(f"compose the recipes of sweep {s}" for s in sweeps), *(f"evaluate sweep {s}" for s in sweeps)]


def test_nothing_to_do_at_first(place: Place) -> None:
    assert place.planned() == []


def test_another_extra_rank_touches_the_pairs_and_what_selects_among_them(place: Place) -> None:
    place.configure(lambda study: study["ranks"].append(5))
    measured = [f"measure the adapters of {name}" for name in ("math", "news")]
    waiting = of_sweeps("joint-a2-selected", "joint-a3-selected")
    assert place.planned() == sorted([*measured, *of_sweeps("math", "news"), *waiting, *DRAWN])


def test_another_step_of_the_ladder_touches_no_expert(place: Place) -> None:
    place.configure(lambda study: study["ranks"].append(16))
    planned = place.planned()
    assert [job for job in planned if job.startswith(("acquire", "factorize", "write the suite"))] == []
    assert set(planned) == {
        "measure the adapters of math", "measure the adapters of news",
        *of_sweeps("math", "news", *JOINT), *DRAWN,
    }  # fmt: skip


def test_one_expert_from_elsewhere_leaves_the_others(place: Place) -> None:
    def change(study: dict[str, Any]) -> None:
        study["experts"]["math"] = {"source": "folder", "path": str(place.results / "experts" / "math")}

    place.configure(change)
    assert place.planned() == sorted(
        [
            "acquire math (folder)", "factorize math", "measure the adapters of math",
            *of_sweeps("math", *JOINT), *DRAWN,
        ]
    )  # fmt: skip


def test_a_checkpoint_of_ones_own_is_acquired_again_when_it_changes(place: Place) -> None:
    given = place.folder / "given"
    shutil.copytree(place.results / "experts" / "math", given)
    place.configure(lambda study: study["experts"].update(math={"source": "folder", "path": "given"}))
    acquired = "results/smoke/experts/math/source.json"
    before = json.loads((place.folder / acquired).read_text())["fingerprint"]
    place.snakemake(acquired)
    assert json.loads((place.folder / acquired).read_text())["fingerprint"] == before
    assert place.planned(acquired) == []
    weights = sorted(given.glob("*.safetensors"))[0]
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    assert place.planned(acquired) == ["acquire math (folder)"]


def test_a_third_expert_leaves_the_first_two(place: Place) -> None:
    place.configure(lambda study: study["experts"].update(code={"source": "pocket"}))
    planned = place.planned()
    assert "acquire code (pocket)" in planned
    assert not {"acquire public (pocket)", "acquire math (pocket)", "factorize math", "write the suite (pocket)"} & {
        *planned
    }
    assert not {*of_sweeps("public", "math", "news")} & {*planned}


def test_other_mixtures_of_the_same_names_are_composed_and_evaluated_again(place: Place) -> None:
    """The names say neither how many experts of a pair are active nor in which order a joint mixture has them."""
    place.configure(lambda study: study.update(pairs={"active": 1}))
    assert {*of_sweeps("math", "news")} <= {*place.planned()}


def test_another_order_of_experts_is_another_joint_mixture(place: Place) -> None:
    def swap(study: dict[str, Any]) -> None:
        experts = study["experts"]
        study["experts"] = {name: experts[name] for name in ("public", "news", "math")}

    place.configure(swap)
    planned = {*place.planned()}
    assert {*of_sweeps(*JOINT)} <= planned
    assert not {*of_sweeps("math", "news")} & planned


def test_an_edited_suite_of_ones_own_is_taken_again(place: Place) -> None:
    shutil.copytree(place.results / "suite", place.folder / "mine")
    place.configure(lambda study: study["suite"].update(source="folder", path="mine"))
    taken = "results/smoke/suite/source.json"
    place.snakemake(taken)
    assert place.planned(taken) == []
    data = sorted((place.folder / "mine").rglob("*.jsonl"))[0]
    data.write_text(data.read_text().replace("1", "2", 1))
    assert place.planned(taken) == ["write the suite (folder)"]


def test_how_often_training_is_saved_changes_nothing(place: Place) -> None:
    place.configure(lambda study: study["pocket"].update(checkpoint_every=7))
    assert place.planned() == []


def test_how_it_is_computed_changes_nothing(place: Place) -> None:
    place.configure(lambda study: study["evaluate"].update(batch_tokens=1000, device="auto"))
    assert place.planned() == []


@pytest.mark.parametrize(
    ("jobs", "parts"),
    [
        ("mixture", ["joint-a2-best", "joint-a2-energy"]),
        ("mixture-group", [f"joint-a2-{rule}.{group}" for rule in ("best", "energy") for group in GROUPS]),
        ({"hours": 1, "tokens_per_second": 50}, ["1-of-2", "2-of-2"]),
    ],
)
def test_a_sweep_in_parts_is_published_after_them(place: Place, jobs: Any, parts: list[str]) -> None:
    place.configure(lambda study: study["evaluate"].update(jobs=jobs))
    planned = place.planned("results/smoke/scores/joint-a2-selected")
    own = [f"evaluate {part} of sweep joint-a2-selected" for part in parts]
    about = [job for job in planned if job.startswith(("evaluate", "publish")) and "joint-a2-selected" in job]
    assert about == [*own, "publish sweep joint-a2-selected, evaluated in parts"]


def test_a_setting_of_the_evaluation_repeats_no_training(place: Place) -> None:
    place.configure(lambda study: study["evaluate"].update(limit=5))
    evaluated = [f"evaluate sweep {sweep}" for sweep in ("public", "math", "news", *JOINT)]
    chosen = [f"compose the recipes of sweep {sweep}" for sweep in JOINT if "selected" in sweep]
    assert place.planned() == sorted([*evaluated, *chosen, *DRAWN])


def test_a_setting_of_a_rule_repeats_its_choice(place: Place) -> None:
    place.configure(lambda study: study.update(analysis={"energy": 0.5}))
    planned = place.planned()
    assert [job for job in planned if job.startswith("compose")] == [
        f"compose the recipes of sweep {sweep}" for sweep in JOINT if "selected" in sweep
    ]
    assert not [job for job in planned if job.startswith(("acquire", "factorize"))]


def test_a_setting_of_the_analysis_only_analyzes(place: Place) -> None:
    place.configure(lambda study: study.update(analysis={"confidence": 0.9}))
    assert place.planned() == ["analyze", "draw the figures, write the report"]


@pytest.mark.parametrize(
    ("module", "expected"),
    [("analysis/regression.py", DRAWN), ("analysis/selections.py", DRAWN), ("mixtures.py", DRAWN),
     ("evaluation/engine.py", []), ("pocket/training.py", [])],
)  # fmt: skip
def test_an_edited_module_repeats_cheap_steps_only(place: Place, module: str, expected: list[str]) -> None:
    with (place.folder / "flexmore" / module).open("a") as file:
        file.write("# edited\n")
    assert place.planned() == expected


def test_a_revision_repeats_what_it_is_of(place: Place) -> None:
    path = place.folder / "flexmore" / "revisions.py"
    path.write_text(re.sub(r"ENGINE_REVISION = \d+", "ENGINE_REVISION = 99", path.read_text()))
    planned = place.planned()
    assert {f"evaluate sweep {sweep}" for sweep in ("public", "math", *JOINT)} <= {*planned}
    assert not [job for job in planned if job.startswith(("acquire", "factorize"))]


def test_touched_files_repeat_nothing_dear(place: Place) -> None:
    now = time.time() + 5
    touched = [
        *place.results.glob("experts/*/*"), *place.results.glob("factors/*/*"), *place.results.glob("mixtures/*"),
        *place.folder.glob("flexmore/analysis/*.py"), place.results / "suite" / "source.json",
        place.folder / "smoke.yaml",
    ]  # fmt: skip
    for path in touched:
        os.utime(path, (now, now))
    assert place.planned() == []


def test_a_dry_run_writes_nothing(place: Place) -> None:
    """Jobs of a run that is going on read the resolved configuration."""
    before = place.times("**/*")
    place.configure(lambda study: study["ranks"].append(5))
    assert place.planned() != []
    assert place.times("**/*") == before
