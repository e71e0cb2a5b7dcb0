"""What a picture is made of, without a program that draws it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from hspyio.bridges.plotting.scales import Limits, Scale

__all__ = ["Histogram", "Image", "Lines", "Panel", "Picture", "Points"]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over one scale."""

    scale: Scale
    values: list[NDArray[Any]]
    labels: list[str] = field(default_factory=list)
    apart: float = 0.0
    quantity: str = ""
    title: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """An image, its first row on top."""

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
    """Panels and what is said about them."""

    panels: list[Panel]
    layout: Literal["row", "column", "grid"] = "row"
    title: str = ""
    notes: list[str] = field(default_factory=list)
