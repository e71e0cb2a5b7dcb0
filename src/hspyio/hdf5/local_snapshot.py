"""Files on this computer as lazy arrays hold them: a path, a fingerprint, a descriptor.

The descriptor goes on whatever happens to the path: a file that is lazily open can be
overwritten, the old one lives on for the old array. Pickled, a handle is a path and what tells the
file from others.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from hspyio.errors import (
    IMPORTED,
    FilePermissionError,
    HspyError,
    MissingFileError,
    NotHspyError,
    StaleFileError,
    UnreadableFileError,
)
from hspyio.hdf5.format.superblock import LENGTH, read_superblock
from hspyio.hdf5.identity import Fingerprint, Identity, fingerprint, identity_of, is_the_same
from hspyio.hdf5.snapshot import Snapshot
from hspyio.system.byte_source import ByteSource, LocalBytes
from hspyio.system.calls import NO_SUCH_FILE, close, open_for_reading, read_up_to
from hspyio.system.descriptors import OPEN
from hspyio.system.locks import (
    LockUnsupportedError,
    hdf5_writer,
    locked_by_hdf5,
    share_with_readers,
    unlock,
)

__all__ = [
    "DescriptorFile",
    "LocalSnapshot",
    "PinnedFile",
    "cannot_read",
    "check_is_file",
    "is_ours",
    "share_lock",
    "snapshot_of",
]


class LocalSnapshot(Snapshot):
    """A file that was opened once and is read later.

    Parameters
    ----------
    path : str
        The file.
    expected : Identity, optional
        What it has to be, for a handle that comes from another process.
    descriptor : int, optional
        The file, open and locked by who changes it; it stays open.

    Attributes
    ----------
    fingerprint : tuple of int
        The file's, when it was opened.
    locked : bool
        Whether it is locked already, which readers must not do again: to unlock it, as they do
        then, would end the lock of the writer.
    """

    is_local = True

    def __init__(
        self, path: str, expected: Identity | None = None, descriptor: int | None = None
    ) -> None:
        super().__init__(path)
        self.place = _absolute(path)
        self.locked = descriptor is not None
        self._descriptor: int | None = None
        self._stays_closed = False
        self._identity = expected
        if expected is None:
            self._descriptor = (
                _opened(path, self.place) if descriptor is None else _duplicated(path, descriptor)
            )
            try:
                self.fingerprint = fingerprint(os.fstat(self._descriptor))
                self.superblock = read_superblock(self._descriptor)
            except OSError as error:
                raise cannot_read(path, error) from None
            OPEN.used(self)
        else:
            self.fingerprint, self.superblock = expected.state, expected.block

    @property
    def size(self) -> int:
        """Bytes of the file, when it was opened."""
        return self.fingerprint[1]

    def __reduce__(self) -> tuple[Any, tuple[str, Identity]]:
        """A descriptor is never pickled, only how to get one."""
        return _unpickled, (self.place, self.identity())

    def __copy__(self) -> LocalSnapshot:
        """One of its own, with a descriptor of its own."""
        return LocalSnapshot(self.place, self.identity())

    def __deepcopy__(self, memo: object) -> LocalSnapshot:
        """The same."""
        return self.__copy__()

    def __del__(self, _is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        """Release the descriptor with the last array that needs it.

        At the end of the program the system does, when modules may have lost their names.
        """
        if hasattr(self, "_descriptor") and not _is_ending():
            self.close()

    def identity(self) -> Identity:
        """What tells the file, when it is opened again, from others."""
        if self._identity is None:
            try:
                with self.descriptor() as descriptor:
                    self._identity = identity_of(descriptor, self.fingerprint, self.superblock)
            except (HspyError, OSError):  # it will say so when it is read
                return self._exactly()
        return self._identity

    def _exactly(self) -> Identity:
        """The very state, where no more is known."""
        return Identity(
            self.fingerprint, b"" if self.superblock is None else self.superblock.content
        )

    def is_in_place(self) -> bool:
        """Whether the path still leads to this file."""
        try:
            return os.stat(self.place).st_ino == self.fingerprint[0]
        except OSError:
            return False

    def clone(self) -> LocalSnapshot:
        """Another snapshot of the same state of the file, whatever has become of the path.

        Raises
        ------
        StaleFileError
            If it has changed and no descriptor of the old state is open.
        """
        clone = LocalSnapshot(self.path, self._identity or self._exactly())
        clone.place, clone._descriptor = self.place, self._duplicate()
        clone.locked = self.locked
        OPEN.used(clone)
        return clone

    def close(self) -> None:
        """Release the descriptor; the next read opens the file again if it is unchanged."""
        OPEN.forget(self)
        with self.locks().descriptor:
            self._let_go()

    def _let_go(self) -> None:
        """Close the descriptor, which nobody finds any more then: not even a child forked here."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            close(descriptor)

    def put_by(self) -> bool:
        """Release the descriptor where the file can be opened again; whether it is released.

        Nothing is waited for: the thread that makes room may hold the lock of another handle.
        """
        lock = self.locks().descriptor
        if not lock.acquire(blocking=False):
            return False
        try:
            descriptor = self._descriptor
            if descriptor is not None:
                if not self.is_in_place():
                    return False
                if self._identity is None:
                    with suppress(OSError):
                        self._identity = identity_of(descriptor, self.fingerprint, self.superblock)
                self._let_go()
            return True
        finally:
            lock.release()

    def stay_closed(self) -> None:
        """Hold the file only while it is read from: for one of very many."""
        self._stays_closed = True
        if self.put_by():
            OPEN.forget(self)

    @contextmanager
    def descriptor(self) -> Iterator[int]:
        """Descriptor of the file, as it was, that stays open whatever happens to the handle.

        Raises
        ------
        StaleFileError
            If it has changed and no descriptor of the old state is open.
        """
        descriptor = self._duplicate()
        try:
            yield descriptor
        finally:
            close(descriptor)

    @contextmanager
    def open_source(self) -> Iterator[ByteSource]:
        """Bytes of the file, as it was; see `descriptor`."""
        descriptor = self._duplicate()
        try:
            yield LocalBytes(descriptor)
        finally:
            close(descriptor)

    @contextmanager
    def hold(self) -> Iterator[ByteSource]:
        """The same; no program that minds HDF5's locks writes the file meanwhile.

        Raises
        ------
        FileLockedError
            If one is writing it.
        """
        with self.descriptor() as descriptor:
            if not (self.locked or share_lock(descriptor) or is_ours(descriptor)):
                raise locked_by_hdf5(self.path)
            try:
                yield LocalBytes(descriptor)
            finally:
                if not self.locked:
                    unlock(descriptor)

    def _duplicate(self) -> int:
        with self.locks().descriptor:
            if self._descriptor is None:
                opened = self._opened_again()
                if self._stays_closed:
                    return opened
                self._descriptor = opened
            made = _duplicated(self.path, self._descriptor)
        OPEN.used(self)
        return made

    def _opened_again(self) -> int:
        descriptor = _opened(self.path, self.place)
        try:
            with _readable(self.path):
                same = is_the_same(descriptor, self._identity or self._exactly())
            if not same:
                raise self._stale()
        except HspyError:
            close(descriptor)
            raise
        return descriptor

    def as_file(self) -> DescriptorFile:
        """What HDF5 takes for the file as it was.

        Raises
        ------
        StaleFileError
            If it has changed and no descriptor of the old state is open.
        """
        descriptor = self._duplicate()
        if self.superblock is None:
            return DescriptorFile(descriptor)
        return PinnedFile(descriptor, self.superblock.content)

    def _stale(self) -> StaleFileError:
        return StaleFileError(
            "has changed since it was loaded lazily; load it again", path=self.path
        )


def snapshot_of(path: str) -> LocalSnapshot:
    """The state that a file is in now.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is none, or it is no file.
    """
    check_is_file(path)
    return LocalSnapshot(path)


def check_is_file(path: str) -> None:
    """Nothing else is even opened: a FIFO would have the reader wait for ever.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is none, or it is something else.
    FilePermissionError
        If nobody lets us look.
    """
    try:
        mode = os.stat(path).st_mode
    except ValueError:  # no such name can be
        raise MissingFileError("no such file", path=path) from None
    except OSError as error:
        if error.errno in NO_SUCH_FILE:
            raise MissingFileError("no such file", path=path) from None
        raise cannot_read(path, error) from None
    if stat.S_ISDIR(mode):
        if os.path.isfile(os.path.join(path, ".zgroup")):
            raise NotHspyError(f"is a folder of Zarr's, not an HSpy file{IMPORTED}", path=path)
        raise NotHspyError("is a folder, not an HSpy file; name a file in it", path=path)
    if not stat.S_ISREG(mode):
        raise NotHspyError("is not a file but a device, a pipe or a socket", path=path)


def share_lock(descriptor: int) -> bool:
    """Keep programs out that would write the file by HDF5, as it does for its readers."""
    try:
        return share_with_readers(descriptor)
    except LockUnsupportedError:
        return True


def is_ours(descriptor: int) -> bool:
    """Whether HDF5's lock is this program's own, as far as the system tells."""
    return "h5py" in sys.modules and hdf5_writer(descriptor) == os.getpid()


def _unpickled(path: str, expected: Identity) -> LocalSnapshot:
    """A handle for a task that came from another process: one a file, not one a task.

    Each would read the chunk index anew. Only while the file is as it was found by the task before:
    a task never reads on in one that has been replaced since it was sent.
    """
    try:
        return _snapshot_of(path, expected, fingerprint(os.stat(path)))
    except OSError:  # it will say so when it is read
        return LocalSnapshot(path, expected)


@lru_cache(maxsize=8)
def _snapshot_of(path: str, expected: Identity, found: Fingerprint) -> LocalSnapshot:
    """The few that a worker keeps between its tasks."""
    return LocalSnapshot(path, expected)


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:  # the folder that the program is in is gone
        return path


def _opened(path: str, place: str) -> int:
    try:
        try:
            return open_for_reading(place)
        except OSError as error:
            return _with_room(error, lambda: open_for_reading(place))
    except FileNotFoundError:
        raise MissingFileError("is gone", path=path) from None
    except OSError as error:
        raise cannot_read(path, error) from None


def _duplicated(path: str, descriptor: int) -> int:
    try:
        try:
            return os.dup(descriptor)
        except OSError as error:
            return _with_room(error, lambda: os.dup(descriptor))
    except OSError as error:
        raise cannot_read(path, error) from None


def _with_room(error: OSError, make: Callable[[], int]) -> int:
    """A new descriptor after the system has given none: some of ours are let go."""
    if error.errno not in (errno.EMFILE, errno.ENFILE):
        raise error
    OPEN.halve()
    return make()


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """What the system says of a file becomes an error of ours."""
    try:
        yield
    except HspyError:
        raise
    except OSError as error:
        raise cannot_read(path, error) from None


def cannot_read(path: str, error: OSError) -> HspyError:
    """The error for a file that the system does not open or read."""
    kind = FilePermissionError if isinstance(error, PermissionError) else UnreadableFileError
    return kind(f"cannot be read: {error.strerror or error}", path=path)


def _always() -> bool:
    return True


class DescriptorFile(io.RawIOBase):
    """A file object over a descriptor, with a position of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0
        self._unread: OSError | None = None
        self.goes_on: Callable[[], bool] = _always
        """Whether what is read has a use yet; else nothing is read any more."""

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor, which stays this object's own."""
        return self._descriptor

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go somewhere."""
        if whence == os.SEEK_CUR:
            offset += self._position
        elif whence != os.SEEK_SET:
            offset += os.fstat(self._descriptor).st_size
        self._position = offset
        return self._position

    def tell(self) -> int:
        """Where it is."""
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read from where it is; all that is asked for, or all there is."""
        target = memoryview(buffer).cast("B")
        if not self.goes_on():
            raise OSError("it is not read any more")
        try:
            count = read_up_to(self._descriptor, [target], self._position)
        except OSError as error:
            self._unread = error
            raise
        self._position += count
        return count

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Within this, what HDF5 says for want of bytes becomes what the system said of them.

        Raises
        ------
        OSError
            That.
        """
        try:
            yield
        except HspyError:
            raise
        except Exception:
            if self._unread is not None:
                raise self._unread from None
            raise

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            super().close()
            close(self._descriptor)


class PinnedFile(DescriptorFile):
    """A file with another start than it has: another superblock, and so another root.

    Parameters
    ----------
    descriptor : int
        The file.
    start : bytes
        Its first bytes, as they are to be read.
    """

    def __init__(self, descriptor: int, start: bytes) -> None:
        super().__init__(descriptor)
        self._start = start[:LENGTH]

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read; the start is the given one."""
        begin = self._position
        target = memoryview(buffer).cast("B")
        count = super().readinto(target)
        known = self._start[begin : begin + count]
        target[: len(known)] = known
        return count
