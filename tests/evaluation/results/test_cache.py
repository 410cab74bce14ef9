"""The score cache uses a record only if it is complete and was made from the same things."""

import json
from pathlib import Path
from typing import Any

import pytest

from flexmore.evaluation.results.cache import ScoreCache, task_key
from flexmore.files import fingerprint

RESULT = {"score": 0.5, "stderr": None, "n": 2, "items": [0.0, 1.0]}


def test_what_was_put_is_got(tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path)
    assert cache.get("weights", "task", "key") is None
    stored = cache.put("weights", "task", "key", RESULT, {"torch": "2"}, b"line")
    found = cache.get("weights", "task", "key")
    assert found == stored
    assert found["result"] == RESULT
    assert found["versions"] == {"torch": "2"}
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")] == ["weights/task.key.json"]
    assert cache.get("weights", "task", "other") is None


def test_a_result_of_other_settings_removes_none(tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path)
    keys = [task_key("weights", "c", "float32", {}, {"limit": limit}) for limit in (None, 2, 3)]
    records = [cache.put("weights", "task", key, RESULT, {}, key.encode()) for key in keys]
    assert [cache.get("weights", "task", key) for key in keys] == records
    assert [cache.answers("weights", "task", record) for record in records] == [key.encode() for key in keys]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"key": "key"}', '{"key": "key", "result": {}, "versions": {}, "check": "0"}', "\0\0"],
)
def test_a_foreign_file_is_not_used(tmp_path: Path, text: str) -> None:
    cache = ScoreCache(tmp_path)
    cache.path("weights", "task", "key").parent.mkdir()
    cache.path("weights", "task", "key").write_text(text)
    assert cache.get("weights", "task", "key") is None


def test_an_edited_or_cut_record_is_not_used(tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path)
    cache.put("weights", "task", "key", RESULT, {}, b"line")
    path = cache.path("weights", "task", "key")
    whole = path.read_text()
    for end in range(len(whole) - 1):
        path.write_text(whole[:end])
        assert cache.get("weights", "task", "key") is None
    record = json.loads(whole)
    record["result"]["score"] = 0.9
    path.write_text(json.dumps(record))
    assert cache.get("weights", "task", "key") is None


def test_answers_are_those_that_led_to_the_score(tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path)
    record = cache.put("weights", "task", "key", RESULT, {}, b"line")
    assert cache.answers("weights", "task", record) == b"line"
    for other in (b"", b"another line"):
        (tmp_path / "weights" / "task.key.answers.gz").write_bytes(other)
        assert cache.answers("weights", "task", record) == b""
    (tmp_path / "weights" / "task.key.answers.gz").unlink()
    assert cache.answers("weights", "task", record) == b""


def test_a_record_from_before_answers_were_kept_is_used(tmp_path: Path) -> None:
    record = {"key": "key", "result": RESULT, "versions": {}}
    told = record | {"check": fingerprint(["key", RESULT, {}])}
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "task.key.json").write_text(json.dumps(told))
    cache = ScoreCache(tmp_path)
    assert cache.get("weights", "task", "key") == told
    assert cache.answers("weights", "task", told) == b""


def test_a_key_for_each_thing_that_a_score_depends_on() -> None:
    base: dict[str, Any] = {
        "mixture": "m",
        "content": "c",
        "dtype": "float32",
        "engine": {"engine": 1},
        "settings": {"limit": None},
    }
    changes = [
        {"mixture": "n"},
        {"content": "d"},
        {"dtype": "bfloat16"},
        {"engine": {"engine": 2}},
        {"settings": {"limit": 5}},
    ]
    keys = {task_key(**(base | change)) for change in [{}, *changes]}
    assert len(keys) == 6
    assert task_key(**base) in keys
