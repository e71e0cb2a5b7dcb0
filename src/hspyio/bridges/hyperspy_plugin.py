"""hspyio under HyperSpy's ``hs.load`` and ``s.save``, in this process, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hspyio.errors import HspyError
from hspyio.forks import lock_of_module
from hspyio.packages import imported

__all__ = ["disable_hyperspy", "enable_hyperspy"]

_FORMAT = "HSPY"
_API = "api"
_OURS = "hspyio"
_REPLACED = "replaced_by_hspyio"
"""Where the entry keeps what stood there; so the only state is in the list that is changed."""
_SWITCHING = lock_of_module()


def enable_hyperspy() -> None:
    """Let HyperSpy read and write ``.hspy`` files with hspyio, in this process.

    ``hs.load`` and ``s.save`` then use `hspyio.file_reader` and `hspyio.file_writer` for HyperSpy's
    own format, also where ``file_format="HSPY"`` asks for it, as it has to for ``.hdf5``, an
    extension of several formats. Other formats, ``.zspy`` among them, are left alone. It does not
    matter whether HyperSpy is imported before or after; a second call changes nothing.

    Raises
    ------
    MissingPackageError
        If RosettaSciIO, which comes with HyperSpy 2, is not installed.
    HspyError
        If its list of formats has none for ``.hspy``.

    See Also
    --------
    disable_hyperspy : The way back.

    Examples
    --------
    >>> import hspyio
    >>> hspyio.enable_hyperspy()
    >>> s = hs.load("map.hspy")  # doctest: +SKIP
    """
    plugins = list(_plugins())
    if not plugins:
        raise HspyError(
            f"RosettaSciIO lists no format {_FORMAT}; this version of it is not known to hspyio"
        )
    with _SWITCHING:
        for plugin in plugins:
            plugin.setdefault(_REPLACED, plugin[_API])
            plugin[_API] = _OURS  # HyperSpy writes this into its log, so a plain text it has to be


def disable_hyperspy() -> None:
    """Give ``.hspy`` files back to what HyperSpy used before `enable_hyperspy`.

    Lazy signals that hspyio has loaded go on. Without a call of `enable_hyperspy` before it
    changes nothing.

    Raises
    ------
    MissingPackageError
        If RosettaSciIO is not installed.
    """
    plugins = list(_plugins())
    with _SWITCHING:
        for plugin in plugins:
            if _REPLACED in plugin:
                plugin[_API] = plugin.pop(_REPLACED)


def _plugins() -> Iterator[dict[str, Any]]:
    """The entry for ``.hspy`` in RosettaSciIO's list of formats, which HyperSpy goes by."""
    formats = imported("rsciio").IO_PLUGINS
    return (plugin for plugin in formats if plugin.get("name") == _FORMAT)
