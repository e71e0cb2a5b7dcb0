"""Which of RosettaSciIO's readers is for a file, and what it reads.

Only its public interface is used: the list of its plugins and their functions ``file_reader``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import signature
from typing import Any

from hspyio.bridges.hyperspy import from_hyperspy
from hspyio.bridges.rosettasciio import signal_from_dict
from hspyio.errors import ConversionError, HspyError, MissingPackageError, OptionError
from hspyio.model.signal import Signal
from hspyio.packages import how_to_get, imported
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
    OptionError
        If none of them has an option of such a name.
    MissingPackageError
        If all of them need a package that is not installed.
    """
    said: list[str] = []
    missing: list[str] = []
    unknown: list[OptionError] = []
    for reader in readers:
        try:
            _check_options(reader, options)
            signals = [_signal(one) for one in _dicts(path, reader, options)]
        except OptionError as error:
            unknown.append(error)
            continue
        except HspyError:
            raise
        except ModuleNotFoundError as error:
            known = how_to_get(error.name) if error.name else str(error)
            missing.append(f"{reader.name}: {known}")
            continue
        except Exception as error:  # whatever a reader raises for a file that it cannot read
            text = str(error).strip() or "without a word"
            said.append(f"{reader.name}: {type(error).__name__}: {text}")
            continue
        if signals:
            return signals, reader
        said.append(f"{reader.name}: there is no signal in it")
    if unknown and not said and not missing:
        raise unknown[0]
    kind = ConversionError if said else MissingPackageError
    said += [*missing, *(error.message for error in unknown)]
    told = "".join(f"\n  {line}" for line in said) if len(said) > 1 else f" {said[0]}"
    raise kind(f"RosettaSciIO cannot read it:{told}", path=path)


def _check_options(reader: Reader, options: Mapping[str, Any]) -> None:
    """Refuse what a reader has no option for; which file, and how lazily, is not for options."""
    parameters = list(signature(reader.function()).parameters.values())
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return
    known = [one.name for one in parameters[1:] if one.name != "lazy"]
    for name in options:
        if name not in known:
            there = f"; it has: {', '.join(known)}" if known else "; it has none"
            mend = did_you_mean(name, known) or there
            raise OptionError(f"{reader.name}: RosettaSciIO's reader has no option {name!r}{mend}")


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
