"""A sweep: what is written, what is computed again, what an interruption or a broken task leaves."""

import errno
import json
import os
import signal
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_suite import CHOICE, GENERATION, Loaded, recipe, write_suite, write_task

from flexmore.config.evaluation import EvaluateSettings
from flexmore.errors import FlexmoreError, Interrupted
from flexmore.evaluation import runner
from flexmore.evaluation.outcome import SweepOutcome
from flexmore.evaluation.parts import SweepPart
from flexmore.evaluation.results.answers import read_answers
from flexmore.evaluation.results.cache import ScoreCache
from flexmore.evaluation.runner import EvaluationFailed, SweepRun, evaluate_sweep
from flexmore.evaluation.suite import Suite
from flexmore.files import read_json

QUESTIONS = [f"question the {a} {b}" for a in ("cat", "dog", "mat") for b in ("sat", "red", "blue", "no")]
CHOOSE = [{"q": q, "choices": ["yes", "no", "the cat"], "gold": i % 3} for i, q in enumerate(QUESTIONS)]
ANSWER = [{"q": q, "gold": "the cat"} for q in QUESTIONS]
GENERATE = GENERATION | {"generation_kwargs": {"until": ["."], "max_gen_toks": 4}}
TASKS = ("choose", "shots", "answer")


class Place:
    """A suite, a model and folders, to run sweeps in."""

    def __init__(self, folder: Path, checkpoint: Path) -> None:
        self.suite = write_suite(
            folder / "suite",
            {
                "choose": (CHOICE, "acc", CHOOSE),
                "shots": (CHOICE | {"num_fewshot": 1, "fewshot_split": "examples"}, "acc", CHOOSE),
                "answer": (GENERATE, "exact_match", ANSWER),
            },
        )
        self.cache, self.out = folder / "cache", folder / "scores" / "math"
        self._checkpoint = checkpoint
        self.model = Loaded(checkpoint)

    def run(self, *ranks: int, **given: Any) -> SweepOutcome:
        self.model = Loaded(self._checkpoint)
        return self.again(*ranks, **given)

    def again(
        self,
        *ranks: int,
        out: Path | None = None,
        cache: Path | None = None,
        part: SweepPart | None = None,
        **settings: Any,
    ) -> SweepOutcome:
        recipes = [recipe(rank) for rank in ranks]
        chosen = EvaluateSettings(**({"batch_tokens": 200} | settings))
        suite = Suite.read(self.suite)
        return evaluate_sweep(SweepRun(recipes, self.model, suite, cache or self.cache, out or self.out, chosen), part)

    def written(self, out: Path | None = None) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (out or self.out).glob("*")}

    def cached(self) -> set[str]:
        """Weights and task of each record; a file's name holds its key too."""
        return {f"{path.parent.name}/{path.name.split('.')[0]}.json" for path in self.cache.rglob("*.json")}

    def records(self) -> dict[Path, int]:
        """The record files, and what tells one that was written again."""
        return {path: path.stat().st_ino for path in self.cache.rglob("*.json")}


@pytest.fixture
def place(tmp_path: Path, words: Path) -> Place:
    return Place(tmp_path, words)


def test_what_is_written(place: Place) -> None:
    outcome = place.run(1, 2)
    assert (outcome.computed, outcome.cached, outcome.failures) == (6, 0, [])
    assert place.model.switched == ["math-r1", "math-r2"]
    found = read_json(place.out / "math-r2.json")
    assert (found["mixture"], found["fingerprint"]) == ("math-r2", "weights2")
    assert list(found["tasks"]) == list(TASKS)
    for info in Suite.read(place.suite).index:
        entry = found["tasks"][info.task]
        chosen = {"chance"} if info.output_type == "multiple_choice" else set()
        always_there = "group domain metric answer score stderr n unread cut items".split()
        assert set(entry) == {*always_there, *chosen}
        assert entry["answer"] == ("chosen" if chosen else "written")
        assert entry.get("chance") == (pytest.approx(1 / 3) if chosen else None)
        assert (entry["group"], entry["metric"], entry["n"]) == (info.group, info.metric, len(QUESTIONS))
        assert entry["score"] == pytest.approx(sum(entry["items"]) / entry["n"])
    assert {"torch", "lm_eval", "transformers", "device"} <= set(found["versions"])
    assert place.written()["math-r1.json"] != place.written()["math-r2.json"]


def test_a_second_run_computes_nothing(place: Place) -> None:
    place.run(1, 2)
    before = place.written()
    outcome = place.run(1, 2)
    assert (outcome.computed, outcome.cached) == (0, 6)
    assert place.model.switched == []
    assert place.model.forwards == 0
    assert place.written() == before


def test_a_sweep_with_one_more_mixture_computes_that(place: Place) -> None:
    place.run(1)
    assert place.run(1, 2).computed == 3
    assert place.model.switched == ["math-r2"]


def test_saturated_ranks_are_evaluated_once(place: Place) -> None:
    recipes = [recipe(64, "saturated"), recipe(128, "saturated")]
    settings = EvaluateSettings(batch_tokens=200)
    run = SweepRun(recipes, place.model, Suite.read(place.suite), place.cache, place.out, settings)
    outcome = evaluate_sweep(run)
    assert (outcome.computed, outcome.cached) == (3, 3)
    assert place.model.switched == ["math-r64"]
    first, second = (read_json(place.out / f"math-r{rank}.json") for rank in (64, 128))
    assert first["tasks"] == second["tasks"]
    assert (first["mixture"], second["mixture"]) == ("math-r64", "math-r128")


@pytest.mark.parametrize("calls", [0, 1, 2, 3, 5, 8, 11])
def test_killed_anywhere_it_continues_to_the_same_bytes(place: Place, calls: int, tmp_path: Path) -> None:
    place.run(1, 2, out=tmp_path / "whole", cache=tmp_path / "other")

    def fail(*_: Any) -> None:
        if place.model.forwards > calls:
            raise KeyboardInterrupt

    place.model = Loaded(place._checkpoint)
    place.model.model.model.embed_tokens.register_forward_pre_hook(fail)
    with pytest.raises(KeyboardInterrupt):
        place.again(1, 2)
    assert not place.out.exists()
    done = len(place.cached())
    outcome = place.run(1, 2)
    assert (outcome.computed, outcome.cached) == (6 - done, done)
    assert place.written() == place.written(tmp_path / "whole")


def _edit_data(place: Place) -> None:
    write_task(place.suite, "answer", GENERATE, [*ANSWER[:-1], ANSWER[-1] | {"gold": "no"}])


def _edit_prompt(place: Place) -> None:
    write_task(place.suite, "choose", CHOICE | {"doc_to_text": "{{q}} ?"}, CHOOSE)


def _edit_shots(place: Place) -> None:
    write_task(place.suite, "shots", CHOICE | {"num_fewshot": 2, "fewshot_split": "examples"}, CHOOSE)
    index = read_json(place.suite / "index.json")
    entries = [entry | {"num_fewshot": 2} if entry["task"] == "shots" else entry for entry in index]
    (place.suite / "index.json").write_text(json.dumps(entries))


def _edit_generation(place: Place) -> None:
    longer = GENERATION | {"generation_kwargs": {"until": ["."], "max_gen_toks": 5}}
    write_task(place.suite, "answer", longer, ANSWER)


def _edit_metric(place: Place) -> None:
    ignoring = {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True, "ignore_case": True}
    write_task(place.suite, "answer", GENERATE | {"metric_list": [ignoring]}, ANSWER)


@pytest.mark.parametrize(
    ("edit", "settings", "computed"),
    [
        (_edit_generation, {}, {"answer"}),
        (_edit_metric, {}, {"answer"}),
        (_edit_data, {}, {"answer"}),
        (_edit_prompt, {}, {"choose"}),
        (_edit_shots, {}, {"shots"}),
        (None, {"limit": 5}, set(TASKS)),
        (None, {"seed": 77}, set(TASKS)),
        (None, {"batch_tokens": 64}, set()),
    ],
)
def test_only_what_an_edit_touches_is_computed(
    place: Place, edit: Any, settings: dict[str, Any], computed: set[str]
) -> None:
    place.run(1)
    before = place.records()
    if edit:
        edit(place)
    outcome = place.run(1, **settings)
    after = place.records()
    assert {path.name.split(".")[0] for path in after if after[path] != before.get(path)} == computed
    assert after.items() >= before.items(), "what other settings computed stays"
    assert outcome.computed == len(computed)


def test_another_dtype_is_another_key(place: Place) -> None:
    place.run(1)
    place.model = Loaded(place._checkpoint)
    place.model.dtype = "bfloat16"
    assert place.again(1).computed == 3


@pytest.mark.parametrize("damage", ["{", '{"key": "other"}'])
def test_a_damaged_record_is_computed_again(place: Place, damage: str) -> None:
    place.run(1)
    before = place.written()
    [path] = place.cache.glob("weights1/choose.*.json")
    path.write_text(damage)
    assert place.run(1).computed == 1
    assert place.written() == before


def test_sigterm_ends_in_order(place: Place) -> None:
    def terminate(*_: Any) -> None:
        if place.model.forwards == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    place.model.model.model.embed_tokens.register_forward_pre_hook(terminate)
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="same command") as caught:
        place.again(1, 2)
    assert caught.value.status == 143
    assert signal.getsignal(signal.SIGTERM) == handler
    done = len(place.cached())
    assert 0 < done < 6
    assert not place.out.exists()
    assert place.run(1, 2).cached == done


def test_sigterm_in_a_write_lets_it_finish(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    put = ScoreCache.put

    def interrupted(*args: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        put(*args)

    monkeypatch.setattr(ScoreCache, "put", interrupted)
    with pytest.raises(Interrupted):
        place.again(1)
    monkeypatch.undo()
    assert place.cached() == {"weights1/choose.json"}
    assert place.run(1).cached == 1


def test_works_outside_the_main_thread(place: Place) -> None:
    thread = threading.Thread(target=place.again, args=(1,))
    thread.start()
    thread.join()
    assert set(place.written()) == {"math-r1.json", "math-r1.answers.jsonl.gz"}


def test_a_broken_task_does_not_take_the_rest(place: Place) -> None:
    whole = (place.suite / "shots.yaml").read_text()
    (place.suite / "shots.yaml").write_text(whole.replace("doc_to_text: q", "doc_to_text: '{{nothing}}'"))
    (place.suite / "answer.yaml").write_text("task: [")
    with pytest.raises(
        EvaluationFailed, match=r"(?s)2 evaluations failed, 2 are done.*shots.*nothing.*answer"
    ) as caught:
        place.run(1, 2)
    assert caught.value.status == 3
    assert place.cached() == {"weights1/choose.json", "weights2/choose.json"}
    assert place.written() == {}
    (place.suite / "shots.yaml").write_text(whole)
    write_task(place.suite, "answer", GENERATE, ANSWER)
    assert place.run(1, 2).cached == 2
    assert {f"math-r{rank}.json" for rank in (1, 2)} <= set(place.written())


def test_a_task_that_fails_while_it_is_scored(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    score = runner.PreparedTask.score

    def failing(self: Any, answers: Any) -> Any:
        if self.info.task == "shots":
            raise ZeroDivisionError("in a metric")
        return score(self, answers)

    monkeypatch.setattr(runner.PreparedTask, "score", failing)
    with pytest.raises(EvaluationFailed, match=r"math-r1 on shots: ZeroDivisionError: in a metric"):
        place.run(1)
    assert place.cached() == {"weights1/choose.json", "weights1/answer.json"}


def test_many_failures_are_counted(place: Place) -> None:
    (place.suite / "answer.yaml").write_text("task: [")
    for name in ("choose", "shots"):
        (place.suite / f"{name}.yaml").write_text("task: [")
    index = place.suite / "index.json"
    entries = read_json(index)
    index.write_text(json.dumps([*entries, *({**entries[0], "task": f"none{i}"} for i in range(20))]))
    with pytest.raises(EvaluationFailed, match=r"23 evaluations failed, 0 are done(?s:.*)and 3 more"):
        place.run(1)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_are_failures_and_the_rest_is_evaluated(place: Place, value: float) -> None:
    model = place.model

    def spoil(module: Any, given: Any, out: torch.Tensor) -> torch.Tensor:
        return out * value if model.switched[-1] == "math-r1" else out

    hook = model.model.lm_head.register_forward_hook(spoil)
    with pytest.raises(EvaluationFailed, match="3 evaluations failed, 3 are done and in the cache") as caught:
        place.again(1, 2)
    for task in TASKS:
        assert f"  math-r1 on {task}: the model's logits are NaN or infinite" in str(caught.value)
    assert place.cached() == {f"weights2/{task}.json" for task in TASKS}
    assert place.written() == {}
    hook.remove()
    assert place.again(1, 2).cached == 3
    assert {f"math-r{rank}.json" for rank in (1, 2)} <= set(place.written())


def always(place: Place, word: str) -> Any:
    """Let the model always say a word."""
    token = place.model.tokenizer.convert_tokens_to_ids(word)
    return place.model.model.lm_head.register_forward_hook(
        lambda module, given, out: out.index_fill(-1, torch.tensor([token]), 1e4)
    )


def test_answers_that_are_empty_count_as_wrong_and_are_listed(place: Place) -> None:
    wrong = always(place, "dog")
    assert place.again(1).unread == []
    entry = read_json(place.out / "math-r1.json")["tasks"]["answer"]
    assert (entry["score"], entry["unread"], entry["answer"]) == (0, 0, "written")
    wrong.remove()
    always(place, "<eos>")
    outcome = place.again(2)
    assert outcome.unread == ["math-r2 on answer: 12 of 12"]
    assert "in 1 more than 20% of the answers are unread (empty, or none found); they count as wrong:" in str(outcome)
    entry = read_json(place.out / "math-r2.json")["tasks"]["answer"]
    assert (entry["score"], entry["unread"], entry["items"]) == (0.0, 12, [0.0] * 12)
    assert place.run(2).unread == outcome.unread  # from the cache too


def test_an_unread_answer_is_wrong_even_where_the_target_is_empty(place: Place) -> None:
    write_task(place.suite, "answer", GENERATE, [{"q": q, "gold": ""} for q in QUESTIONS])
    always(place, "<eos>")
    place.again(1)
    entry = read_json(place.out / "math-r1.json")["tasks"]["answer"]
    assert (entry["score"], entry["unread"]) == (0.0, 12)


def test_prompts_that_do_not_fit_are_counted_by_item(place: Place) -> None:
    few = [{**one, "q": " ".join([one["q"]] * (40 if i < 2 else 1))} for i, one in enumerate(CHOOSE)]
    write_task(place.suite, "choose", CHOICE, few)
    write_task(place.suite, "answer", GENERATE, [*ANSWER[:-1], ANSWER[-1] | {"q": few[0]["q"]}])
    place.run(1)
    tasks = read_json(place.out / "math-r1.json")["tasks"]
    assert [tasks[task]["cut"] for task in TASKS] == [2, 0, 1]
    assert [tasks[task]["unread"] for task in ("choose", "shots")] == [0, 0]


def test_items_about_the_same_thing_share_a_cluster_in_every_task(place: Place) -> None:
    declared = {"metadata": {"cluster": "about"}}
    about = [{**one, "about": {"fact": i // 3}} for i, one in enumerate(CHOOSE)]
    write_task(place.suite, "choose", CHOICE | declared, about)
    several = {"metadata": {"cluster": ["about", "gold"]}}
    write_task(place.suite, "shots", CHOICE | several | {"num_fewshot": 1, "fewshot_split": "examples"}, about)
    write_task(place.suite, "answer", GENERATE | declared, [{**one, "about": {"fact": 0}} for one in ANSWER])
    place.run(1)
    tasks = read_json(place.out / "math-r1.json")["tasks"]
    chosen = tasks["choose"]["clusters"]
    assert [chosen.index(name) for name in chosen] == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9]
    assert chosen[0] == sha256(b'{"fact":0}').hexdigest()[:12]
    assert len(set(tasks["shots"]["clusters"])) == 12
    assert set(tasks["answer"]["clusters"]) == {chosen[0]}
    before = tasks["choose"]
    write_task(place.suite, "choose", CHOICE | {"metadata": {"cluster": "q"}}, about)
    assert place.run(1).computed == 1  # what is declared is part of the key
    assert read_json(place.out / "math-r1.json")["tasks"]["choose"]["items"] == before["items"]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("nothing", r"metadata\.cluster: no field 'nothing' in a document; it has choices, gold, q"),
        (3, r"metadata\.cluster: found 3; expected a field"),
        ([], r"metadata\.cluster: found \[\]; expected a field"),
    ],
)
def test_a_cluster_that_documents_do_not_have_is_refused(place: Place, declared: Any, message: str) -> None:
    write_task(place.suite, "choose", CHOICE | {"metadata": {"cluster": declared}}, CHOOSE)
    with pytest.raises(EvaluationFailed, match=message):
        place.run(1)


def test_what_was_answered_is_written(place: Place) -> None:
    place.run(1)
    path = place.out / "math-r1.answers.jsonl.gz"
    chosen, texts = read_answers(path, "choose"), read_answers(path, "answer")
    items = read_json(place.out / "math-r1.json")["tasks"]["choose"]["items"]
    best = [max(range(3), key=values.__getitem__) for values in chosen["loglikelihoods"]]
    assert [float(choice == question["gold"]) for choice, question in zip(best, CHOOSE, strict=True)] == items
    assert len(texts["texts"]) == len(texts["parsed"]) == len(ANSWER)
    assert chosen["content"] != texts["content"]


def test_parts_together_are_the_whole(place: Place, tmp_path: Path) -> None:
    place.run(1, 2, 3, out=tmp_path / "whole", cache=tmp_path / "other")
    parts = {
        "shards": [SweepPart(shard=(i, 4)) for i in (3, 1, 4, 2)],
        "mixtures": [SweepPart(f"math-r{rank}") for rank in (1, 2, 3)],
        "groups": [SweepPart(f"math-r{rank}", group) for rank in (1, 2, 3) for group in ("MC9", "BBH")],
    }
    for name, some in parts.items():
        cache, out = tmp_path / f"cache-{name}", tmp_path / name
        done = [place.run(1, 2, 3, out=out, cache=cache, part=part) for part in some]
        assert all(outcome.computed and not outcome.cached for outcome in done)
        assert sum(outcome.computed for outcome in done) == 9
        assert not out.exists()
        outcome = place.run(1, 2, 3, out=out, cache=cache)
        assert (outcome.computed, outcome.cached) == (0, 9)
        assert place.written(out) == place.written(tmp_path / "whole")
    assert "a part of the sweep" in str(done[0])


def test_a_disk_that_fills_is_one_error_and_what_was_finished_stays(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    place.run(1)
    before = place.cached()
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FlexmoreError, match=r"math|weights2.*choose.*cannot be written: No space left on device"):
        place.run(1, 2)
    monkeypatch.undo()
    assert place.cached() == before
    assert list(place.cache.rglob(".*")) == []


def test_nothing_written_has_a_time_or_a_place_in_it(place: Place) -> None:
    place.run(1)
    text = (place.out / "math-r1.json").read_text()
    assert str(place.suite) not in text
    assert "second" not in text
    assert json.loads(text)["tasks"]["choose"]["items"]
