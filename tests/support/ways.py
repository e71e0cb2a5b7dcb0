"""How long the ways through the package are: modules, calls across them, depth, opened files.

Run as a script in a process of its own, ``python ways.py NAME``, so that nothing is imported or
cached before the way begins; it prints the measures as JSON. A table of all ways:
``python tests/support/ways.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple


class Measures(NamedTuple):
    """What one way takes, in the main thread.

    Attributes
    ----------
    modules, functions : int
        Of hspyio that are entered.
    crossings : int
        Calls from one module of hspyio into another.
    depth : int
        Most functions of hspyio within one another.
    opens : int
        How often the file itself is opened.
    hdf5_files : int
        How often HDF5's library opens or creates a file.
    """

    modules: int
    functions: int
    crossings: int
    depth: int
    opens: int
    hdf5_files: int


class Recorder:
    """Listens to calls of functions and opened files from `start` to `stop`."""

    def __init__(self, package: str, path: str) -> None:
        self.package, self.path = package, os.path.realpath(path)
        self.entered: set[tuple[str, str]] = set()
        self.crossings = self.depth = self.deepest = self.opens = self.hdf5_files = 0
        self.on = False

    def start(self) -> None:
        import h5py

        real = h5py.File.__init__

        def counted(file: Any, name: Any, *arguments: Any, **options: Any) -> None:
            self.hdf5_files += self.on and not isinstance(name, h5py.h5g.GroupID | h5py.h5f.FileID)
            real(file, name, *arguments, **options)

        h5py.File.__init__ = counted
        for name in ("open", "create"):
            self._count_low_level(h5py.h5f, name)
        sys.addaudithook(self._audit)
        self.on = True
        sys.setprofile(self._profile)

    def stop(self) -> Measures:
        sys.setprofile(None)
        self.on = False
        modules = {module for module, _ in self.entered}
        return Measures(
            len(modules), len(self.entered), self.crossings, self.deepest, self.opens,
            self.hdf5_files,
        )  # fmt: skip

    def _count_low_level(self, module: Any, name: str) -> None:
        """What opens a file without going through h5py's own class."""
        real = getattr(module, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            caller = sys._getframe(1).f_code.co_filename
            self.hdf5_files += self.on and caller.startswith(self.package)
            return real(*arguments, **options)

        setattr(module, name, counted)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self.on and isinstance(arguments[0], str | bytes | os.PathLike):
            self.opens += os.path.realpath(os.fsdecode(arguments[0])) == self.path

    def _profile(self, frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_filename
        if event not in {"call", "return"} or not name.startswith(self.package):
            return
        if not frame.f_code.co_flags & CO_OPTIMIZED:  # the body of a module or a class
            return
        if event == "return":
            self.depth -= 1
            return
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        self.entered.add((name, frame.f_code.co_qualname))
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(self.package):
            caller = caller.f_back
        self.crossings += caller is not None and caller.f_code.co_filename != name


# the ways


def _signal() -> Any:
    import numpy as np

    import hspyio

    axes = [
        {"name": "y", "units": "nm", "navigate": True},
        {"name": "x", "units": "nm", "navigate": True},
        {"name": "Energy", "units": "keV", "scale": 0.01},
    ]
    metadata = {"General": {"title": "map"}, "Sample": {"elements": ["Al", "Si"]}}
    data = np.arange(32 * 32 * 512, dtype="u2").reshape(32, 32, 512)
    return hspyio.Signal(data, axes, metadata=metadata)


def _load(path: str) -> Callable[[], Any]:
    import hspyio

    return lambda: hspyio.load(path, name="map", threads=1, progress=False)


def _lazy(path: str) -> Callable[[], Any]:
    import hspyio

    return lambda: hspyio.load(path, name="map", lazy=True)


def _compute(path: str) -> Callable[[], Any]:
    lazy = _lazy(path)()
    return lambda: lazy.data.compute(scheduler="synchronous")


def _save(path: str) -> Callable[[], Any]:
    import hspyio

    signal = _signal()
    return lambda: hspyio.save(path, signal, overwrite=True, threads=1, progress=False)


def _save_dask(path: str) -> Callable[[], Any]:
    import dask.array as da

    import hspyio

    signal = _signal()
    signal.data = da.from_array(signal.data, chunks=(16, 16, 512))
    return lambda: hspyio.save(path, signal, overwrite=True, threads=1, progress=False)


def _update(path: str) -> Callable[[], Any]:
    import hspyio

    signal = hspyio.load(path, name="map")
    signal.metadata.set_item("Sample.name", "a text")
    return lambda: hspyio.update(path, signal)


def _append(path: str) -> Callable[[], Any]:
    import hspyio

    signal = _signal()
    signal.metadata.General.title = "another"
    return lambda: hspyio.append(path, signal, threads=1, progress=False)


def _writer_append(path: str) -> Callable[[], Any]:
    import hspyio

    made = hspyio.file_reader(path)[0]
    made["metadata"]["General"]["title"] = "another"
    return lambda: hspyio.file_writer(path, made, mode="a", show_progressbar=False)


def _repack(path: str) -> Callable[[], Any]:
    import hspyio

    return lambda: hspyio.repack(path, path + ".new", progress=False)


def _rescue(path: str) -> Callable[[], Any]:
    import hspyio

    return lambda: hspyio.rescue(path, path + ".new", threads=1)


def _verify(path: str) -> Callable[[], Any]:
    import hspyio

    return lambda: hspyio.verify(path, threads=1)


def _validate(path: str) -> Callable[[], Any]:
    import hspyio

    return lambda: hspyio.validate(path)


WAYS: dict[str, Callable[[str], Callable[[], Any]]] = {
    "load": _load,
    "load lazily": _lazy,
    "compute": _compute,
    "save": _save,
    "save dask": _save_dask,
    "update": _update,
    "append": _append,
    "file_writer, mode a": _writer_append,
    "repack": _repack,
    "verify": _verify,
    "validate": _validate,
    "rescue": _rescue,
}


def measure(name: str) -> Measures:
    """Measure a way in a new process."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), name],
        capture_output=True, text=True, check=False, timeout=120,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HSPYIO_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Measures(*json.loads(done.stdout))


def _measure_here(name: str) -> Measures:
    import hspyio

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "map.hspy")
        hspyio.save(path, _signal(), progress=False)
        package = str(Path(hspyio.__file__).parent) + os.sep
        act = WAYS[name](path)
        recorder = Recorder(package, path)
        recorder.start()
        try:
            act()
        finally:
            measures = recorder.stop()
        assert threading.active_count() == 1
        return measures


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(_measure_here(sys.argv[1])))
        return
    print("| way | " + " | ".join(Measures._fields) + " |")
    print("|---" * (len(Measures._fields) + 1) + "|")
    for name in WAYS:
        print(f"| {name} | " + " | ".join(map(str, measure(name))) + " |")


if __name__ == "__main__":
    main()
