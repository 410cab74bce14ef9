"""README and docs: the Quick start is what it promises, links and paths lead somewhere, nothing is left blank."""

import re
from pathlib import Path

import pytest

DOCUMENTS = sorted(
    [*Path().glob("*.md"), *Path("docs").glob("*.md"), *Path("config").glob("*.md"), *Path("reports").rglob("*.md")]
)

PATH = re.compile(r"(?<![\w/.-])((?:benchmarks|docs|envs|flexmore|profiles|tests|workflow)/[\w./-]*\w)")


def blocks() -> list[str]:
    section = Path("README.md").read_text().split("\n## Quick start\n")[1].split("\n## ")[0]
    return [block.strip() for block in re.findall(r"```[a-z]*\n(.*?)```", section, flags=re.DOTALL)]


def test_the_quick_start_has_three_blocks_of_one_line() -> None:
    run, test, figures = blocks()
    assert all("\n" not in block and "$ " not in block and "#" not in block for block in (run, test, figures))
    assert "snakemake --cores all" in run
    assert test.endswith("pytest")
    assert figures.endswith("snakemake figures --cores 1")
    assert "models" not in figures
    assert "test" not in figures


def test_ci_runs_the_readmes_test_command() -> None:
    assert 'bash -e -c "$(block 2)"' in Path(".ci/run").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_and_paths_lead_somewhere_and_nothing_is_left_blank(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target
    for path in PATH.findall(text):
        assert Path(path).exists(), path
    assert not re.search(r"@[A-Z]+@", text)
