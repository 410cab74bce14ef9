"""What a finished study becomes: a report to commit, more seeds beside it, answers to questions."""

import json
import re
import shutil

import pytest
import yaml
from clones import Clone

from flexmore.analysis.tables.catalogue import COLLECTED, TABLES
from flexmore.report.figures.catalogue import FIGURES

CONFIG = ("--config", "smoke.yaml")


def test_a_finished_study_is_published_and_a_further_seed_beside_it(copy: Clone) -> None:
    refused = copy.run("flexmore", "publish", *CONFIG, "--as-seed", check=False)
    assert "publish the main run first" in refused.stdout
    copy.run("flexmore", "publish", *CONFIG)
    report = copy.folder / "reports" / "smoke"
    for name in COLLECTED:
        assert (report / "tables" / name).exists() == (name != "scores.csv")
    for name in TABLES:
        assert (report / "tables" / f"{name}.csv").read_bytes() == (
            copy.results / "tables" / f"{name}.csv"
        ).read_bytes()
    page = (report / "README.md").read_text()
    assert "There is one training seed." in page
    for target in re.findall(r"\]\(([^)]+)\)", page):
        assert (report / target).exists(), target
    shown = re.findall(r"\(figures/(\w+)\.png\)", page)
    undrawn = re.findall(r"^Not drawn: (.*)\.$", page, flags=re.MULTILINE)
    assert set(shown) <= set(FIGURES)
    assert {"heatmap", "score_by_rank", "spectra"} <= set(shown)
    assert len(shown) + sum(len(line.split("; ")) for line in undrawn) == len(FIGURES)
    # as if the main run had been of another seed
    main = yaml.safe_load((report / "config.yaml").read_text())
    (report / "config.yaml").write_text(yaml.safe_dump(main | {"seed": 5}, sort_keys=False))
    copy.run("flexmore", "publish", *CONFIG, "--as-seed")
    assert {path.name for path in (report / "seeds" / "0" / "tables").iterdir()} == set(COLLECTED) - {"scores.csv"}
    assert "There are 2 training seeds (5 and 0)" in (report / "README.md").read_text()


def test_a_study_that_is_not_finished_is_not_published(clone: Clone) -> None:
    done = clone.run("flexmore", "publish", *CONFIG, check=False)
    assert done.returncode == 1
    assert "only a complete study is published" in done.stdout


def test_any_folder_of_tables_is_reported_on(copy: Clone) -> None:
    """Without a configuration, from a CSV: as somebody else's results would come."""
    folder = copy.folder / "elsewhere" / "tables"
    folder.mkdir(parents=True)
    shutil.copy(copy.results / "tables" / "scores.csv", folder)
    said = copy.run("flexmore", "report", "elsewhere").stdout
    assert "elsewhere/README.md" in said
    page = (folder.parent / "README.md").read_text()
    assert page.startswith("# elsewhere: what rank costs")
    assert "**No per-item results were given**" in page
    assert "positive control" not in page


def test_questions_are_answered_from_what_was_measured(copy: Clone) -> None:
    sizes = [json.loads(path.read_text())["parameters"]["total"] for path in (copy.results / "mixtures").glob("joint*")]
    before = {path: path.stat().st_mtime_ns for path in (copy.results, *copy.results.rglob("*"))}
    answer = copy.run("flexmore", "recommend", "--budget", str(max(sizes)), *CONFIG, "--json").stdout
    found = json.loads(answer[answer.index("{") :])
    assert set(found["ranks"]) == {"math", "news"}
    assert found["parameters"] <= max(sizes)
    small = copy.run("flexmore", "recommend", "--budget", "10", *CONFIG, check=False)
    assert small.returncode == 1
    assert "the smallest mixture of these experts has" in small.stdout
    text = copy.run("flexmore", "compare", "joint-a2-r1", "joint-a2-full", *CONFIG).stdout
    assert "joint-a2-r1 less joint-a2-full" in text
    assert "verdict:" in text
    assert {path: path.stat().st_mtime_ns for path in (copy.results, *copy.results.rglob("*"))} == before
    (copy.results / "scores" / "math" / "math-r8.json").unlink()  # of what is left a folder of tables answers
    text = copy.run("flexmore", "compare", "joint-a2-r1", "joint-a2-full", "results/smoke").stdout
    assert "joint-a2-r1 less joint-a2-full" in text


@pytest.mark.parametrize(
    ("commit", "said"),
    [("unknown", "code of no known commit"), ("0123456789ab+", "code of commit 0123456789ab with changes")],
)
def test_scores_of_code_that_nobody_can_find_are_not_published(copy: Clone, commit: str, said: str) -> None:
    path = copy.results / "scores" / "math" / "math-r8.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"versions": content["versions"] | {"commit": commit}}))
    done = copy.run("flexmore", "publish", *CONFIG, check=False)
    assert done.returncode == 1
    assert f"the scores of 1 mixtures were computed by {said}" in done.stdout
    assert "commit all changes of a git checkout" in done.stdout
    assert not (copy.folder / "reports").exists()
