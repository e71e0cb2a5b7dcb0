"""The source as the tests of the house read it: files, lines, imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from support.places import ROOT

PACKAGE = "hspyio"
SOURCE = ROOT / "src" / PACKAGE
ROOMS = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}

# Rooms from the ground up. A room may also import those named before it on its own floor. A file's
# room is the innermost one that is named here: a folder, or a file.
FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "records",
        "forks",
        "printable",
        "errors",
        "names",
        "suggestions",
        "calls",
        "options",
        "packages",
        "html",
        "system",
    ),
    ("remote", "nodes", "model"),
    ("filters", "arrays", "converters", "compare"),
    ("hdf5/format", "hdf5", "hdf5/writing", "zarr2", "schema"),
    ("integrity", "transaction"),
    ("streaming", "recovery", "rules"),
    (
        "api",
        "api/loading",
        "api/saving",
        "api/changing",
        "api/examining",
        "api/streaming",
        "api/sandbox_child",
    ),
    (
        "reports",
        "bridges",
        "bridges/exporting",
        "bridges/importing",
        "bridges/plotting",
        "bridges/viewer",
        "testing",
        "cli",
    ),
    ("__main__",),
)
PLACES = {
    room: (floor, index) for floor, rooms in enumerate(FLOORS) for index, room in enumerate(rooms)
}


def room_of(parts: tuple[str, ...]) -> str:
    """The innermost room on the way to a module, ``""`` for the package's public face."""
    ways = ("/".join(parts[:depth]) for depth in range(len(parts), 0, -1))
    return next((way for way in ways if way in PLACES), parts[0] if parts else "")


@dataclass(frozen=True)
class Import:
    """One imported module: for ``from x import y`` ``x.y``, where that is one, else ``x``."""

    module: str
    line: int
    in_function: bool
    for_types: bool


@dataclass(frozen=True)
class File:
    """One source file; ``path`` is relative to the package, with slashes."""

    path: str
    text: str

    @property
    def module(self) -> tuple[str, ...]:
        parts = tuple(self.path.removesuffix(".py").split("/"))
        return parts[:-1] if parts[-1] == "__init__" else parts

    @property
    def room(self) -> str:
        return room_of(self.module)

    @property
    def exempt(self) -> bool:
        """The package's own ``__init__`` hands out names from every floor, lazily."""
        return self.path == "__init__.py"

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(self._walk(ast.parse(self.text), in_function=False, for_types=False))

    def _walk(self, node: ast.AST, in_function: bool, for_types: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                for module in self._modules(child):
                    yield Import(module, child.lineno, in_function, for_types)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield from self._walk(child, True, for_types)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for statement in child.body:
                    wrapped = ast.Module([statement], [])
                    yield from self._walk(wrapped, in_function, True)
                for statement in child.orelse:
                    wrapped = ast.Module([statement], [])
                    yield from self._walk(wrapped, in_function, for_types)
            else:
                yield from self._walk(child, in_function, for_types)

    def _modules(self, node: ast.Import | ast.ImportFrom) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        stem = self._stem(node)
        if stem == PACKAGE:
            return [f"{PACKAGE}.{a.name}" if a.name in ROOMS else PACKAGE for a in node.names]
        full = [f"{stem}.{alias.name}" for alias in node.names]
        return sorted({name if _is_ours(name) else stem for name in full})

    def _stem(self, node: ast.ImportFrom) -> str:
        """The absolute name of what stands between ``from`` and ``import``."""
        base = [node.module] if node.module else []
        if node.level:
            is_package = self.path.endswith("__init__.py")
            up = node.level - 1 if is_package else node.level
            here = [PACKAGE, *self.module]
            base = here[: len(here) - up] + base
        return ".".join(base)

    @cached_property
    def names(self) -> frozenset[str]:
        """All that is imported, with ``x.y`` for ``from x import y``, for types or in functions."""
        found = set()
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                stem = self._stem(node)
                found |= {f"{stem}.{alias.name}" for alias in node.names}
        return frozenset(found)


@cache
def _is_ours(module: str) -> bool:
    first, *parts = module.split(".")
    place = SOURCE.joinpath(*parts)
    return first == PACKAGE and (place.is_dir() or place.with_name(f"{place.name}.py").is_file())


@cache
def source_files() -> tuple[File, ...]:
    return tuple(
        File(path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(SOURCE.rglob("*.py"))
    )
