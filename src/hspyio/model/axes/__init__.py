"""The axes of a signal: what each dimension of its data means."""

from hspyio.model.axes.collection import Axes, axes_table, default_axes
from hspyio.model.axes.dicts import axis_from_dict, axis_to_dict, unknown_keys
from hspyio.model.axes.fitting import axes_for, misfit_message, misfits
from hspyio.model.axes.kinds import Axis, DataAxis, FunctionalAxis, UniformAxis, doubts

__all__ = [
    "Axes",
    "Axis",
    "DataAxis",
    "FunctionalAxis",
    "UniformAxis",
    "axes_for",
    "axes_table",
    "axis_from_dict",
    "axis_to_dict",
    "default_axes",
    "doubts",
    "misfit_message",
    "misfits",
    "unknown_keys",
]
