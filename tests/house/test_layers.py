"""The floors of the house: who may import whom, and where.

``design.md`` gives the rules; each is one function here that returns the offenders as lines of
text, and one test that wants none. The tests at the end show that each rule can fail.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable

import pytest

from support.source import PACKAGE, PLACES, File, Import, room_of, source_files

ABOVE_API = PLACES["api"][0] + 1

HEAVY = {
    *("bokeh", "dask", "exspy", "hdf5plugin", "hyperspy", "imagecodecs", "jinja2", "matplotlib"),
    *("fsspec", "obstore", "rich", "rsciio", "tifffile", "tornado", "xarray"),
}
# What a heavy module imports itself, to find its own classes extended there.
PLUGINS = {"bridges/plotting/figure.py": {"matplotlib"}, "bridges/xarray_backend.py": {"xarray"}}
PLUGINS["bridges/xarray_pages.py"] = {"xarray"}
# The viewer is an application of Bokeh's; what leads to it imports its server when it is asked for.
BOKEH = {"bokeh", "jinja2", "tornado"}
PLUGINS |= {
    f"bridges/viewer/{name}.py": BOKEH
    for name in (
        *("application", "controls", "display", "navigation", "overlay", "panels", "region"),
        *("server", "sums"),
    )
}
# Python's own modules that few HSpy files need. Importing them takes longer than reading a small
# file, so they may wait inside a function until they are used.
RARE = {
    *("_blake2", "base64", "difflib", "fractions", "hashlib", "html"),
    *("json", "shutil", "unicodedata", "zoneinfo"),
    *("concurrent", "multiprocessing", "resource"),
}
# The engine and what speaks to HDF5, for the same reason: what is small is read without either, and
# few files have a seal.
ENGINE = {
    "hspyio.bridges.plotting.figure",
    "hspyio.bridges.viewer.server",
    "hspyio.calls",
    "hspyio.bridges.xarray_pages",
    "hspyio.html",
    "hspyio.model.pages",
    "hspyio.integrity.seal",
    "hspyio.nodes.computed",
    "hspyio.arrays.indexing",
    "hspyio.hdf5.external",
    "hspyio.hdf5.format.chunk_indices",
    "hspyio.hdf5.plugin_filters",
    "hspyio.arrays.contiguous",
    "hspyio.arrays.reading",
    "hspyio.hdf5.remote_snapshot",
    "hspyio.remote.storage_options",
    "hspyio.remote.upload",
    "hspyio.remote.url",
    "hspyio.api.sandbox",
    "hspyio.system.locks",
    "hspyio.arrays.manifest",
    "hspyio.hdf5.format.btree_v1",
    "hspyio.hdf5.usage",
    "hspyio.hdf5.ragged",
    "hspyio.zarr2",
    "hspyio.zarr2.reader",
    "hspyio.zarr2.store",
}
H5PY_ROOMS = {"hdf5", "hdf5/writing", "transaction"}
TYPER_ROOMS = {"cli"}
KWARGS_FILE = "bridges/rosettasciio.py"
KWARGS_FILES = {KWARGS_FILE, "bridges/importing/import_file.py", "options.py"}
"""RosettaSciIO's own interface, what hands a reader its options, the door of every function."""
MAX_LINES = 600
THE_CALLERS_TASKS = {"nodes/computed.py", "arrays/dask.py"}
LOCKS = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore"}
FORKLESS = {"SEEK_LOCK = threading.Lock()"}  # taken on Windows only


def root(module: str) -> str:
    return module.partition(".")[0]


def may_see(room: str, other: str) -> bool:
    if other == room:
        return True
    floor, index = PLACES[room]
    if other == "":
        return floor >= ABOVE_API
    other_floor, other_index = PLACES[other]
    if other_floor == floor:
        return other_index < index
    return other_floor < floor


def unknown_rooms(file: File) -> list[str]:
    if file.exempt or file.room in PLACES:
        return []
    return [f"{file.path}: {file.room!r} stands on no floor; give it one in support/source.py"]


def looks_upwards(file: File, item: Import) -> bool:
    """The one look upwards: methods of a signal call the public face, and the bridges."""
    above = item.module == PACKAGE or item.module.startswith(f"{PACKAGE}.bridges.")
    return file.path == "model/signal.py" and above and item.in_function


def upward_imports(file: File) -> list[str]:
    if file.exempt or file.room not in PLACES:
        return []
    found = []
    for item in file.imports:
        if root(item.module) != PACKAGE:
            continue
        if looks_upwards(file, item):
            continue
        other = room_of(tuple(item.module.split(".")[1:]))
        if other and other not in PLACES:
            found.append(f"{file.path}:{item.line}: imports {item.module}, which has no floor")
        elif not may_see(file.room, other):
            found.append(f"{file.path}:{item.line}: imports {item.module}, not on a lower floor")
    return found


def hidden_imports(file: File) -> list[str]:
    """Our own modules and Python's are imported at the top of a file, where they can be seen.

    But for the few in ``RARE`` and ``ENGINE``, which a load of a small file should not wait for.
    """
    if file.exempt:
        return []
    found = []
    for item in file.imports:
        ours = root(item.module) == PACKAGE and item.module not in ENGINE
        if looks_upwards(file, item):
            continue
        common = root(item.module) in sys.stdlib_module_names - RARE
        if item.in_function and (ours or common):
            found.append(f"{file.path}:{item.line}: imports {item.module} inside a function")
    return found


def heavy_imports(file: File) -> list[str]:
    return [
        f"{file.path}:{item.line}: imports {item.module} at the top; import it where it is used"
        for item in file.imports
        if root(item.module) in HEAVY - PLUGINS.get(file.path, set())
        and not item.in_function
        and not item.for_types
    ]


def misplaced_imports(file: File) -> list[str]:
    found = []
    for item in file.imports:
        name = root(item.module)
        at_top = not item.in_function and not item.for_types
        if name == "h5py" and at_top and file.room not in H5PY_ROOMS:
            found.append(f"{file.path}:{item.line}: imports h5py; HDF5 belongs to hdf5/")
        if name == "typer" and file.room not in TYPER_ROOMS:
            found.append(f"{file.path}:{item.line}: imports typer; the command line is cli/")
    return found


def long_files(file: File) -> list[str]:
    lines = file.text.count("\n")
    return [f"{file.path}: {lines} lines; is it two rooms?"] if lines > MAX_LINES else []


def open_signatures(file: File) -> list[str]:
    if file.path in KWARGS_FILES:
        return []
    return [
        f"{file.path}:{node.lineno}: {node.name} takes **{node.args.kwarg.arg}; name its options"
        for node in ast.walk(ast.parse(file.text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.kwarg
    ]


def locks_left_in_forks(file: File) -> list[str]:
    """A child forked while a thread holds a lock that all share would wait for it for ever."""
    tree = ast.parse(file.text)
    found = [
        f"{file.path}:{item.lineno}: imports cached_property, which has a lock; use forks.derived"
        for item in ast.walk(tree)
        if "cached_property" in [getattr(a, "name", "") for a in getattr(item, "names", ())]
        or getattr(item, "attr", "") == "cached_property"
    ]
    bodies = [tree.body, *(item.body for item in ast.walk(tree) if isinstance(item, ast.ClassDef))]
    for item in (item for body in bodies for item in body):
        value = getattr(item, "value", None)
        text = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
        if text.rpartition(".")[2] in LOCKS and ast.unparse(item) not in FORKLESS:
            found.append(f"{file.path}:{item.lineno}: a lock that all share; forks.lock_of_module")
    return found


def chained_errors(file: File) -> list[str]:
    """One traceback, short: in a notebook the message is on the screen then."""
    if file.path in THE_CALLERS_TASKS:
        return []
    return [
        f"{file.path}:{item.lineno}: raises from another error; from None"
        for item in ast.walk(ast.parse(file.text))
        if isinstance(item, ast.Raise) and item.cause and ast.unparse(item.cause) != "None"
    ]


RULES: dict[str, Callable[[File], list[str]]] = {
    "every file stands on a floor": unknown_rooms,
    "a file imports lower floors and its own package only": upward_imports,
    "our modules and Python's are imported at the top of the file": hidden_imports,
    "heavy third-party modules are imported where they are used": heavy_imports,
    "h5py at the top only in its rooms, typer only in cli/": misplaced_imports,
    f"no file is longer than {MAX_LINES} lines": long_files,
    "only what speaks to RosettaSciIO takes **kwargs": open_signatures,
    "no lock of a module or class is left held in a forked child": locks_left_in_forks,
    "an error has a cause only where that is the caller's own": chained_errors,
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule: str) -> None:
    offenders = [line for file in source_files() for line in RULES[rule](file)]
    if offenders:
        pytest.fail("\n  ".join([f"Rule: {rule}. Offenders:", *offenders]), pytrace=False)


def test_there_is_source_to_read() -> None:
    assert len(source_files()) >= 5


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (unknown_rooms, "attic.py", ""),
        (upward_imports, "names.py", "from hspyio.model.tree import MetadataTree"),
        (upward_imports, "model/tree.py", "from hspyio.filters import gzip"),
        (upward_imports, "arrays/chunk_shapes.py", "from ..hdf5 import reader"),
        (upward_imports, "converters/strings.py", "from ..schema import read"),
        (upward_imports, "converters/strings.py", "from .. import schema"),
        (upward_imports, "hdf5/format/links.py", "from hspyio.hdf5.limits import x"),
        (upward_imports, "hdf5/reader.py", "from hspyio.hdf5 import writing"),
        (upward_imports, "api/loading/load.py", "from hspyio.api.saving.save import save"),
        (upward_imports, "bridges/plotting/draw.py", "from hspyio.bridges.viewer import panels"),
        (upward_imports, "schema/reading.py", "def f():\n    from hspyio.api import load"),
        (upward_imports, "schema/reading.py", "import hspyio"),
        (upward_imports, "schema/reading.py", "from hspyio import load"),
        (upward_imports, "model/signal.py", "import hspyio"),
        (upward_imports, "transaction/plan.py", "from hspyio.attic import x"),
        (upward_imports, "model/tree.py", "if TYPE_CHECKING:\n    from hspyio.schema import x"),
        (
            hidden_imports,
            "transaction/plan.py",
            "def f():\n    from hspyio.nodes.node import Group",
        ),
        (hidden_imports, "transaction/plan.py", "class A:\n    def f(self):\n        import math"),
        (heavy_imports, "arrays/lazy.py", "import dask.array as da"),
        (heavy_imports, "cli/info.py", "from rich.table import Table"),
        (heavy_imports, "bridges/xarray.py", "import xarray"),
        (heavy_imports, "bridges/xarray_backend.py", "import dask"),
        (
            heavy_imports,
            "arrays/lazy.py",
            "try:\n    import dask\nexcept ImportError:\n    dask = None",
        ),
        (heavy_imports, "arrays/lazy.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import dask"),
        (misplaced_imports, "schema/reading.py", "import h5py"),
        (misplaced_imports, "api.py", "def f():\n    import typer"),
        (long_files, "transaction/plan.py", "\n" * (MAX_LINES + 1)),
        (open_signatures, "api.py", "def load(path, **kwargs): ..."),
        (
            chained_errors,
            "transaction/plan.py",
            "try:\n    x\nexcept E as error:\n    raise F from error",
        ),
        (locks_left_in_forks, "transaction/plan.py", "from functools import cached_property"),
        (
            locks_left_in_forks,
            "transaction/plan.py",
            "import functools\nx = functools.cached_property",
        ),
        (locks_left_in_forks, "arrays/lazy.py", "_LOCK = threading.Lock()"),
        (locks_left_in_forks, "arrays/lazy.py", "_LOCK: Lock = Lock()"),
        (locks_left_in_forks, "arrays/lazy.py", "class A:\n    lock = threading.RLock()"),
    ],
)
def test_a_rule_can_fail(rule: Callable[[File], list[str]], path: str, text: str) -> None:
    (line,) = rule(File(path, text))
    assert re.match(rf"{re.escape(path)}(:\d+)?: \S", line)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("__init__.py", "def __getattr__(name):\n    from hspyio.api import load"),
        ("hdf5/limits.py", "from hspyio.hdf5.format import superblock"),
        ("api/saving/save.py", "from hspyio.api.loading.load import load"),
        ("model/signal.py", "from .tree import MetadataTree\ndef save(self):\n    import hspyio"),
        ("converters/strings.py", "from hspyio.converters.scalars import x\nfrom . import numbers"),
        (
            "converters/__init__.py",
            "from . import strings\nfrom ..nodes import Group",
        ),
        ("arrays/lazy.py", "if TYPE_CHECKING:\n    import dask\ndef f():\n    import dask.array"),
        ("cli/info.py", "import typer\nimport hspyio\nfrom hspyio import load"),
        ("api/loading/load.py", "from ...hdf5.reader import read\nimport json"),
        ("arrays/chunk_shapes.py", "def f():\n    import h5py"),
        ("hdf5/writing/writer.py", "import h5py"),
        ("bridges/xarray_backend.py", "import xarray"),
        ("model/tree.py", "def f():\n    from html import escape"),
        (KWARGS_FILE, "def file_reader(path, **kwds): ..."),
    ],
)
def test_what_is_allowed_passes(path: str, text: str) -> None:
    assert [line for rule in RULES.values() for line in rule(File(path, text))] == []
