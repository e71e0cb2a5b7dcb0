"""Signal -> matplotlib figure: the right picture for its dimensions, in little memory."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hspyio.api.progress import working
from hspyio.bridges.plotting.choose import picture_of
from hspyio.bridges.plotting.draw import draw, size_of
from hspyio.errors import ArgumentError, MissingPackageError, OptionError
from hspyio.model.given import kind_of
from hspyio.model.signal import Signal, signal_of

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
    """Draw a signal: a line, an image, or a navigator beside the mean signal.

    Lazy data are read block by block, each once, and never held as a whole. The caption says what
    was done to the data for the picture.

    Parameters
    ----------
    signal : Signal
        Any; ragged, complex and coloured ones too. Those of HyperSpy and xarray are converted.
    path : path-like, optional
        Where the picture is saved as well, as .png, .pdf or .svg.
    log : bool, optional
        Whether intensities are logarithmic. Without it those of diffraction patterns are that
        span decades.
    figure : matplotlib.figure.Figure, optional
        An empty one to draw into, such as ``plt.figure(layout="constrained")`` for a window.
        Without it one is made that belongs to nobody else: pyplot does not know it.
    most_bytes : int, optional
        Read no more than about so many bytes of the data, in blocks spread at random.
    threads : int, optional
        How many blocks of lazy data are read at a time.
    progress : bool, optional
        Whether work of more than a second shows a bar; without it in terminals and notebooks.
    overwrite : bool
        Whether a picture that exists is replaced.

    Returns
    -------
    matplotlib.figure.Figure
        A notebook shows it, once; ``figure.savefig("map.png")`` saves it, and its own
        ``figure.write("map.png")`` too, whole or not at all.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    AxesError
        If the axes do not fit the data.
    ConversionError
        If there are no values, or none that can be drawn.
    """
    if find_spec("matplotlib") is None:
        raise MissingPackageError("matplotlib is not installed; `pip install matplotlib` does it")
    from hspyio.bridges.plotting.figure import SignalFigure, check_picture

    whole = _given(signal)
    if path is not None:
        if figure is not None and not isinstance(figure, SignalFigure):
            raise OptionError("a figure of yours is saved by figure.savefig(path); leave path out")
        check_picture(path, overwrite=overwrite)
    with working(threads, progress, "drawing") as work:
        picture = picture_of(whole, log=log, most_bytes=most_bytes, work=work)
    target: Any = figure
    if target is None:
        target = SignalFigure(figsize=size_of(picture), layout="constrained")
        target.source = None if whole.location is None else whole.location.path
    draw(picture, target)
    if path is not None:
        target.write(path, overwrite=overwrite)
    return target  # type: ignore[no-any-return]


def _given(signal: Any) -> Signal:
    """The signal that is given; a path was meant to be loaded."""
    whole = signal_of(signal)
    if whole is not None:
        return whole
    if isinstance(signal, str | os.PathLike):
        raise ArgumentError("signal is a path; hspyio.plot(hspyio.load(path)) draws what is in it")
    raise ArgumentError(
        f"signal is a {kind_of(signal)}; hspyio.plot(hspyio.Signal(array)) draws an array"
    )
