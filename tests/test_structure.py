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


def test_every_package_has_tests_of_its_own() -> None:
    tests = Path(__file__).parent
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {name for name in packages if not any((tests / name).rglob("test_*.py"))} == set()
