"""Signal or file -> a local web application, on Bokeh's server, that shows it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hspyio.api.arguments import name_of, path_text
from hspyio.bridges.viewer.library import Library
from hspyio.errors import ExperimentError
from hspyio.model.signal import signal_of
from hspyio.packages import check_there
from hspyio.suggestions import listing, quoted

if TYPE_CHECKING:
    from hspyio.bridges.viewer.server import Viewer

__all__ = ["view"]


def view(
    target: str | os.PathLike[str] | Any,
    name: str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    prefix: str = "",
    origins: Sequence[str] = (),
    follow: bool = False,
) -> Viewer:
    """Show a file or a signal in the browser: a navigator and the signal at its pointer, linked.

    Data of any size are read chunk by chunk as they are looked at, and never changed; what is
    added to the file is a map, when its button is pressed. In a notebook the viewer stands in the
    cell; elsewhere ``viewer.open()`` opens a browser, ``viewer.wait()`` waits for Ctrl-C, and
    ``viewer.close()`` ends it.

    Parameters
    ----------
    target : path-like or Signal
        An HSpy file, or a signal; also one of HyperSpy's or a DataArray of xarray.
    name : str, optional
        The experiment of the file that is shown first, by its group or its title.
    host : str
        The address of this computer that is listened at; the default one is seen by itself only.
    port : int
        0 for any that is free.
    prefix : str
        What the path of the address begins with, where a proxy passes it on.
    origins : sequence of str
        Hosts, with their ports, under which a proxy shows it, such as ``"hub.example.org"``; where
        none is named, a JupyterHub or a `prefix` is shown under any, to who has the token.
    follow : bool
        Whether windows go along with a file that is being written (`hspyio.create`): they show each
        new state of it, and the last frame, unless the pointer was put elsewhere.

    Returns
    -------
    Viewer
        It runs until it is closed, or this process ends.

    Raises
    ------
    MissingPackageError
        If Bokeh is not installed.
    MissingFileError, NotHspyError
        If there is no such file, or it is no HSpy file.
    ExperimentError
        If there is no experiment of that name.
    OptionError
        If the port is taken, or the address none of this computer's.

    Examples
    --------
    >>> viewer = hspyio.view("map.hspy")  # doctest: +SKIP
    """
    signal = signal_of(target)
    if signal is None and not isinstance(target, str | os.PathLike):
        path_text(target, "view(target)", "target")  # says what it is
    shown = name_of(name, "view(target, name='HAADF')")
    library = Library(target if signal is None else signal)
    try:
        first = _first(library, shown)
        library.item(first)
        check_there("bokeh")
    except BaseException:
        library.close()
        raise
    from hspyio.bridges.viewer.server import Viewer

    return Viewer(
        library, first, host=host, port=port, prefix=prefix, origins=origins, follow=follow
    )


def _first(library: Library, name: str | None) -> str:
    """The group of the experiment that is shown first."""
    titles = library.titles
    if name is None or name in titles:
        found = [name] if name else list(titles)
    else:
        found = [group for group, title in titles.items() if title == name]
    if not found or found[0] is None:
        known = listing(list(titles)) or "none"
        message = f"no experiment {quoted(str(name))}; there are: {known}"
        raise ExperimentError(message, path=library.path)
    return found[0]
