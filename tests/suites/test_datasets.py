"""Data sets acquired once: leave to read them is asked for first, what came is recorded, later runs are offline."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import DatasetBuilder, load_dataset
from local_hub import REVISION, Hub
from paper_rows import INDEX

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.olmes.shots import read_curated
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask
from flexmore.hub.datasets import DatasetHub
from flexmore.suites.datasets import acquire_datasets, content_of, needed_configs, read_sources
from flexmore.suites.study_suite import open_suite, write_suite

NAMES = ["csqa", "mmlu_anatomy", "mmlu_pro_law", "bbh_snarks", "agieval_sat_math", "coqa"]
CONFIG: dict[str, Any] = {
    "experts": {name: {"source": "pocket"} for name in ("public", "math")},
    "ranks": [1],
    "joint": {"active": [2], "selections": []},
}


def client(server: Hub, hub: Path, **shots: Any) -> DatasetHub:
    """The hub at the server; what is not on it, and the rows, from the made-up folder."""
    exams = {"url": f"file://{hub}/ruixiangcui/AGIEval/{{config}}.jsonl", "revision": "1234"}
    sources = {"datasets": {"ruixiangcui/AGIEval": exams}, "shots": shots}
    return DatasetHub(sources, server.url)


@pytest.fixture
def study(tmp_path: Path) -> Any:
    def make(**suite: Any) -> Study:
        settings = {"source": "paper", "lock": str(tmp_path / "lock.json"), **suite}
        return load_study({**CONFIG, "family": "made_up", "results": str(tmp_path / "results"), "suite": settings})

    return make


def test_configs_are_listed_once_with_all_splits_that_tasks_take() -> None:
    configs = needed_configs(info.task for info in INDEX)
    assert len(configs) == len({(config.path, config.config) for config in configs})
    found = {config.path: config.splits for config in configs}
    assert found["cais/mmlu"] == ("test", "dev")
    assert found["TIGER-Lab/MMLU-Pro"] == ("test", "validation")
    assert found["EleutherAI/coqa"] == ("validation",)
    assert found["allenai/ai2_arc"] == ("test", "train")
    assert found["ruixiangcui/AGIEval"] == found["SaylorTwift/bbh"] == ("test",)
    assert sum(config.path == "cais/mmlu" for config in configs) == 57
    assert sum(config.path == "TIGER-Lab/MMLU-Pro" for config in configs) == 1


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("gated", "licence has to be accepted: open https://huggingface.co/datasets/tau/commonsense_qa, accept it"),
        ("hidden", "not there, or not readable with this token"),
    ],
)
def test_what_may_not_be_read_is_found_before_anything_is_fetched(
    hub: Path, server: Hub, study: Any, state: str, said: str
) -> None:
    server.states["tau/commonsense_qa"] = state
    with pytest.raises(FlexmoreError, match="nothing was downloaded") as caught:
        acquire_datasets(study(), ["mmlu_anatomy", "csqa"], client(server, hub))
    assert said in str(caught.value)
    assert "hf auth login" in str(caught.value)
    assert "cais/mmlu:" not in str(caught.value)
    assert not study().paths.root.exists()


def test_no_network_is_said(hub: Path, server: Hub, study: Any) -> None:
    there = client(server, hub)
    server.shutdown()
    server.server_close()
    with pytest.raises(FlexmoreError, match="run this where there is a network"):
        acquire_datasets(study(), ["csqa"], there)


def test_acquired_once_recorded_and_then_offline(hub: Path, server: Hub, study: Any, tmp_path: Path) -> None:
    made = study()
    said = acquire_datasets(made, NAMES, client(server, hub))
    assert "6 configs of data sets" in said
    lock = json.loads((tmp_path / "lock.json").read_text())
    assert json.loads((made.paths.datasets / "source.json").read_text()) == lock
    entry = lock["datasets"]["cais/mmlu"]
    assert {key: entry[key] for key in ("revision", "licence", "gated")} == {
        "revision": REVISION,
        "licence": "mit",
        "gated": False,
    }
    rows = load_dataset("cais/mmlu", "anatomy", split="test")
    assert entry["configs"]["anatomy"]["test"] == content_of(rows)
    assert (
        lock["datasets"]["tau/commonsense_qa"]["configs"]["default"]["train"]["rows"] == 6
    )  # what is shown, and a spare one
    server.asked.clear()
    assert "0 fetched now" in acquire_datasets(made, NAMES, client(server, hub))
    assert server.asked == []


def test_data_that_moved_are_refused(hub: Path, server: Hub, study: Any, tmp_path: Path) -> None:
    acquire_datasets(study(), ["csqa"], client(server, hub))
    path = tmp_path / "lock.json"
    lock = json.loads(path.read_text())
    recorded = lock["datasets"]["tau/commonsense_qa"]["configs"]["default"]["validation"]
    recorded["sha256"] = "0" * 64
    path.write_text(json.dumps(lock))
    with pytest.raises(
        FlexmoreError, match=r"commonsense_qa \(default\) at c0ffee.*split validation: found .*changed under"
    ):
        acquire_datasets(study(), ["csqa"], client(server, hub))


def test_a_revision_that_is_gone_is_refused(hub: Path, server: Hub, study: Any, tmp_path: Path) -> None:
    (tmp_path / "lock.json").write_text(
        json.dumps({"datasets": {"tau/commonsense_qa": {"revision": "dead", "configs": {}}}})
    )
    server.states["tau/commonsense_qa"] = "gone"
    with pytest.raises(FlexmoreError, match="revision dead is not there any more"):
        acquire_datasets(study(), ["csqa"], client(server, hub))


def test_all_120_are_the_same_from_what_was_acquired_and_prepared_once(
    hub: Path, server: Hub, study: Any, prepared: dict[str, PreparedTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = study(words_metric="f1")
    acquire_datasets(made, [info.task for info in INDEX], client(server, hub))
    write_suite(made)
    suite = open_suite(made)
    assert [info.metric for info in suite.index if info.group == "Gen5"] == ["f1"] * 5
    manager = open_tasks(suite.folder)
    for info in suite.index:  # the first time `datasets` prepares each config
        load_task(manager, info, 1234, suite.datasets)
    monkeypatch.setattr(DatasetBuilder, "_download_and_prepare", lambda *_, **__: pytest.fail("prepared again"))
    manager = open_tasks(suite.folder)
    tasks = {info.task: load_task(manager, info, 1234, suite.datasets) for info in suite.index}
    for info in suite.index:
        asked = PreparedTask(info, tasks[info.task], None).requests
        assert [r.args for r in asked] == [r.args for r in prepared[info.task].requests]


def test_a_data_set_that_was_not_acquired_is_named(hub: Path, study: Any) -> None:
    write_suite(study())
    suite = open_suite(study())
    with pytest.raises(FlexmoreError, match=r"cais/mmlu \(anatomy\) has not been acquired; run `flexmore datasets`"):
        load_task(open_tasks(suite.folder), suite.select(["mmlu_anatomy"]).index[0], 1234, suite.datasets)


EXAM = [
    {
        "passage": f"Five sang in line {i}.",
        "question": "Who sang?",
        "options": [f"({letter})singer {letter}" for letter in "ABCDE"],
        "label": "E",
        "answer": None,
        "other": None,
        "explanation": "She did.",
    }
    for i in range(3)
]
"""Examples of AGIEval's own, in the columns of OLMES' file."""


def curated(hub: Path) -> str:
    """A file of OLMES' form: literals, and what must not be run."""
    rows = load_dataset("tau/commonsense_qa", split="train").to_list()[::-1]
    return f"""import os
FEWSHOT_SOURCES: dict = {{}}
FEWSHOT_SOURCES["OLMES:commonsense_qa"] = {rows!r}
FEWSHOT_SOURCES["computed"] = [os.remove({str(hub)!r})]
FEWSHOT_SOURCES["other columns"] = {[{"q": 1}] * 5!r}
FEWSHOT_SOURCES["few"] = {rows[:3]!r}
FEWSHOT_SOURCES.update({{"agi_eval:lsat-ar": {EXAM!r}, "computed too": [os.remove({str(hub)!r})], **FEWSHOT_SOURCES}})
"""


def test_curated_shots_are_read_and_shown(hub: Path, server: Hub, study: Any, tmp_path: Path) -> None:
    (tmp_path / "shots.py").write_text(curated(hub))
    about = {"url": f"file://{tmp_path}/shots.py", "revision": "abcd", "keys": {"csqa": "OLMES:commonsense_qa"}}
    made = study(shots="olmes", tasks=["csqa", "mmlu_anatomy"])
    acquire_datasets(made, ["csqa", "mmlu_anatomy"], client(server, hub, **about))
    write_suite(made)
    suite = open_suite(made)
    task = load_task(open_tasks(suite.folder), suite.index[0], 1234, suite.datasets)
    prompt = PreparedTask(suite.index[0], task, None).requests[0].args[0]
    assert [line for line in prompt.splitlines() if line.startswith("Question")] == [
        *(f"Question: What was shown {i}?" for i in (6, 5, 4, 3, 2)),
        "Question: What was asked 0?",
    ]
    (tmp_path / "shots.py").write_text(curated(hub) + "\n")
    with pytest.raises(FlexmoreError, match="the file changed"):
        acquire_datasets(made, ["csqa"], client(server, hub, **about))


def test_a_curated_shot_that_is_asked_is_not_shown_to_itself(
    hub: Path, server: Hub, study: Any, tmp_path: Path
) -> None:
    rows = load_dataset("tau/commonsense_qa", split="validation").to_list()[:1]
    rows += load_dataset("tau/commonsense_qa", split="train").to_list()
    (tmp_path / "shots.py").write_text(f'FEWSHOT_SOURCES["some"] = {rows!r}\n')
    about = {"url": f"file://{tmp_path}/shots.py", "revision": "abcd", "keys": {"csqa": "some"}}
    made = study(shots="olmes", tasks=["csqa"])
    acquire_datasets(made, ["csqa"], client(server, hub, **about))
    write_suite(made)
    suite = open_suite(made)
    task = load_task(open_tasks(suite.folder), suite.index[0], 1234, suite.datasets)
    prompts = {request.doc_id: request.args[0] for request in PreparedTask(suite.index[0], task, None).requests}
    asked = [[line for line in prompt.splitlines() if line.startswith("Question")] for prompt in prompts.values()]
    shown = [f"Question: What was shown {i}?" for i in range(5)]
    first = "Question: What was asked 0?"
    assert asked[0] == [*shown, first]
    assert asked[1] == [first, *shown[:4], "Question: What was asked 1?"]


def test_agievals_own_shots_are_shown_and_all_of_its_rows_asked(
    hub: Path, server: Hub, study: Any, tmp_path: Path
) -> None:
    (tmp_path / "shots.py").write_text(curated(hub))
    keys = {name: key for name, key in read_sources()["shots"]["keys"].items() if name == "agieval_lsat_ar"}
    made = study(shots="olmes", tasks=["agieval_lsat_ar"])
    about = {"url": f"file://{tmp_path}/shots.py", "revision": "abcd", "keys": keys}
    acquire_datasets(made, ["agieval_lsat_ar"], client(server, hub, **about))
    write_suite(made)
    suite = open_suite(made)
    task = load_task(open_tasks(suite.folder), suite.index[0], 1234, suite.datasets)
    prompts = {str(request.args[0]) for request in PreparedTask(suite.index[0], task, None).requests}
    rows = load_dataset("ruixiangcui/AGIEval", "lsat-ar", split="test")
    assert {prompt.rpartition("Question: ")[2].splitlines()[0] for prompt in prompts} == set(rows["question"])
    options = "".join(f" {letter}. singer {letter}\n" for letter in "ABCDE")
    shot = f"Passage: Five sang in line 0.\nQuestion: Who sang?\n{options}Answer: E\n\n"
    assert all(prompt.startswith(f"{shot}Passage: Four stood") for prompt in prompts)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("computed", "found 0, expected 5"),
        ("few", "found 3, expected 5"),
        ("other columns", "not rows of its data set"),
    ],
)
def test_curated_shots_that_do_not_fit_are_refused(
    hub: Path, server: Hub, study: Any, tmp_path: Path, key: str, said: str
) -> None:
    assert {"computed", "computed too"}.isdisjoint(read_curated(curated(hub)))
    (tmp_path / "shots.py").write_text(curated(hub))
    about = {"url": f"file://{tmp_path}/shots.py", "revision": "abcd", "keys": {"csqa": key}}
    with pytest.raises(FlexmoreError, match=said) as caught:
        acquire_datasets(study(shots="olmes"), ["csqa"], client(server, hub, **about))
    assert "shots: own" in str(caught.value)


def test_the_sources_file_pins_whole_commits() -> None:
    sources = read_sources()
    revisions = [about["revision"] for about in [*sources["datasets"].values(), sources["shots"]]]
    assert all(len(revision) == 40 and int(revision, 16) for revision in revisions)
    assert set(sources["shots"]["keys"]) == {
        i.task for i in INDEX if i.group in ("MC9", "Gen5", "AGIEval") and i.num_fewshot
    }
    assert yaml.safe_load(yaml.safe_dump(dict(sources))) == sources
