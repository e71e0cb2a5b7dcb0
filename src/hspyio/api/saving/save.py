"""Save signals."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from hspyio.api.arguments import address_of, path_to_save, the_signals, warn_of_doubts, with_suffix
from hspyio.api.loading.experiments import Loaded
from hspyio.api.progress import working
from hspyio.api.saving.navigator import Wanted, fitting_signals, wanted_navigators, with_navigators
from hspyio.errors import ArgumentError, OptionError, Problem, UnsupportedTypeError, warn_user
from hspyio.hdf5.writing.dataset_writer import check_filters
from hspyio.model.given import kind_of
from hspyio.model.signal import Signal
from hspyio.options import WriteOptions
from hspyio.schema import EncodedFile, encode_file
from hspyio.suggestions import quoted
from hspyio.transaction.plan import plan
from hspyio.transaction.replace import check_target
from hspyio.transaction.space import check_space
from hspyio.transaction.transaction import Transaction

__all__ = ["save", "save_all", "signals_with_navigators", "warn_unannotated", "write_new"]


def save(
    path: str | os.PathLike[str],
    signals: Signal | Iterable[Signal],
    *,
    overwrite: bool = False,
    chunks: None | bool | tuple[int, ...] = None,
    compression: None | str | int | Mapping[str, Any] = "gzip",
    compression_opts: Any = None,
    shuffle: bool = True,
    checksum: bool = False,
    nexus: bool = False,
    navigator: None | str | Signal | Sequence[str | Signal] = None,
    threads: int | None = None,
    progress: bool | None = None,
    durable: bool = True,
    storage_options: Mapping[str, Any] | None = None,
) -> str:
    """Save one signal or several in an HSpy file of format 3.3, whole or not at all.

    Every value is checked before the file is touched; then it is written beside the target and
    renamed over it, so that no failure costs the old file.

    Parameters
    ----------
    path : path-like
        The file. A name without ``.hspy``, ``.hdf5`` or ``.h5`` gets ``.hspy``, unless there is a
        file of exactly that name; ``~`` is the home folder. Or an address in a store
        (``s3://``, ``gs://``, ``az://``): then it is written to a temporary file, and uploaded.
    signals : Signal or iterable of Signal
        What to save; equal titles get groups of their own. Signals of HyperSpy and DataArrays of
        xarray are converted.
    overwrite : bool
        Whether a file that exists is replaced.
    chunks : None, True or tuple of int
        ``None``: whole signals, about 1 MB a chunk. ``True``: h5py's guess. A shape: for every
        array of that rank, clipped to the array; other arrays get the default.
    compression : None, str, int or mapping
        ``"gzip"`` (which every program reads), ``None``, ``"lzf"``, ``"szip"``, HDF5's number of
        a filter, or a filter object of hdf5plugin.
    compression_opts : int or tuple, optional
        gzip: a level from 0 to 9 (4 by default); szip: ``("nn", 8)``; else the filter's numbers.
    shuffle : bool
        Whether bytes are shuffled before compression.
    checksum : bool
        Whether the file is sealed: with checksums of every chunk and of all else, in about a
        thousandth of the space. `load` and ``hspy verify`` then notice any later change, by damage
        or by a program that does not know the seal. Other programs read the file as ever.
    nexus : bool
        Whether the file is annotated as NeXus, so that silx, h5web, NeXpy and others plot the
        data with calibrated axes; what NeXus has no form for, such as ragged data, is warned of
        and saved without. HSpy readers read the file as ever.
    navigator : None, "sum", "max", Signal, or a list of these
        The picture of a map, which HyperSpy, `Signal.plot` and the viewer then show at once,
        however large the data are: over the signal axes, made in the pass in which a lazy array
        is computed and written. The first of a list is shown, the others are kept by name. A
        Signal, such as a virtual detector's map, has the navigation axes. Complex values count by
        their modulus. ``None`` keeps one that the metadata have, if it still fits the data.
    threads : int, optional
        How many compress and write at a time; by default ``HSPYIO_NUM_THREADS``, else as many
        as the CPUs that this process may use.
    progress : bool, optional
        Whether to show a progress bar where it takes over a second; by default in a terminal
        or a notebook only.
    durable : bool
        Whether to wait until the file is on the disk, so that a power cut costs nothing either.
    storage_options : dict, optional
        How the store is spoken to; see `load`.

    Returns
    -------
    str
        The path that was written.

    Raises
    ------
    UnsupportedTypeError
        If something cannot be stored without loss; it names every such value, and nothing is
        written.
    TargetExistsError
        If the file exists and `overwrite` is off.
    ArgumentError
        If something is given that is no path, or no signal; it says which call was meant.
    FilterError, OptionError
        If a filter is not available, options make no sense, or the name has the suffix of
        another format; nothing is written.
    SaveError
        If writing fails; what was there before is untouched.

    Warns
    -----
    HspyWarning
        Axes and metadata that are stored as they are and make no sense to programs: a scale of 0
        or nan, points that neither rise nor fall, a title at the top of the metadata.

    Notes
    -----
    Specification: "Format description" and ``chunks`` under "New in version HyperSpy_v1.3.1".
    """
    options = WriteOptions(
        chunks=chunks, compression=compression, compression_opts=compression_opts, shuffle=shuffle,
        checksum=checksum, nexus=nexus, threads=threads, progress=progress, durable=durable,
    )  # fmt: skip
    far = address_of(path, storage_options)
    if far is not None:
        return _save_far(far, signals, options, navigator, storage_options, overwrite=overwrite)
    text = path_to_save(path, "save(path, signal)")
    _save_here(text, signals, options, navigator, overwrite=overwrite)
    return text


def _save_here(
    text: str,
    signals: Any,
    options: WriteOptions,
    navigator: Any,
    *,
    overwrite: bool,
    name: str | None = None,
) -> None:
    """Write a file on this computer; errors call it by a name, if that is another."""
    check_target(text, overwrite=overwrite)
    shown = name or text
    asked = the_signals(signals, "save")
    given, encoded = _encoded(shown, asked, navigator, options)
    write_new(text, encoded, options, overwrite=overwrite)
    for signal in asked:
        if signal.location is not None and os.path.abspath(text) == signal.location.path:
            signal._loaded = Loaded(signal.data)  # that is what stands there now
    warn_unannotated(shown, encoded.unannotated)
    warn_of_doubts(shown, given)


def _save_far(
    address: str,
    signals: Any,
    options: WriteOptions,
    navigator: Any,
    storage_options: Mapping[str, Any] | None,
    *,
    overwrite: bool,
) -> str:
    """Write a temporary file, and upload it whole."""
    from hspyio.api.sandbox import open_temporary_folder
    from hspyio.remote.storage_options import storage_options_of
    from hspyio.remote.upload import target_of

    target = target_of(with_suffix(address), storage_options_of(storage_options))
    target.check(overwrite=overwrite)
    with open_temporary_folder() as folder:
        path = os.path.join(folder, "upload.hspy")
        local = replace(options, durable=False)
        _save_here(path, signals, local, navigator, overwrite=False, name=target.name)
        label = f"uploading {os.path.basename(target.name)}"
        with working(options.threads, options.progress, label) as workers:
            workers.progress.expect(os.path.getsize(path))
            target.upload(path, workers.progress.advance, overwrite=overwrite)
    return target.name


def _encoded(
    path: str, signals: Sequence[Signal], navigator: Any, options: WriteOptions
) -> tuple[list[Signal], EncodedFile]:
    """Signals with their navigators, and what a file of them holds."""
    wanted = wanted_navigators(navigator)
    given = fitting_signals(signals, wanted)
    if wanted:
        given = signals_with_navigators(path, given, wanted, options)
    return given, encode_checked(path, given, nexus=options.nexus)


def save_all(
    files: Mapping[Any, Signal | Iterable[Signal]],
    *,
    overwrite: bool = False,
    chunks: None | bool | tuple[int, ...] = None,
    compression: None | str | int | Mapping[str, Any] = "gzip",
    compression_opts: Any = None,
    shuffle: bool = True,
    checksum: bool = False,
    nexus: bool = False,
    navigator: None | str | Signal | Sequence[str | Signal] = None,
    threads: int | None = None,
    progress: bool | None = None,
    durable: bool = True,
) -> list[str]:
    """Save several files in one pass: what their lazy signals share is read and computed once.

    The signals of one file share as well, in `save` too. No target is touched before everything is
    written beside it, and checked: an error until then, in whichever file, leaves all as it was.
    Then the files get their names, one after the other in the order of `files`. Should the system
    refuse the third its name, or the power fail then, the first two are the new ones, and the
    others as they were; each is whole.

    Parameters
    ----------
    files : mapping of path-like to Signal or iterable of Signal
        What is saved, and where.
    overwrite, ..., durable
        As for `save`, for every file.

    Returns
    -------
    list of str
        The paths that were written, in the same order.

    Raises
    ------
    OptionError
        If two of the paths are of one file.
    HspyError
        As `save`.

    Examples
    --------
    >>> s = hspyio.load("map.hspy", lazy=True)  # doctest: +SKIP
    >>> total, peak = hspyio.Signal(s.data.sum(-1)), hspyio.Signal(s.data.max(-1))  # doctest: +SKIP
    >>> hspyio.save_all({"total.hspy": total, "peak.hspy": peak})  # doctest: +SKIP
    """
    options = WriteOptions(
        chunks=chunks, compression=compression, compression_opts=compression_opts, shuffle=shuffle,
        checksum=checksum, nexus=nexus, threads=threads, progress=progress, durable=durable,
    )  # fmt: skip
    given = _targets(files, overwrite=overwrite)
    made = {
        path: _encoded(path, the_signals(signals, "save"), navigator, options)
        for path, signals in given.items()
    }
    _write_all({path: encoded for path, (_, encoded) in made.items()}, options, overwrite)
    for path, (signals, encoded) in made.items():
        warn_unannotated(path, encoded.unannotated)
        warn_of_doubts(path, signals)
    return list(made)


def _targets(files: object, *, overwrite: bool) -> dict[str, Any]:
    """What is to be saved by the paths that are written, each once."""
    if not isinstance(files, Mapping):
        raise ArgumentError(
            f"files is a {kind_of(files)}; hspyio.save_all({{path: signal, ...}}) takes a dict"
        )
    found: dict[str, Any] = {}
    places: dict[str, str] = {}
    for path, signals in files.items():
        text = path_to_save(path, "save_all({path: signal})")
        check_target(text, overwrite=overwrite)
        place = os.path.realpath(text)
        if place in places:
            raise OptionError(f"is the file that {quoted(places[place])} is, too", path=text)
        places[place] = text
        found[text] = signals
    return found


def _write_all(encoded: Mapping[str, EncodedFile], options: WriteOptions, overwrite: bool) -> None:
    """Write encoded signals as new files, all of them planned and checked first."""
    roots = {path: plan(one.root(), options) for path, one in encoded.items()}
    for path, root in roots.items():
        check_filters(root)
        check_space(path, root)
    label = f"saving {len(roots)} files"
    with working(options.threads, options.progress, label) as workers, ExitStack() as held:
        transactions = []
        for path, root in roots.items():
            new = Transaction.new(path, overwrite=overwrite, durable=options.durable)
            tx = held.enter_context(new)
            tx.write(root)
            for name in encoded[path].experiments if options.checksum else ():
                tx.seal(name)
            transactions.append(tx)
        Transaction.commit_together(transactions, workers)


def encode_checked(path: str, signals: Sequence[Signal], *, nexus: bool) -> EncodedFile:
    """Encode signals for a new file, or refuse them with every problem."""
    encoded = encode_file(signals, nexus=[nexus] * len(signals))
    if encoded.problems:
        raise UnsupportedTypeError(encoded.problems, path=path)
    return encoded


def signals_with_navigators(
    path: str, signals: Sequence[Signal], wanted: Sequence[Wanted], options: WriteOptions
) -> list[Signal]:
    """Signals with their navigators: computed here, or planned where the data are lazy."""
    label = f"navigator of {os.path.basename(path)}"
    with working(options.threads, options.progress, label) as workers:
        return [with_navigators(signal, wanted, workers) for signal in signals]


def warn_unannotated(path: str | os.PathLike[str], problems: Sequence[Problem]) -> None:
    """One warning for all that NeXus viewers will not find."""
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        message = f"{os.fspath(path)}: not everything can be shown by NeXus viewers:{lines}"
        warn_user(message)


def write_new(
    path: str | os.PathLike[str],
    encoded: EncodedFile,
    options: WriteOptions,
    *,
    overwrite: bool = True,
) -> None:
    """Write encoded signals as a new file, planned and checked before anything is touched."""
    root = plan(encoded.root(), options)
    check_filters(root)
    text = os.fspath(path)
    check_space(text, root)
    with (
        working(options.threads, options.progress, f"saving {os.path.basename(text)}") as workers,
        Transaction.new(text, overwrite=overwrite, durable=options.durable) as tx,
    ):
        tx.write(root)
        for name in encoded.experiments if options.checksum else ():
            tx.seal(name)
        tx.commit(workers)
