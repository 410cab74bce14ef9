"""The package stays in rooms: short modules, in packages of few.

What imports what is a contract of import-linter, and docstrings are ruff's (pyproject.toml).
"""

from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "flexmore"
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMED = [path for path in MODULES if not path.name.startswith("__")]


def test_modules_are_short() -> None:
    assert [str(path) for path in MODULES if len(path.read_text().splitlines()) > 350] == []


def test_packages_hold_few_modules() -> None:
    sizes = Counter(path.parent for path in NAMED)
    assert sizes[PACKAGE] <= 6
    assert {str(folder): size for folder, size in sizes.items() if size > 15} == {}


def test_tests_have_the_folders_of_the_package() -> None:
    """Every package has tests of its own; `tests/slurm/` alone stands for none."""
    tests = Path(__file__).parent
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {name for name in packages if not any((tests / name).rglob("test_*.py"))} == set()
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    assert {str(folder) for folder in folders if not (PACKAGE / folder).is_dir()} == {"slurm"}
