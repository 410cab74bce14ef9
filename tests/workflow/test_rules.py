"""Rules, verbs, steps, logs and benchmarks have the same names."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from flexmore.cli.app import app

STEPS = {path.stem: path.parent.name for path in Path("flexmore/steps").glob("*/*.py") if path.stem != "__init__"}


@dataclass(frozen=True)
class Rule:
    """Hold a rule's text; the name of a rule made in a loop is its part before the loop's variable."""

    name: str
    text: str

    def find(self, pattern: str) -> list[str]:
        return re.findall(pattern, self.text)

    @property
    def verb(self) -> str:
        [verb] = self.find(r"python -m flexmore (\S+)")
        return verb


def read_rules() -> list[Rule]:
    text = "\n".join(path.read_text() for path in sorted(Path("workflow/rules").glob("*.smk")))
    parts = re.split(r"^( *rule[^\n]*:)$", text, flags=re.MULTILINE)[1:]
    found = []
    for head, body in zip(parts[::2], parts[1::2], strict=True):
        named = re.match(r" *rule (\w+):", head) or re.search(r'name:\s+f"(\w+)_\{', body)
        assert named is not None, head
        found.append(Rule(named[1], body))
    return found


RULES = read_rules()


def test_every_step_of_the_study_has_a_rule_and_nothing_else_has_one() -> None:
    assert {rule.verb for rule in RULES} == {name for name, panel in STEPS.items() if panel == "study"} | {"figures"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_the_name_of_its_verb_its_step_and_its_log(rule: Rule) -> None:
    assert rule.name == rule.verb or rule.name.startswith(f"{rule.verb}_")
    assert rule.verb in get_command(app).commands  # type: ignore[attr-defined]
    assert rule.verb in STEPS
    [log] = rule.find(r'log:\s+f"\{ROOT\}/(.*)",')
    assert re.fullmatch(rf"logs/{rule.verb}(/.+)?\.log", log)
    if rule.verb != "figures":
        [benchmark] = rule.find(r'benchmark:\s+f"\{ROOT\}/(.*)"')
        assert re.fullmatch(rf"benchmarks/{rule.verb}(/.+)?\.tsv", benchmark)
        assert rule.find(r"depends_on=.*?DEPENDS\.(\w+)\(") == [rule.verb]
        assert set(rule.find(r'REQUESTS\.\w+\(\s*"(\w+)"')) <= {rule.verb}


def test_rules_hold_no_code() -> None:
    """Look for functions, which belong in flexmore/workflow, where they are tested."""
    for path in Path("workflow").rglob("*.smk"):
        assert not re.search(r"^\s*(def|class) ", path.read_text(), flags=re.MULTILINE), path


def test_gpus_are_counted_only_when_a_job_is_sent() -> None:
    """While Snakemake reads the rules it does not know yet whether jobs go to a cluster."""
    lines = [line.strip() for path in Path("workflow/rules").glob("*.smk") for line in path.read_text().splitlines()]
    asked = [line for line in lines if "REQUESTS.gpus(" in line]
    assert len(asked) == 4
    assert all(line.startswith("gpu=lambda wildcards: ") for line in asked)
    assert "cluster=lambda: workflow.non_local_exec," in lines


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_quotes_all_that_it_puts_into_its_command(rule: Rule) -> None:
    """A path may hold spaces, quotes, `&` and `$`; a number needs no quotes, and a part comes quoted."""
    [shell] = rule.find(r"shell:\n((?: +[\"'].*\n?)+)")
    values = re.findall(r"\{([^}]*)\}", shell)
    assert {value for value in values if not value.endswith(":q")} <= {"threads", "params.part"}
    assert {"params.config:q", "log:q"} <= set(values)
    assert not re.search(r"--stage[^=]", shell), "an empty text, quoted by Snakemake, is no word at all"
    assert "'" not in shell
    assert "$" not in shell
