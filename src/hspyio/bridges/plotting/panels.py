"""What a picture is made of, without a program that draws it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from hspyio.bridges.plotting.scales import Limits, Scale

__all__ = ["Histogram", "Image", "Lines", "Panel", "Picture", "Points"]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over one scale.

    Attributes
    ----------
    scale : Scale
        Where the points lie.
    values : list of numpy.ndarray
        A line each, as long as the scale.
    labels : list of str
        What each is; none for a single one.
    apart : float
        By how much each is drawn above the one before.
    quantity, title : str
        What is drawn, and what it is of.
    log : bool
        Whether the vertical axis is logarithmic.
    """

    scale: Scale
    values: list[NDArray[Any]]
    labels: list[str] = field(default_factory=list)
    apart: float = 0.0
    quantity: str = ""
    title: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """An image, its first row on top.

    Attributes
    ----------
    vertical, horizontal : Scale
        Where rows and columns lie.
    values : numpy.ndarray
        Two dimensions; a third one of 3 or 4 for colours.
    limits : Limits
        What the first and the last colour stand for.
    colours : {"gray", "viridis", "twilight"}
        The colour map.
    quantity, title : str
        What is drawn, and what it is of.
    """

    vertical: Scale
    horizontal: Scale
    values: NDArray[Any]
    limits: Limits
    colours: Literal["gray", "viridis", "twilight"] = "gray"
    quantity: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Points:
    """Points in a plane: an array of shape (n, 2)."""

    values: NDArray[Any]
    labels: tuple[str, str]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values occur: one edge more than counts."""

    edges: NDArray[Any]
    counts: NDArray[Any]
    quantity: str = ""
    title: str = ""


Panel: TypeAlias = Lines | Image | Points | Histogram


@dataclass(frozen=True, slots=True)
class Picture:
    """Panels and what is said about them.

    Attributes
    ----------
    panels : list of Panel
        From left to right.
    layout : {"row", "column", "grid"}
        How they stand: ``"column"`` is an image above a line over the same scale, ``"grid"`` is of
        images with the same colours.
    title : str
        Of the whole.
    notes : list of str
        What was done to the data for the picture, and what is left out of it.
    """

    panels: list[Panel]
    layout: Literal["row", "column", "grid"] = "row"
    title: str = ""
    notes: list[str] = field(default_factory=list)
