"""A matplotlib Figure that a notebook shows by itself."""

from __future__ import annotations

import io
import os
import warnings

from matplotlib.figure import Figure

from hspyio.api.arguments import path_text
from hspyio.errors import OptionError
from hspyio.transaction.replace import check_is_other, check_target, write_bytes

__all__ = ["FORMATS", "SignalFigure", "check_picture"]

FORMATS = (".png", ".pdf", ".svg")


def check_picture(path: str | os.PathLike[str], *, overwrite: bool) -> str:
    """The extension of a picture that is to be written; an error where that can't be."""
    text = path_text(path, "plot(path)")
    suffix = os.path.splitext(text)[1].lower()
    if suffix not in FORMATS:
        raise OptionError(f"ends with {suffix!r}; known are {', '.join(FORMATS)}", path=text)
    check_target(text, overwrite=overwrite)
    return suffix


class SignalFigure(Figure):
    """A figure outside of pyplot.

    Pyplot keeps every figure until it is closed, chooses a window system, and shows a figure once
    more at the end of a notebook's cell. This one belongs to whoever holds it, needs no screen,
    and is shown once, where it is the value of a cell. ``savefig`` works as always.

    Attributes
    ----------
    source : str or None
        The file that was drawn, which no picture may replace.
    """

    source: str | None = None

    def _repr_png_(self) -> bytes:
        return self._content("png", None)

    def write(
        self, path: str | os.PathLike[str], *, dpi: float | None = None, overwrite: bool = False
    ) -> int:
        """Save it, whole or not at all.

        Parameters
        ----------
        path : path-like
            The new file; its name ends with one of `FORMATS`.
        dpi : float, optional
            Points an inch; the figure's own without it.
        overwrite : bool
            Whether a file is replaced.

        Returns
        -------
        int
            The size of the file in bytes.

        Raises
        ------
        OptionError
            If the name ends with something else, or leads to the file that was drawn.
        MissingFileError, TargetExistsError, SaveError
            If the file exists, or cannot be written; what was there is untouched.
        """
        text = path_text(path)
        suffix = check_picture(text, overwrite=overwrite)
        if self.source is not None:
            check_is_other(self.source, text)
        content = self._content(suffix[1:], dpi)
        write_bytes(os.path.realpath(text), content)
        return len(content)

    def _content(self, kind: str, dpi: float | None) -> bytes:
        buffer = io.BytesIO()
        with warnings.catch_warnings():
            # A character that the font lacks is a box in the picture, and no reason to complain.
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            warnings.filterwarnings("ignore", "Matplotlib currently does not support")
            self.savefig(buffer, format=kind, dpi="figure" if dpi is None else dpi)
        return buffer.getvalue()
