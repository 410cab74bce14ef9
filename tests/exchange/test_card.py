"""The card of what is materialized."""

from pathlib import Path
from typing import Any

import yaml

from flexmore.exchange.materialize import materialize
from flexmore.factors.measure import write_measurements
from flexmore.files import read_json, write_json
from flexmore.mixtures.recipe import Recipe


def recipe_of(study: Any, name: str) -> Recipe:
    return Recipe.read(study.paths.recipe(name))


def metadata_of(folder: Path) -> dict[str, Any]:
    head: dict[str, Any] = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
    return head


def test_the_card_says_rank_error_scores_and_licence(composed: Any, tmp_path: Path) -> None:
    paths, recipe = composed.paths, recipe_of(composed, "math-r4")
    write_measurements(composed, "math")
    error = read_json(paths.adapters("math") / "r4.json")["error"]
    tasks = {"one": ("MMLU", 0.25), "two": ("MMLU", 0.75), "three": ("BBH", 1.0)}
    entries = {task: {"group": group, "score": score} for task, (group, score) in tasks.items()}
    scores = {"mixture": "math-r4", "fingerprint": recipe.fingerprint, "tasks": entries}
    write_json(paths.scores("math") / "math-r4.json", scores)
    card = paths.expert("public") / "README.md"
    card.write_text("---\nlicense: apache-2.0\n---\n# Public\n")
    materialize(recipe, paths, tmp_path / "known")
    text = (tmp_path / "known" / "README.md").read_text()
    assert f"| math | 4 | 4 | {error:.3g} |" in text
    assert "| MMLU | 2 | 50.0 |" in text
    assert "| average | 3 | 75.0 |" in text, "the mean over groups, not over tasks"
    assert f"{recipe.parameters['total']:,} parameters" in text
    assert metadata_of(tmp_path / "known")["license"] == "apache-2.0"
    card.unlink()
    write_json(paths.scores("math") / "math-r4.json", scores | {"fingerprint": "other"})
    materialize(recipe, paths, tmp_path / "unknown", format="peft")
    text = (tmp_path / "unknown" / "README.md").read_text()
    assert "has not been evaluated" in text
    assert "expert without routing" in text
    assert metadata_of(tmp_path / "unknown")["license"] == "other"
