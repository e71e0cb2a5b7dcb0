"""What the system refuses -> errors of ours that name the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hspyio.errors import (
    FilePermissionError,
    HspyError,
    MissingFileError,
    SaveError,
    UnreadableFileError,
)

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["named_errors", "system_error"]


class named_errors:  # noqa: N801 # a context manager, as a class: each open goes through several
    """Within this, what the system refuses becomes an error of ours that names the file.

    Parameters
    ----------
    path : str
        The file.
    doing : str
        What is done with it: ``"read"`` or ``"written"``.
    """

    __slots__ = ("_doing", "_path")

    def __init__(self, path: str, doing: str = "read") -> None:
        self._path, self._doing = path, doing

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Turn an error of the system's into one of ours."""
        if isinstance(error, OSError) and not isinstance(error, HspyError):
            raise system_error(error, self._path, self._doing) from None


def system_error(error: OSError, path: str, doing: str = "read") -> HspyError:
    """The error of ours for one of the system."""
    reason = error.strerror or str(error)
    if doing != "read":
        return SaveError(f"cannot be {doing}: {reason}", path=path)
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return MissingFileError("no such file", path=path)
    if isinstance(error, PermissionError):
        return FilePermissionError(f"cannot be read: {reason}; ask its owner for access", path=path)
    return UnreadableFileError(f"cannot be read: {reason}", path=path)
