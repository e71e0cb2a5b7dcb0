"""The axes of a signal: what each dimension of its data means."""

from hspyio.axes.collection import Axes, axes_table, default_axes
from hspyio.axes.dicts import axis_from_dict, axis_to_dict
from hspyio.axes.kinds import Axis, DataAxis, FunctionalAxis, UniformAxis

__all__ = [
    "Axes",
    "Axis",
    "DataAxis",
    "FunctionalAxis",
    "UniformAxis",
    "axes_table",
    "axis_from_dict",
    "axis_to_dict",
    "default_axes",
]
