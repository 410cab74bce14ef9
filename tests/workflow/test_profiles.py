"""The profiles speak of rules that there are, and rules leave to profiles what is theirs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = "\n".join(path.read_text() for path in sorted(Path("workflow/rules").glob("*.smk")))
NAMES = {*re.findall(r"^rule (\w+):", RULES, flags=re.MULTILINE), "all"}


def profile(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(Path("profiles", name, "config.yaml").read_text())
    return content


@pytest.mark.parametrize("name", ["default", "slurm"])
def test_resources_are_set_for_rules_that_there_are(name: str) -> None:
    for key in ("set-resources", "set-threads"):
        assert set(profile(name).get(key, {})) <= NAMES


def test_a_site_is_described_in_one_block_at_the_top() -> None:
    """All that names a partition or an account, commented out or not."""
    text = Path("profiles/slurm/config.yaml").read_text()
    site = re.search(r"^# -+ your site -+$(.*?)^# -+$", text, flags=re.MULTILINE | re.DOTALL)
    assert site is not None
    rest = text[: site.start()] + text[site.end() :]
    for word in ("partition", "account", "jobs:", "gpu", "TMPDIR"):
        assert word in site[1]
        assert word not in rest


def test_retries_are_the_profiles() -> None:
    """A rule's own would run inside the allocation whose memory or time was too small."""
    assert profile("slurm")["retries"] >= 1
    assert "retries:" not in RULES


def test_every_step_is_the_command_line_itself() -> None:
    """`exec`, so that SLURM's SIGTERM finds the work and not a shell in front of it."""
    commands = re.findall(r"shell:\n +[\"'](.*)[\"']$", RULES, flags=re.MULTILINE)
    assert len(commands) == RULES.count("    shell:")
    assert {command.split(" flexmore ")[0] for command in commands} == {"exec python -m", "python -m"}
    assert [command.split()[3] for command in commands if not command.startswith("exec")] == ["figures"]
