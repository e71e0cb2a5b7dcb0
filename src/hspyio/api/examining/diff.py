"""What differs between two files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from hspyio.api.arguments import file_of, is_far, name_of
from hspyio.api.examining.reports import Differences
from hspyio.api.loading.experiments import Experiments
from hspyio.compare import EXACTLY, Difference, Terms, compare_arrays, compare_values, parts_of
from hspyio.errors import OptionError
from hspyio.hdf5.limits import MOST_GROWTH, UNSUSPICIOUS
from hspyio.hdf5.snapshot import Snapshot
from hspyio.model.signal import Signal
from hspyio.options import ReadOptions

__all__ = ["diff"]


def diff(
    one: str | os.PathLike[str] | BinaryIO,
    other: str | os.PathLike[str] | BinaryIO,
    *,
    name: str | None = None,
    rtol: float = 0.0,
    atol: float = 0.0,
    data: bool = True,
    stamps: bool = False,
    strict: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> Differences:
    """Find what differs between two files: data, axes, metadata, results, models.

    Experiments are matched by the names of their groups, those left over by their titles; where
    each file has but one, these two are compared whatever they are called. Data are read a block
    at a time, so that files of any size take little memory.

    Parameters
    ----------
    one, other : path-like or file object
        The files, of any format version, or their addresses; see `hspyio.load`.
    name : str, optional
        The only experiment to compare, in both files.
    rtol, atol : float
        Numbers differ where ``|a - b| > atol + rtol * |b|``; nan equals nan.
    data : bool
        Whether the data are compared; else only their shape and dtype.
    stamps : bool
        Whether it counts which program wrote a file, and when, and what HyperSpy notes for
        itself: ``metadata.General.FileIO``, ``metadata._HyperSpy``, the versions of the format
        and of the package.
    strict : bool
        Whether types and the order of keys count too: a tuple for a list, 1.0 for 1.
    storage_options : dict, optional
        See `hspyio.load`; for those of the files that are far away.

    Returns
    -------
    Differences
        A sequence of `Difference`, true if there is any; printed it is a report. They are found
        as they are asked for.

    Raises
    ------
    MissingFileError, NotHspyError, ExperimentError, DamagedFileError
        If a file cannot be read.
    OptionError
        If a tolerance is no number from 0 up.
    """
    if not (rtol >= 0 and atol >= 0):
        raise OptionError(f"rtol is {rtol!r} and atol {atol!r}; use numbers from 0 up")
    files = [
        _file(given, argument, storage_options)
        for given, argument in ((one, "one"), (other, "other"))
    ]
    first, second = (Experiments(file, ReadOptions(lazy=True)) for file in files)
    found = _found(
        first,
        second,
        name_of(name, "diff(one, other, name='HAADF')"),
        Terms(rtol, atol, stamps),
        data=data,
        strict=strict,
    )
    next(found)  # the files are open now, or an error has said why not
    kept = (difference for difference in found if difference is not None)
    return Differences(first.path, second.path, kept)


def _file(given: Any, argument: str, options: Mapping[str, Any] | None) -> str | Snapshot:
    """A file; one on this computer may be compared with one that is far away."""
    if options is not None and "store" not in options and not is_far(given):
        options = None
    return file_of(given, "diff(one, other)", argument, storage_options=options)


def _found(
    one: Experiments,
    other: Experiments,
    name: str | None,
    terms: Terms,
    *,
    data: bool,
    strict: bool,
) -> Iterator[Difference | None]:
    """None once the files are open, then the differences."""
    terms = replace(terms, most=UNSUSPICIOUS + MOST_GROWTH * max(one.size, other.size))
    with one as first, other as second:
        yield None
        if name is None:
            yield from _files(first, second, terms)
            pairs = _matched(first, second)
        else:
            pairs = [(name, name)]
        for mine, theirs in pairs:
            if mine is None or theirs is None:
                what = "experiment added" if mine is None else "experiment removed"
                yield Difference(experiment=mine or theirs or "", where="", what=what)
                continue
            with first[mine] as before, second[theirs] as after:
                for found in _signals(before, after, terms, data=data, strict=strict):
                    yield replace(found, experiment=mine if len(pairs) > 1 else "")


def _matched(one: Experiments, other: Experiments) -> list[tuple[str | None, str | None]]:
    """Pairs of groups, in the order of the first file; None where one has no partner."""
    if len(one) == 1 and len(other) == 1:
        return [(next(iter(one)), next(iter(other)))]
    partner = {group: group for group in one if group in list(other)}
    left = [group for group in other if group not in partner]
    for group in one:
        titled = [name for name in left if other.titles[name] == one.titles[group]]
        if group not in partner and len(titled) == 1 and one.titles[group]:
            partner[group] = titled[0]
            left.remove(titled[0])
    pairs: list[tuple[str | None, str | None]] = [(group, partner.get(group)) for group in one]
    return [*pairs, *((None, group) for group in left)]


def _files(one: Experiments, other: Experiments, terms: Terms) -> Iterator[Difference]:
    """What belongs to a file and to none of its experiments."""
    if terms.stamps and one.version != other.version:
        yield Difference(
            where="format version", what="changed", one=one.version, other=other.version
        )
    yield from compare_values(one.attrs, other.attrs, "attributes of the file", terms)
    yield from compare_values(one.models, other.models, "models of no signal", terms)


def _signals(
    one: Signal, other: Signal, terms: Terms, *, data: bool, strict: bool
) -> Iterator[Difference]:
    if data:
        yield from compare_arrays(one.data, other.data, "data", terms)
    else:
        yield from _looks(one, other)
    mine, theirs = parts_of(one, terms), parts_of(other, terms)
    for part in mine:
        yield from compare_values(mine[part], theirs[part], part, EXACTLY if strict else terms)


def _looks(one: Signal, other: Signal) -> Iterator[Difference]:
    for what in ("dtype", "shape"):
        mine, theirs = (getattr(signal.data, what) for signal in (one, other))
        if mine != theirs:
            yield Difference(
                where="data", what=f"the {what} {mine} became {theirs}", one=mine, other=theirs
            )
