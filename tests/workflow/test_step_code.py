"""The digest of each cheap step covers all that its module imports, so that an edit runs the step again."""

import ast
from pathlib import Path

import pytest

from flexmore.workflow.step_code import PAPER_FILES, STEP_CODE

PACKAGE = Path("flexmore")
ELSEWHERE = {
    "datasets": ["pocket/"],  # not read for the paper's suite, which alone has data sets
    "suite": ["pocket/"],  # the rule depends on POCKET_REVISION
    "collect": ["pocket/"],  # as the suite, whose tasks it compares with those of the scores
}
"""Modules that a step imports, and on which its result does not depend or its rule depends in another way."""
EVERYWHERE = ["errors.py", "files.py", "progress.py", "revisions.py", "steps/process.py", "config/"]
"""The same for every step: how it writes files and reports errors, and the configuration, whose parts rules carry."""


def imported(module: Path) -> set[Path]:
    """Return the modules of the package that a module imports, in functions too."""
    found = set()
    tree = ast.parse(module.read_text())
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    left_out = {id(inner) for node in typing for inner in ast.walk(node)}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and id(node) not in left_out:
            names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            path = Path(*name.split("."))
            found |= {file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()}
    return {path for path in found if path.parts[0] == PACKAGE.name}


def closure(module: Path) -> set[str]:
    """Return all that a module imports, directly or not, and itself, as paths in the package."""
    done, todo = {module}, [module]
    while todo:
        new = imported(todo.pop()) - done
        done |= new
        todo += new
    return {str(path.relative_to(PACKAGE)) for path in done}


def covers(part: str, module: str) -> bool:
    return module == part or module.startswith(part.rstrip("/") + "/")


@pytest.mark.parametrize("step", STEP_CODE)
def test_the_digest_of_a_step_covers_all_that_it_imports(step: str) -> None:
    reached = closure(PACKAGE / "steps" / "study" / f"{step}.py")
    left_out = [*EVERYWHERE, *ELSEWHERE.get(step, [])]
    used = {m for m in reached if m == "config/paths.py" or not any(covers(part, m) for part in left_out)}
    assert [m for m in sorted(used) if not any(covers(part, m) for part in STEP_CODE[step])] == []


@pytest.mark.parametrize("step", STEP_CODE)
def test_what_a_digest_names_is_there_and_used(step: str) -> None:
    reached = closure(PACKAGE / "steps" / "study" / f"{step}.py")
    for part in STEP_CODE[step]:
        assert (PACKAGE / part).exists(), part
        data = part == PAPER_FILES
        assert data or any(covers(part, module) for module in reached), f"{step} does not use {part}"
