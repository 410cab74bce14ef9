"""A configuration is checked as a whole before anything runs; an error names the key, its value and what is allowed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from flexmore.config.loading import load_study
from flexmore.errors import ConfigError

DEFAULT = Path("config/config.yaml")


def changed(**changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(DEFAULT.read_text())
    return content | changes


def test_the_default_is_the_study_of_the_paper() -> None:
    study = load_study(DEFAULT)
    assert study.names == ("code", "creative", "math", "news", "pes2o", "reddit")
    assert study.ladder == tuple(2**step for step in range(15))
    assert study.extra_ranks == (3, 6, 12, 24, 48)


def test_the_papers_configuration_is_valid() -> None:
    study = load_study(Path("config/paper.yaml"))
    assert (study.family, study.evaluate.limit, study.evaluate.sampling) == ("flexolmo", 1000, "olmes")
    assert set(study.calibration.reference) == set(study.suite.groups)
    assert study.ladder == tuple(2**step for step in range(15))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rank": [1]}, ["rank: unknown key", "[1]", "did you mean ranks?"]),
        ({"architecture": {"hidden": 64}}, ["architecture: this key is now `sizes`"]),
        (
            {"analysis": {"quarantine": True}},
            ["analysis.quarantine: there is no such key any more: every score counts"],
        ),
        ({"analysis": {"draws": 200}}, ["analysis.draws: this key is now `analysis.bootstrap_samples`"]),
        ({"pocket": {"hiden": 64}}, ["pocket.hiden", "unknown key", "did you mean hidden?"]),
        ({"ranks": [1, -2]}, ["ranks.1", "-2", "1 to 16384", "full"]),
        ({"ranks": [3.5]}, ["ranks.0", "3.5", "1 to 16384"]),
        ({"ranks": ["16"]}, ["ranks.0", "'16'", "1 to 16384"]),
        ({"ranks": [True]}, ["ranks.0", "True"]),
        ({"ranks": [0]}, ["ranks.0", "0", "1 to 16384"]),
        ({"ranks": [4, 4]}, ["ranks", "none twice"]),
        ({"ranks": []}, ["ranks", "at least one"]),
        ({"seed": "zero"}, ["seed", "'zero'", "integer"]),
        ({"joint": {"active": [9]}}, ["joint.active", "9", "1 to 7"]),
        ({"pairs": {"active": 3}}, ["pairs.active", "3", "2"]),
        ({"joint": {"selections": ["bets"]}}, ["joint.selections", "bets", "best, best2"]),
        ({"experts": {"public": {"source": "pocket"}}}, ["experts", "at least one expert"]),
        ({"experts": {"math": {"source": "pocket"}}}, ["experts", "`public` is missing"]),
        ({"experts": {"public": {"source": "hup"}, "math": {"source": "pocket"}}}, ["experts.public", "hup", "pocket"]),
        ({"experts": {"public": {"source": "pocket"}, "maths": {"source": "pocket"}}}, ["experts", "maths", "math"]),
        (
            {"experts": {"public": {"source": "folder", "path": "/nowhere"}, "a": {"source": "pocket"}}},
            ["experts.public", "/nowhere", "config.json"],
        ),
        ({"evaluate": {"limit": 0}}, ["evaluate.limit", "0"]),
        ({"pocket": {"clip": "1.0"}}, ["pocket.clip", "'1.0'", "number"]),
        ({"evaluate": {"device": "gpu"}}, ["evaluate.device", "gpu", "cpu"]),
        ({"suite": {"path": "nowhere"}}, ["suite.path", "nowhere", "source: folder"]),
        ({"suite": {"tasks": []}}, ["suite.tasks", "[]", "at least one"]),
        ({"suite": {"shots": "olmes"}}, ["suite.shots", "olmes", "source: paper"]),
        ({"suite": {"source": "paper", "words_metric": "bleu"}}, ["suite.words_metric", "bleu", "f1"]),
        ({"suite": {"source": "paper", "path": "x"}}, ["suite.path", "'x'", "source: folder"]),
        ({"evaluate": {"sampling": "random"}}, ["evaluate.sampling", "random", "olmes"]),
        ({"calibration": {"reference": {"BHB": 3.0}}}, ["calibration.reference", "BHB", "did you mean BBH"]),
        ({"calibration": {"metrics": {"Gen": "f1"}}}, ["calibration.metrics", "Gen", "did you mean Gen5"]),
        ({"calibration": {"reference": {"BBH": 357.0}}}, ["calibration.reference", "BBH: 357", "0 to 100"]),
        ({"calibration": {"required": True}}, ["calibration.required", "without a `reference`"]),
        ({"suite": {"source": "folder"}}, ["suite.path", "missing", "index.json"]),
        ({"analysis": {"reasoning": ["BBHH"]}}, ["analysis.reasoning", "BBHH", "did you mean BBH"]),
        ({"family": "a/b"}, ["family", "'a/b'", "lower-case letters"]),
        (
            {"experts": {"public": {"source": "pocket", "pth": "x"}, "math": {"source": "pocket"}}},
            ["experts.public.pth", "unknown key", "source, path"],
        ),
        ({"analysis": {"recovery": 2}}, ["analysis.recovery", "2"]),
    ],
)
def test_a_wrong_value_is_one_message_with_key_value_and_what_is_allowed(
    changes: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_study(changed(**changes))
    message = str(caught.value)
    assert all(part in message for part in said), message
    assert len(message.splitlines()) == 2, message


def test_every_wrong_key_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load_study(changed(ranks=[-1, 2.5], seed="x"))
    assert [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]] == ["seed", "ranks.0", "ranks.1"]
