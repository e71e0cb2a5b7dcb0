"""Give an experiment of a file a navigator: one pass over its data, which stay as they are."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hspyio.api.arguments import name_of, path_of_file
from hspyio.api.changing.edit import open_to_change, rewrite_experiment
from hspyio.api.loading.experiments import read_signal
from hspyio.api.loading.open_file import select
from hspyio.api.progress import working
from hspyio.api.saving.navigator import fitting_signals, wanted_navigators, with_navigators
from hspyio.arrays.reduction import is_reducible, reduce_by_parts
from hspyio.errors import ExperimentError, OptionError
from hspyio.model.signal import Signal
from hspyio.options import ReadOptions, WriteOptions
from hspyio.printable import dtype_text
from hspyio.system.refusals import named_errors

__all__ = ["add_navigator"]

_LAZILY = ReadOptions(lazy=True)


def add_navigator(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    navigator: str | Signal | Sequence[str | Signal] = "sum",
    threads: int | None = None,
    progress: bool | None = None,
    durable: bool = True,
) -> None:
    """Give an experiment a navigator, the picture that programs show of a lazy map at once.

    The data are read once, in bounded memory, and stay where they are; the navigators that the
    experiment had are replaced.

    Parameters
    ----------
    path : path-like
        The file.
    name : str, optional
        The experiment, by the name of its group or by a title that only it has.
    navigator : "sum", "max", Signal, or a list of these
        See `save`.
    threads, progress, durable
        See `save`.

    Raises
    ------
    MissingFileError, NotHspyError
        If there is no such file, or it is no HSpy file.
    ExperimentError
        If it is not clear which experiment is meant, or it has no map.
    OptionError, SaveError
        See `save`; the file is untouched.

    Notes
    -----
    Specification: a signal in ``metadata``, at ``_HyperSpy.navigator``, where HyperSpy has it.
    """
    path = path_of_file(path, "add_navigator(path)")
    name = name_of(name, "add_navigator(path, name='HAADF')")
    wanted = wanted_navigators(navigator)
    if not wanted:
        raise OptionError("navigator is None; use 'sum', 'max' or a Signal", path=path)
    options = WriteOptions(threads=threads, progress=progress, durable=durable)
    with named_errors(path), open_to_change(path, options, _LAZILY) as (tx, file):
        group = select(file.contents, name, path)
        signal = read_signal(file, group)
        if signal.ragged or not (signal.axes.navigation and signal.axes.signal):
            raise ExperimentError(
                "has no map: a navigator is made over the signal axes of data that navigate",
                path=path,
                where=f"/Experiments/{group}",
            )
        if not is_reducible(signal.data.dtype) and any(isinstance(one, str) for one in wanted):
            raise OptionError(
                f"values of type {dtype_text(signal.data.dtype)} cannot be added; give a Signal "
                "as navigator",
                path=path,
            )
        fitting_signals([signal], wanted)
        with working(threads, progress, f"navigator of {os.path.basename(path)}") as workers:
            made = with_navigators(signal, wanted, workers, reduce_by_parts)
        rewrite_experiment(tx, file, group, made)
