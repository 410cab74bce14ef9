"""What is left out of an unfinished study's tables: what lacks most, and never because of what it scored."""

import json
from pathlib import Path

import pandas as pd
import pytest
from made_tables import Made, make

from flexmore.analysis.tables.collecting import collect, collect_available
from flexmore.analysis.tables.partial import complete_part
from flexmore.errors import FlexmoreError

MIXTURES, TASKS = ["public", "m1", "m2", "n1"], ["a", "b", "c", "d"]


def there(lacking: dict[str, str]) -> pd.DataFrame:
    """The scores of all mixtures on all tasks but the lacking ones: a mixture with its tasks."""
    rows = [(mixture, task) for mixture in MIXTURES for task in TASKS if task not in lacking.get(mixture, "")]
    return pd.DataFrame(rows, columns=["mixture", "task"])


def left(lacking: dict[str, str]) -> tuple[set[str], set[str], list[list[object]]]:
    """Mixtures and tasks that are kept, and the table of those that are not."""
    kept, left_out = complete_part(there(lacking), MIXTURES, TASKS, "public")
    assert len(kept) == kept["mixture"].nunique() * kept["task"].nunique()
    return set(kept["mixture"]), set(kept["task"]), left_out.to_numpy().tolist()


def test_nothing_is_left_out_of_a_whole_study() -> None:
    assert left({}) == (set(MIXTURES), set(TASKS), [])


def test_a_mixture_that_lacks_most_goes_and_a_task_that_most_lack_too() -> None:
    assert left({"m2": "abc"}) == ({"public", "m1", "n1"}, set("abcd"), [["mixture", "m2", 3, 4]])
    assert left({"m1": "b", "m2": "b", "n1": "b"}) == (set(MIXTURES), set("acd"), [["task", "b", 3, 4]])
    mixtures, tasks, gone = left({"m1": "abcd", "m2": "a", "n1": "a"})
    assert (mixtures, tasks) == ({"public", "m2", "n1"}, set("bcd"))
    assert gone == [["mixture", "m1", 4, 4], ["task", "a", 3, 4]]


def test_the_public_model_never_goes() -> None:
    mixtures, tasks, gone = left({"public": "abc"})
    assert (mixtures, tasks) == (set(MIXTURES), {"d"})
    assert {name for _, name, *_ in gone} == set("abc")
    with pytest.raises(FlexmoreError, match=r"no tables can be made of this study yet: .* there are 12 scores"):
        left({"public": "abcd"})
    with pytest.raises(FlexmoreError, match="no tables can be made"):
        left(dict.fromkeys(("m1", "m2", "n1"), "abcd"))


def test_scores_decide_nothing(tmp_path: Path) -> None:
    """A mixture that scores nothing stays; one that lacks a task goes, with the clusters of what is left."""
    made = Made(midpoints={"math": 4.0, "news": 8.0}, ladder=(1, 8, 64), extras=(), active=(2,), items=20)
    files, recipes = make(made, tmp_path)
    for name, path in files.items():
        content = json.loads(path.read_text())
        for task, record in content["tasks"].items():
            record["clusters"] = [task] * 20
            if name == "math-r1":
                record |= {
                    "score": 0.0,
                    "stderr": 0.0,
                    "items": [0.0] * 20,
                    "unread": 20 * (record["answer"] == "written"),
                }
        if name == "news-r8":
            for task in ("bbh_math", "bbh_public"):
                del content["tasks"][task]
        path.write_text(json.dumps(content))
    mixtures, tasks = [m.name for m in made.mixtures()], [task for _, task, _ in made.tasks()]
    with pytest.raises(FlexmoreError, match="mixture news-r8 lacks 2 of"):
        collect(files, recipes)
    there = [recipe for recipe in recipes if recipe.mixture.name != "news-full"]
    found, left_out = collect_available(files, there, mixtures, tasks, ("math", "news"))
    assert left_out[["what", "name"]].to_numpy().tolist() == [["mixture", "news-full"], ["mixture", "news-r8"]]
    assert (found.scores.loc[found.scores["mixture"] == "math-r1", "score"] == 0).all()
    assert set(found.scores["mixture"]) == {*mixtures} - {"news-full", "news-r8"}
    assert set(found.clusters["task"]) == set(tasks)
    assert len(found.items) == len(found.scores)
