"""What counts of a task's code: an edit of what it does, in its own module or in one that it calls; not its wording."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_suite import load_tasks, write_suite

from flexmore.evaluation.olmes import answers, bbh, items
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks import settings_text
from flexmore.evaluation.tasks.prepared import PreparedTask
from flexmore.evaluation.tasks.settings_text import code, plain

SOURCE = '''"""Score answers."""

import re
from math import floor
from typing import TYPE_CHECKING

from flexmore.evaluation.olmes.items import Item

if TYPE_CHECKING:
    from datasets import Dataset

LIMIT: int = 3
"""How many."""


class Answer:
    """Hold one."""

    text: str
    right: bool = False


def score(text: str, rows: "Dataset") -> float:  # of one answer
    """Tell."""
    found: list[str] = re.findall("a", text)
    return floor(len(found) / LIMIT)
'''

WORDING = [
    ('"""Score answers."""', '"""Score the answers, each on its own."""'),
    ('"""Score answers."""\n', ""),
    ('"""How many."""', '"""How many of them count."""'),
    ('"""Tell."""', '"""Tell how good it is."""'),
    ("  # of one answer", ""),
    ("import re\n", "import re  # patterns\nfrom collections.abc import Sequence\n"),
    ("import re\nfrom math import floor\n", "from math import floor\nimport re\n"),
    ("flexmore.evaluation.olmes.items", "flexmore.tasks.items"),
    ("-> float", "-> int"),
    ("text: str, rows", "text: Any, rows"),
    ("found: list[str]", "found: list[Any]"),
    ('re.findall("a", text)', "re.findall('a',  text)"),
]
EDITS = [
    ('findall("a", text)', 'findall("b", text)'),
    ("LIMIT: int = 3", "LIMIT: int = 4"),
    ("right: bool = False", "right: bool = True"),
    ("    text: str\n", ""),
    ("from math import floor", "from math import ceil as floor"),
    ("import re\n", "import regex as re\n"),
    (', rows: "Dataset")', ", rows=None)"),
]


@pytest.mark.parametrize(("before", "after"), WORDING)
def test_wording_changes_nothing(before: str, after: str) -> None:
    assert SOURCE.count(before) == 1
    assert code(SOURCE.replace(before, after)) == code(SOURCE)


@pytest.mark.parametrize(("before", "after"), EDITS)
def test_an_edit_of_the_code_shows(before: str, after: str) -> None:
    assert SOURCE.count(before) == 1
    assert code(SOURCE.replace(before, after)) != code(SOURCE)


def test_the_code_is_the_same_text_in_every_version_of_python() -> None:
    name = '{"Name":{"id":"\'x\'","ctx":{"Load":{}}}}'
    arguments = '{"arguments":{"args":[{"arg":{"arg":"\'x\'"}}]}}'
    function = f'{{"FunctionDef":{{"name":"\'f\'","args":{arguments},"body":[{{"Return":{{"value":{name}}}}}]}}}}'
    assert code("import re\ndef f(x: re.Match): return x") == f'[{{"Module":{{"body":[{function}]}}}},[]]'


def test_a_partial_function_counts_with_its_arguments() -> None:
    known = plain(partial(answers.squad, results=["a"]))
    assert known == plain(partial(answers.squad, results=["a"]))
    assert known != plain(partial(answers.squad, results=["b"]))
    assert known != plain(partial(answers.drop, results=["a"]))


@pytest.fixture
def edit(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace text in the source of one of the modules in the package of the paper's tasks."""

    def edit(module: Any, before: str, after: str) -> None:
        source = settings_text.source_of

        def edited(name: str) -> str:
            if name != module.__name__:
                return source(name)
            assert before in source(name)
            return source(name).replace(before, after)

        monkeypatch.setattr(settings_text, "source_of", edited)

    return edit


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        (bbh, "text.lower()", "text"),
        (bbh, 'LETTER = r"', 'LETTER = r"^'),
        (items, "rows.split ==", "rows.split !="),  # `bbh` imports it
    ],
)
def test_an_edit_of_what_a_scoring_function_may_call_shows(edit: Any, module: Any, before: str, after: str) -> None:
    known = plain(bbh.exact_match)
    edit(module, before, after)
    assert plain(bbh.exact_match) != known


@pytest.mark.parametrize("module", [bbh, items])
def test_rewording_what_a_scoring_function_may_call_does_not_show(edit: Any, module: Any) -> None:
    known = plain(bbh.exact_match)
    edit(module, '."""', '. Reworded."""')
    assert plain(bbh.exact_match) == known


def test_an_edit_of_what_it_cannot_call_does_not_show(edit: Any) -> None:
    known = plain(bbh.exact_match)
    edit(answers, "text.lower()", "text")
    assert plain(bbh.exact_match) == known


def test_functions_of_one_module_are_not_the_same() -> None:
    assert plain(answers.squad) != plain(answers.drop)


def test_a_suites_own_function_counts_with_its_module(tmp_path: Path) -> None:
    def content(folder: Path, source: str) -> str:
        config = {"output_type": "generate_until", "doc_to_text": "{{q}}", "doc_to_target": "{{gold}}"}
        metrics = [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}]
        documents = [{"q": "the cat", "gold": "sat"}]
        write_suite(folder, {"task": (config | {"metric_list": metrics}, "exact_match", documents)})
        (folder / "own.py").write_text(source)
        path = folder / "task.yaml"
        assert yaml.safe_load(path.read_text().replace("!function", ""))["task"] == "task"
        path.write_text(path.read_text() + "process_results: !function own.exact\n")
        return PreparedTask(Suite.read(folder).index[0], load_tasks(folder, ["task"])["task"], None).content

    source = "def exact(doc, results):\n    return {'exact_match': same(doc, results)}\n\ndef same(doc, results):\n"
    known = content(tmp_path / "a", source + "    return float(results[0] == doc['gold'])\n")
    assert content(tmp_path / "b", source + "    # compared\n    return float(results[0] == doc['gold'])\n") == known
    assert content(tmp_path / "c", source + "    return float(results[0] != doc['gold'])\n") != known
