"""What an operation writes, syncs and renames, in its order, so that a disk can be made of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Step:
    """Something that changes a file, or the folder, or makes a change last.

    Attributes
    ----------
    kind : str
        ``write``, ``resize`` or ``sync`` of a file; ``name``, ``unname`` or ``move`` of a name in
        the folder; ``sync-folder``.
    file : int
        Which file: its inode.
    name, other : str
        The name that a file gets or loses; the one that it had.
    place : int
        Where something is written, or how long the file is from now on.
    content : bytes
        What is written.
    """

    kind: str
    file: int = 0
    name: str = ""
    other: str = ""
    place: int = 0
    content: bytes = b""


@dataclass
class Recorder:
    """Records the calls of this process, for good: meant for a child.

    All that hspyio writes goes through `os`; what HDF5 writes, through hspyio. That nothing is
    missing shows when the steps, done on a copy, make the file that the operation has made.

    Parameters
    ----------
    folder : Path
        The folder that is watched.

    Attributes
    ----------
    steps : list of Step
        All so far.
    """

    folder: Path
    steps: list[Step] = field(default_factory=list)

    def install(self) -> Recorder:
        wraps: dict[str, Callable[[Any], Any]] = {
            "pwrite": self._write,
            "pwritev": self._write,
            "ftruncate": self._resize,
            "posix_fallocate": self._allocate,
            "fsync": self._sync,
            "fdatasync": self._sync,
            "open": self._open,
            "link": self._link,
            "unlink": self._unlink,
            "remove": self._unlink,
            "rename": self._move,
            "replace": self._move,
        }
        for name, wrap in wraps.items():
            setattr(os, name, wrap(getattr(os, name)))
        for name in ("write", "writev", "sendfile", "copy_file_range", "truncate", "symlink"):
            setattr(os, name, self._refuse(name, getattr(os, name)))
        return self

    def _file(self, descriptor: int) -> int:
        """Its number, if it is one of the folder's; else 0."""
        path = os.readlink(f"/proc/self/fd/{descriptor}").removesuffix(" (deleted)")
        return os.fstat(descriptor).st_ino if os.path.dirname(path) == str(self.folder) else 0

    def _name(self, path: Any) -> str:
        folder, name = os.path.split(os.path.abspath(os.fspath(path)))
        return name if folder == str(self.folder) else ""

    def _write(self, original: Any) -> Any:
        def call(descriptor: int, data: Any, place: int, *flags: int) -> int:
            pieces = data if isinstance(data, (list, tuple)) else [data]
            content = b"".join(bytes(memoryview(piece).cast("B")) for piece in pieces)
            count = int(original(descriptor, data, place, *flags))
            if file := self._file(descriptor):
                self.steps.append(Step("write", file, place=place, content=content[:count]))
            return count

        return call

    def _resize(self, original: Any) -> Any:
        def call(descriptor: int, size: int) -> None:
            original(descriptor, size)
            if file := self._file(descriptor):
                self.steps.append(Step("resize", file, place=size))

        return call

    def _allocate(self, original: Any) -> Any:
        def call(descriptor: int, start: int, length: int) -> None:
            original(descriptor, start, length)
            if file := self._file(descriptor):
                size = max(start + length, os.fstat(descriptor).st_size)
                self.steps.append(Step("resize", file, place=size))

        return call

    def _sync(self, original: Any) -> Any:
        def call(descriptor: int) -> None:
            original(descriptor)
            if os.readlink(f"/proc/self/fd/{descriptor}") == str(self.folder):
                self.steps.append(Step("sync-folder"))
            elif file := self._file(descriptor):
                self.steps.append(Step("sync", file))

        return call

    def _open(self, original: Any) -> Any:
        def call(path: Any, flags: int, *more: Any, **options: Any) -> int:
            new = bool(flags & os.O_CREAT) and not os.path.lexists(path)
            descriptor = int(original(path, flags, *more, **options))
            if (name := self._name(path)) and new:
                file = os.fstat(descriptor).st_ino
                self.steps.append(Step("name", file, name))
            if name and flags & os.O_TRUNC:
                self.steps.append(Step("resize", os.fstat(descriptor).st_ino))
            return descriptor

        return call

    def _link(self, original: Any) -> Any:
        def call(source: Any, target: Any, **options: Any) -> None:
            original(source, target, **options)
            self.steps.append(Step("name", os.stat(target).st_ino, self._name(target)))

        return call

    def _unlink(self, original: Any) -> Any:
        def call(path: Any, **options: Any) -> None:
            original(path, **options)
            self.steps.append(Step("unname", name=self._name(path)))

        return call

    def _move(self, original: Any) -> Any:
        def call(source: Any, target: Any, **options: Any) -> None:
            original(source, target, **options)
            file = os.stat(target).st_ino
            self.steps.append(Step("move", file, self._name(target), self._name(source)))

        return call

    def _refuse(self, name: str, original: Any) -> Any:
        """What hspyio does not use, and what this could not follow."""

        def call(*arguments: Any, **options: Any) -> Any:
            if isinstance(arguments[0], int) and not self._file(arguments[0]):
                return original(*arguments, **options)
            raise AssertionError(f"os.{name} is not recorded")

        return call


def recorded(function: Callable[[], object], folder: Path) -> list[Step]:
    """Run a function; what it does to the files of a folder. Meant for a child."""
    recorder = Recorder(folder).install()
    function()
    return recorder.steps
