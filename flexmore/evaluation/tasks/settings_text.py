"""A task's settings in a form to fingerprint: a function counts by what its code does, not by its place or wording.

The code of a function is the syntax tree of its whole module, since the function may call anything there. Comments,
docstrings, annotations and import statements are left out, so that rewording or moving a module changes no fingerprint.
Instead of import statements, the origin of each imported name that the code uses is included; for an imported module of
`flexmore.evaluation.olmes`, its code.
"""

import ast
import functools
import importlib.util
import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy

_FOLLOWED = "flexmore.evaluation.olmes"
_OURS = "flexmore"


def plain(value: Any) -> Any:
    """Return a task's setting as JSON can hold it; a function becomes its name and the code that it may run."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case numpy.generic():
            return value.item()
        case functools.partial():
            return [plain(value.func), plain(value.args), plain(value.keywords)]
    module = inspect.getmodule(value)
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    try:
        return [name, *_module_code(module)] if module else repr(value)
    except (TypeError, OSError):  # the module has no source
        return getattr(value, "__qualname__", None) or repr(value)


@functools.cache
def code(source: str) -> str:
    """Return what a module's source does, as text: its syntax tree, and where the names it uses were imported from."""
    tree = _Stripped().visit(ast.parse(source))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    origins = sorted(
        f"{name}={origin}"
        for name, origin in _imported_names(source)
        if name in used and origin.partition(".")[0] != _OURS
    )
    return json.dumps([_as_json(tree), origins], separators=(",", ":"))


def _as_json(node: Any) -> Any:
    """Return a syntax tree as JSON, without empty fields: newer versions of Python have more of them."""
    if isinstance(node, ast.AST):
        fields = {name: _as_json(value) for name, value in ast.iter_fields(node) if value is not None and value != []}
        return {type(node).__name__: fields}
    return [_as_json(each) for each in node] if isinstance(node, list) else repr(node)


def _module_code(module: ModuleType) -> list[str]:
    """Return the code of a module and of those that it imports from `_FOLLOWED`, however deep."""
    follow = module.__name__.startswith(_FOLLOWED)
    sources = {module.__name__: source_of(module.__name__) if follow else inspect.getsource(module)}
    waiting = [sources[module.__name__]]
    while waiting:
        for name in _followed_imports(waiting.pop()):
            if name not in sources:
                sources[name] = source_of(name)
                waiting.append(sources[name])
    return [code(sources.pop(module.__name__)), *sorted(code(source) for source in sources.values())]


@functools.cache
def source_of(module: str) -> str:
    """Return the source of a module by its name, without importing it."""
    found = importlib.util.find_spec(module)
    return Path(str(found.origin)).read_text(encoding="utf-8") if found else ""


def _followed_imports(source: str) -> Iterator[str]:
    """Yield the names of the modules of `_FOLLOWED` that a source imports from."""
    for _, origin in _imported_names(source):
        if origin.startswith(f"{_FOLLOWED}."):
            yield ".".join(origin.split(".")[: _FOLLOWED.count(".") + 2])


def _imported_names(source: str) -> Iterator[tuple[str, str]]:
    """Yield each name that a source imports, and where it comes from."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


class _Stripped(ast.NodeTransformer):
    """Remove from a syntax tree what does not change what the code does."""

    def visit_Import(self, node: ast.Import) -> None:
        """Drop the statement."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Drop the statement."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop docstrings, of variables too."""
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        """Drop what is for type checkers alone."""
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return None
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Drop the annotation of the result."""
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Drop the annotation."""
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Drop the annotation, but keep the statement, which may be the field of a dataclass."""
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)
