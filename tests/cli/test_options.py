"""Options that several verbs have."""

from pathlib import Path

import pytest

from flexmore.cli.options import find_stage


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("", None),
        ("/scratch/my folder", Path("/scratch/my folder")),
        ("$NODE/weights", Path("/disk of 'mine'/weights")),
        ("${NODE}", Path("/disk of 'mine'")),
        ("$NOWHERE/weights", None),
    ],
)
def test_a_stage_is_found_on_the_node(monkeypatch: pytest.MonkeyPatch, text: str, folder: Path | None) -> None:
    monkeypatch.setenv("NODE", "/disk of 'mine'")
    monkeypatch.delenv("NOWHERE", raising=False)
    assert find_stage(text) == folder


def test_a_variable_that_the_node_does_not_have_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_stage("$NOWHERE_HERE/x") is None
    assert "--stage is '$NOWHERE_HERE/x' and NOWHERE_HERE is not set here" in capsys.readouterr().out
