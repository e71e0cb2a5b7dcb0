"""Signal -> matplotlib figure: the right picture for its dimensions, in little memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hspyio.api.progress import working
from hspyio.bridges.plotting.choose import picture_of
from hspyio.bridges.plotting.draw import draw, size_of
from hspyio.errors import ArgumentError, OptionError
from hspyio.model.given import kind_of
from hspyio.model.signal import Signal
from hspyio.packages import check_there

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot"]


def plot(
    signal: Signal,
    path: str | os.PathLike[str] | None = None,
    *,
    log: bool | None = None,
    figure: Figure | None = None,
    most_bytes: int | None = None,
    threads: int | None = None,
    progress: bool | None = None,
    overwrite: bool = False,
) -> Figure:
    """See `Signal.plot`."""
    check_there("matplotlib")
    from hspyio.bridges.plotting.figure import SignalFigure, check_picture

    if not (figure is None or hasattr(figure, "suptitle")):
        raise ArgumentError(
            f"figure is a {kind_of(figure)}; use an empty figure, such as "
            'plt.figure(layout="constrained")'
        )
    if path is not None:
        if figure is not None and not isinstance(figure, SignalFigure):
            raise OptionError("a figure of yours is saved by figure.savefig(path); leave path out")
        check_picture(path, overwrite=overwrite)
    with working(threads, progress, "drawing") as workers:
        picture = picture_of(signal, log=log, most_bytes=most_bytes, workers=workers)
    target: Any = figure
    if target is None:
        target = SignalFigure(figsize=size_of(picture), layout="constrained")
        target.source = None if signal.location is None else signal.location.path
    draw(picture, target)
    if path is not None:
        target.write(path, overwrite=overwrite)
    return target  # type: ignore[no-any-return]
