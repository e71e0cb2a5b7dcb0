"""What users ask for: how to read and how to write, frozen and validated; what a function takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from hspyio.errors import ArgumentError, OptionError
from hspyio.suggestions import quoted

__all__ = ["ReadOptions", "WriteOptions", "public"]

F = TypeVar("F", bound=Callable[..., Any])

_NONE = type(None)
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "bool": ((bool, np.bool_), "True or False"),
    "bool | None": ((bool, np.bool_, _NONE), "True, False or None"),
    "bool | str": ((bool, np.bool_, str), "True, False or a text"),
    "float": ((int, float, np.integer, np.floating), "a number"),
    "int": ((int, np.integer), "a whole number"),
    "int | None": ((int, np.integer, _NONE), "a whole number, or None"),
    "str": ((str,), "a text"),
    "str | None": ((str, _NONE), "a text, or None"),
    "Literal['raise', 'warn']": ((str,), "'raise' or 'warn'"),
    "Mapping[str, Any] | None": ((Mapping, _NONE), "a dict, or None"),
    "Sequence[str]": ((list, tuple), "a list of texts"),
    "Sequence[Hashable] | None": ((str, list, tuple, _NONE), "a list, or None"),
}
"""Types of options as signatures have them: what is taken for one, and what is told of others."""


def public(function: F) -> F:
    """What users call: a wrong option is told, and to a wrong call the one that was meant.

    Options are what is given by name only. `inspect` and type checkers see the function itself.
    """
    kinds = {}
    for name in function.__kwdefaults__ or ():
        if (kind := _KINDS.get(function.__annotations__[name])) is not None:
            kinds[name] = kind

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for name, value in kwargs.items():
            if name in kinds and not isinstance(value, kinds[name][0]):
                raise ArgumentError(f"{name} is {quoted(value)}; use {kinds[name][1]}")
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # from within
        from hspyio.calls import wrong_call

        raise ArgumentError(wrong_call(function, args, kwargs))

    return cast(F, call)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How to read.

    Attributes
    ----------
    lazy : bool
        Arrays become dask arrays.
    chunks : "auto", "storage" or tuple of int
        Chunks of the dask arrays.
    original_metadata : bool
        Whether that tree is read.
    errors : "raise" or "warn"
        What damaged data do.
    allow_external : bool
        Whether external links, external storage and virtual datasets are followed.
    exact : bool
        Whether types are restored; else the specification's reading.
    check : bool
        Whether what is read is compared with its seal, where it has one.
    threads : int or None
        How many at most; ``None`` for ``HSPYIO_NUM_THREADS``, else the CPUs of this process.
    isolated : bool
        Whether another process reads the file.
    progress : bool or None
        Whether a bar is shown; ``None`` in a terminal or a notebook only.
    released : bool
        Whether the files of lazy arrays are open only while they are read: for very many.
    """

    lazy: bool = False
    chunks: str | tuple[int, ...] = "auto"
    original_metadata: bool = True
    errors: str = "raise"
    allow_external: bool = False
    exact: bool = True
    isolated: bool = False
    check: bool = True
    threads: int | None = None
    progress: bool | None = None
    released: bool = False

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        _as_tuples(self, "chunks")
        if self.errors not in ("raise", "warn"):
            raise OptionError(f"errors is {self.errors!r}; use 'raise' or 'warn'")
        if self.isolated and self.lazy:
            raise OptionError("isolated=True reads all at once: it does not go with lazy=True")
        chunks: object = self.chunks
        shape = isinstance(chunks, tuple) and all(_is_count(n) and n > 0 for n in chunks)
        if not (shape or (isinstance(chunks, str) and chunks in ("auto", "storage"))):
            raise OptionError(f"chunks is {chunks!r}; use 'auto', 'storage' or a shape")
        _check_threads(self.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How to write.

    Attributes
    ----------
    chunks : None, True or tuple of int
        ``None`` for whole signals of about 1 MB, ``True`` for h5py's guess, or a shape for every
        array of that rank.
    compression : None, str, int or mapping
        ``"gzip"``, ``"lzf"``, ``"szip"``, the number of an HDF5 filter, or a filter object of
        hdf5plugin.
    compression_opts : int, tuple or None
        gzip: level 0 to 9; szip: ``(coding, pixels)``; else the filter's numbers.
    shuffle, fletcher32 : bool
        Byte shuffling before compression; a checksum a chunk.
    scaleoffset : int, True or None
        HDF5's scale-offset filter: integers in as few bits as they need; floats, of a signal's
        data only, rounded to that many decimal digits.
    maxshape : tuple or None
        How far ``data`` may be resized by other programs.
    checksum : bool
        Whether the file is sealed, so that any later change is noticed.
    nexus : bool
        Whether what is written is annotated for NeXus viewers.
    threads, progress
        As in `ReadOptions`.
    durable : bool
        Whether to wait until the file is on the disk.
    """

    chunks: None | bool | tuple[int, ...] = None
    compression: None | str | int | Mapping[str, Any] = "gzip"
    compression_opts: Any = None
    shuffle: bool = True
    fletcher32: bool = False
    scaleoffset: int | bool | None = None
    maxshape: tuple[int | None, ...] | None = None
    checksum: bool = False
    nexus: bool = False
    threads: int | None = None
    progress: bool | None = None
    durable: bool = True

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        _as_tuples(self, "chunks", "maxshape")
        chunks = self.chunks
        if chunks is False or not (chunks is None or chunks is True or isinstance(chunks, tuple)):
            raise OptionError(f"chunks is {chunks!r}; use None, True or a shape")
        digits = self.scaleoffset
        if not (digits is None or isinstance(digits, bool) or _is_count(digits)):
            raise OptionError(f"scaleoffset is {digits!r}; use None, True or a number of digits")
        limits: object = self.maxshape
        if limits is not None and not (
            isinstance(limits, tuple) and all(n is None or _is_count(n) for n in limits)
        ):
            raise OptionError(f"maxshape is {limits!r}; use a shape, with None for unlimited")
        for name in ("checksum", "nexus"):
            if not isinstance(value := getattr(self, name), bool):
                raise OptionError(f"{name} is {value!r}; use True or False")
        _check_threads(self.threads)


def _as_tuples(options: ReadOptions | WriteOptions, *names: str) -> None:
    """Shapes may be given as lists, as numpy and h5py take them."""
    for name in names:
        value: object = getattr(options, name)
        if isinstance(value, list):
            object.__setattr__(options, name, tuple(value))


def _check_threads(threads: object) -> None:
    if threads is not None and not (_is_count(threads) and threads):
        raise OptionError(f"threads is {threads!r}; use a whole number above 0, or None")


def _is_count(value: object) -> bool:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return whole and int(value) >= 0  # type: ignore[call-overload]
