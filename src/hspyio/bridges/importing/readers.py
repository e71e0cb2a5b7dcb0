"""Which of RosettaSciIO's readers is for a file, and what it reads.

Only its public interface is used: the list of its plugins and their functions ``file_reader``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from hspyio.bridges.hyperspy import from_hyperspy
from hspyio.bridges.rosettasciio import signal_from_dict
from hspyio.errors import ConversionError, HspyError, OptionError
from hspyio.model.signal import Signal
from hspyio.packages import imported
from hspyio.records import value
from hspyio.suggestions import did_you_mean, quoted

__all__ = ["Reader", "extension", "knows", "read_signals", "readers_of"]

_OUR_OWN = "HSPY"
_SMALL = 256 * 2**20
"""Bytes of a file that is read as a whole, where its reader fails at reading it lazily."""
_AT_ONCE = 64 * 2**20
"""Bytes of data that are read as a whole, as HyperSpy does: less of a reader has to be right."""
_WRONG_LAZILY = {"PantaRhei"}
"""Readers that give other values lazily (RosettaSciIO 0.15, where the file is compressed)."""


@value
class Reader:
    """A reader of RosettaSciIO.

    Attributes
    ----------
    name : str
        As RosettaSciIO calls it.
    module : str
        The package that has its ``file_reader``.
    """

    name: str
    module: str

    def function(self) -> Callable[..., list[dict[str, Any]]]:
        """Its ``file_reader``; importing it may fail for want of another package."""
        found: Callable[..., list[dict[str, Any]]] = import_module(self.module).file_reader
        return found


def extension(path: str) -> str:
    """The end of a name as RosettaSciIO's list has it: without the dot, in small letters."""
    return os.path.splitext(path.rstrip("/\\"))[1].lower().lstrip(".")


def _plugins() -> Sequence[Mapping[str, Any]]:
    plugins: Sequence[Mapping[str, Any]] = imported("rsciio").IO_PLUGINS
    return plugins


def knows(path: str) -> bool:
    """Whether some reader is for files of such a name."""
    wanted = extension(path)
    return any(wanted in map(str.lower, plugin["file_extensions"]) for plugin in _plugins())


def readers_of(path: str, wanted: str | None) -> list[Reader]:
    """The readers to try, in RosettaSciIO's order.

    Raises
    ------
    OptionError
        If there is no reader of the wanted name.
    ConversionError
        If no reader is for files of such a name.
    MissingPackageError
        If RosettaSciIO is not installed.
    """
    plugins = [plugin for plugin in _plugins() if plugin["name"] != _OUR_OWN]
    if wanted is not None:
        known = {plugin["name"].lower(): plugin for plugin in plugins}
        known |= {alias.lower(): one for one in plugins for alias in one["name_aliases"]}
        if wanted.lower() not in known:
            names = [plugin["name"] for plugin in plugins]
            near = did_you_mean(wanted, names) or f"; there are: {', '.join(sorted(names))}"
            raise OptionError(f"RosettaSciIO has no reader {quoted(wanted)}{near}")
        return [_reader(known[wanted.lower()])]
    suffix = extension(path)
    found = [
        _reader(plugin) for plugin in plugins if suffix in map(str.lower, plugin["file_extensions"])
    ]
    if not found:
        called = f".{suffix}" if suffix else "names without an extension"
        raise ConversionError(
            f"no reader of RosettaSciIO is for {called}; reader='NAME', or --reader NAME, takes "
            f"one of: {', '.join(sorted(plugin['name'] for plugin in plugins))}",
            path=path,
        )
    return found


def _reader(plugin: Mapping[str, Any]) -> Reader:
    return Reader(plugin["name"], plugin["api"])


def read_signals(
    path: str, readers: Sequence[Reader], options: Mapping[str, Any]
) -> tuple[list[Signal], Reader]:
    """All signals of a file, by the first reader that understands it; lazily where it can.

    Raises
    ------
    ConversionError
        If none does, in their words.
    """
    said = []
    for reader in readers:
        try:
            signals = [_signal(one) for one in _dicts(path, reader, options)]
        except HspyError:
            raise
        except Exception as error:  # whatever a reader raises for a file that it cannot read
            text = str(error).strip() or "without a word"
            said.append(f"{reader.name}: {type(error).__name__}: {text}")
            continue
        if signals:
            return signals, reader
        said.append(f"{reader.name}: there is no signal in it")
    told = "".join(f"\n  {line}" for line in said) if len(said) > 1 else f" {said[0]}"
    raise ConversionError(f"RosettaSciIO cannot read it:{told}", path=path)


def _dicts(path: str, reader: Reader, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a reader gives; as a whole where it does not know how to do it lazily."""
    read = reader.function()
    found = None
    if reader.name not in _WRONG_LAZILY:
        try:
            found = read(path, lazy=True, **options)
        except NotImplementedError:
            pass
        except Exception:  # some fail half-way
            if not os.path.isfile(path) or os.path.getsize(path) > _SMALL:
                raise
    if found is None or sum(_bytes(one) for one in found) <= _AT_ONCE:
        found = read(path, lazy=False, **options)
    return [one for one in found if "data" in one]


def _bytes(one: Mapping[str, Any]) -> float:
    """Bytes of the data; nan, which is over any limit, where dask does not know their shape."""
    return float(getattr(one.get("data"), "nbytes", 0))


def _signal(given: dict[str, Any]) -> Signal:
    """RosettaSciIO's dict as a signal, with what HyperSpy does to it after reading."""
    signal = signal_from_dict(given)
    for place, (target, convert) in (given.get("mapping") or {}).items():
        found = signal.original_metadata.get_item(place, None)
        made = convert(found) if convert is not None and found is not None else found
        if made is not None:
            signal.metadata.set_item(target, made)
    for name in ("General.title", "Signal.signal_type"):
        if signal.metadata.get_item(name, None) is None:
            signal.metadata.set_item(name, "")
    steps = given.get("post_process") or []
    if not steps:
        return signal
    done: Any = signal.to_hyperspy()
    for step in steps if isinstance(steps, list | tuple) else [steps]:
        done = step(done)
    return from_hyperspy(done)
