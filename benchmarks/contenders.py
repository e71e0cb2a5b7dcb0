"""hspyio and RosettaSciIO's ``hspy``, each as its users call it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import dask.array as da
import rsciio.hspy as rosettasciio

import hspyio
from benchmarks.exchange import TITLE, Dataset, exchange_dict
from benchmarks.measure import Step
from hspyio.arrays.workers import Workers, thread_count
from hspyio.bridges.exporting.export_zspy import write_zspy


def our_signal(dataset: Dataset, *, lazy: bool = False) -> hspyio.Signal:
    return hspyio.Signal(
        as_lazy(dataset) if lazy else dataset.data,
        signal_dimension=dataset.signal_dimension,
        metadata=dataset.metadata,
        original_metadata=dataset.original_metadata,
    )


def as_lazy(dataset: Dataset) -> Any:
    """Its array as HyperSpy's ``as_lazy`` makes that of 128 MiB: in two blocks of whole signals."""
    rows, *rest = dataset.data.shape
    return da.from_array(dataset.data, chunks=(rows // 2, *rest))


def our_writing(
    dataset: Dataset,
    path: Path,
    *,
    compression: str | None = "gzip",
    threads: int | None = None,
    durable: bool = False,
    lazy: bool = False,
    navigator: str | None = None,
) -> Step:
    signal = our_signal(dataset, lazy=lazy)

    def run() -> None:
        hspyio.save(
            path,
            signal,
            overwrite=True,
            compression=compression,
            threads=threads,
            durable=durable,
            progress=False,
            navigator=navigator,
        )

    # As for RosettaSciIO: what an old file takes to delete is no matter of writing.
    return Step(run, before=lambda: path.unlink(missing_ok=True))


def our_reading(path: Path, *, threads: int | None = None) -> Step:
    return Step(lambda: hspyio.load(path, threads=threads, progress=False))


def our_zspy_writing(dataset: Dataset, path: Path) -> Step:
    """What ``export`` to a .zspy does with a signal; from memory, as RosettaSciIO's is timed."""
    signals = {TITLE: our_signal(dataset)}

    def run() -> None:
        workers = Workers(thread_count(None))
        write_zspy(signals, str(path), workers, compress=True, zipped=False)

    return Step(run, before=lambda: shutil.rmtree(path, ignore_errors=True))


def their_writing(
    dataset: Dataset, path: Path, *, compression: Any = "gzip", lazy: bool = False
) -> Step:
    made = as_lazy(dataset) if lazy else dataset.data

    def run() -> None:
        signal = exchange_dict(dataset) | {"data": made}
        signal["attributes"]["_lazy"] = lazy
        rosettasciio.file_writer(path, signal, compression=compression, show_progressbar=False)

    return Step(run, before=lambda: path.unlink(missing_ok=True))


def their_reading(path: Path) -> Step:
    return Step(lambda: rosettasciio.file_reader(path))


def our_lazy_writing(source: Path, path: Path, *, navigator: str | None = None) -> Step:
    """Compute what a lazily loaded file holds, and save it, on threads."""

    def run() -> None:
        signal = hspyio.load(source, lazy=True)
        hspyio.save(
            path, signal, overwrite=True, durable=False, progress=False, navigator=navigator
        )

    return Step(run)


def their_lazy_writing(source: Path, path: Path, dataset: Dataset) -> Step:
    """The same; `dataset` tells what else belongs to the signal."""

    def run() -> None:
        signal = {**exchange_dict(dataset), "data": their_lazy(source)}
        signal["attributes"] = {"_lazy": True, "ragged": False}
        rosettasciio.file_writer(path, signal, show_progressbar=False)

    return Step(run, before=lambda: path.unlink(missing_ok=True))


def our_lazy(path: Path) -> Any:
    """The data as a dask array."""
    return hspyio.load(path, lazy=True).data


def their_lazy(path: Path) -> Any:
    return cast("list[dict[str, Any]]", rosettasciio.file_reader(path, lazy=True))[0]["data"]
