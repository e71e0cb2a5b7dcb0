"""What is given to the functions of the package, told by its type before anything is done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import numpy as np

from hspyio.errors import ArgumentError, MissingFileError, OptionError, SaveError, warn_user
from hspyio.hdf5.file_object import ObjectSnapshot
from hspyio.hdf5.snapshot import Snapshot
from hspyio.model.axes import doubts
from hspyio.model.given import kind_of, more_than_an_array
from hspyio.model.hints import misplaced_keys
from hspyio.model.signal import Signal, signal_of
from hspyio.options import ReadOptions
from hspyio.suggestions import quoted
from hspyio.system.byte_source import check_file_object

__all__ = [
    "address_of",
    "check_pattern",
    "file_of",
    "is_far",
    "name_of",
    "path_of_file",
    "path_text",
    "path_to_save",
    "the_signal",
    "the_signals",
    "warn_of_doubts",
    "with_suffix",
]


def check_pattern(path: str | os.PathLike[str], call: str) -> None:
    """Say how the files of a pattern are read, where no file is called so."""
    text = os.fspath(path)
    if any(sign in text for sign in "*?[") and not os.path.lexists(text):
        raise MissingFileError(
            f"no such file; those of a pattern: [hspyio.{call} for p in sorted(glob.glob(path))]",
            path=text,
        )


def name_of(name: Any, call: str) -> str | None:
    """The name of an experiment that is given to a function, if any."""
    if name is None or isinstance(name, str):
        return name
    if isinstance(name, bool):
        raise ArgumentError(f"name is {name}; options are given by name, such as lazy={name}")
    raise ArgumentError(
        f"name is {quoted(name)}, not the group or the title of an experiment: hspyio.{call}; "
        "list(hspyio.open(path)) has their names"
    )


def the_signal(signal: Any, call: str) -> Signal:
    """The one signal that is given to a function; those of HyperSpy and xarray are converted."""
    whole = signal_of(signal)
    if whole is not None:
        return whole
    if isinstance(signal, list | tuple) and any(signal_of(item) is not None for item in signal[:1]):
        if len(signal) == 1:
            return the_signal(signal[0], call)
        raise ArgumentError(
            f"{call} takes one signal, not a {kind_of(signal)} of {len(signal)}; "
            f"for s in signals: hspyio.{call}(path, s)"
        )
    raise _no_signal(signal, call)


def the_signals(signals: Any, call: str) -> list[Signal]:
    """The signals that are given to a function, one or several.

    What is no row of signals is not walked: a signal of HyperSpy, too, can be iterated.
    """
    whole = signal_of(signals)
    if whole is not None:
        return [whole]
    if not _is_a_row(signals):
        raise _no_signal(signals, call)
    result: list[Signal] = []
    for item in signals:
        whole = signal_of(item)
        if whole is None:
            raise _no_signal(item, call, f"signals[{len(result)}]")
        result.append(whole)
    if not result:
        raise OptionError(f"there is no signal to {call}")
    return result


def _is_a_row(value: Any) -> bool:
    """Whether it is something to walk over in search of signals."""
    if isinstance(value, str | bytes | os.PathLike | Mapping) or more_than_an_array(value):
        return False
    return isinstance(value, Iterable) and not (hasattr(value, "dtype") or hasattr(value, "shape"))


def _no_signal(value: Any, call: str, what: str = "signal") -> ArgumentError:
    """What to say to something that is no signal."""
    kind = kind_of(value)
    only = f"only hspyio's Signal can be saved, not {kind}: {what}"
    if isinstance(value, str | os.PathLike):
        meant = f"is a path; the path comes first: hspyio.{call}(path, signal)"
    elif found := more_than_an_array(value):
        meant = f"is a {kind}; {found}"
    elif isinstance(value, Mapping) and "data" in value:
        meant = (
            f"is a dict; hspyio.{call}(path, Signal(d['data'], d['axes'], "
            "metadata=d['metadata'])), or file_writer(path, d)"
        )
    elif isinstance(value, Mapping):
        first = next(iter(value.values()), None) if isinstance(value, dict) else None
        several = isinstance(first, Signal) or not isinstance(value, dict)
        meant = "is a mapping" + (f"; hspyio.{call}(path, d.values())" if several else "")
    elif hasattr(value, "shape") or isinstance(value, int | float | complex):
        meant = f"is an array; hspyio.{call}(path, Signal(array)) gives it axes and metadata"
    else:
        meant = f"is {'None' if value is None else f'a {kind}'}; hspyio.{call}(path, Signal(array))"
    return ArgumentError(f"{only} {meant}")


def warn_of_doubts(path: Any, signals: Iterable[Signal]) -> None:
    """One warning for what is stored as it is, but which no program will make sense of."""
    lines = []
    for index, signal in enumerate(signals):
        start = f"signals[{index}]: " if index else ""
        for axis in signal.axes:
            label = f"{start}axes[{axis.index_in_array}] {quoted(axis.name)}"
            lines += [f"{label}: {doubt}" for doubt in doubts(axis)]
        lines += [f"{start}{text}" for text in misplaced_keys(signal.metadata)]
    if lines:
        listed = "".join(f"\n  {line}" for line in lines[:20])
        more = f"\n  ... and {len(lines) - 20} more" if len(lines) > 20 else ""
        text = f"{os.fspath(path)}: stored as it is, but makes no sense to programs:{listed}{more}"
        warn_user(text)


_SUFFIX = ".hspy"
_SHORTENED = re.compile(r"(https?|s3|gs|az):/[^/]")
"""What becomes of an address as a `pathlib.Path`."""
_OURS = (_SUFFIX, ".hdf5", ".h5")
_CONVERTED = (".nc", ".zarr", ".zspy", ".tif", ".tiff")
_DRAWN = (".png", ".pdf", ".svg")
_BY_HYPERSPY = (
    *(".blo", ".bmp", ".gif", ".jpeg", ".jpg", ".mrc", ".mrcz", ".msa", ".rpl", ".ripple"),
    *(".sur", ".pro", ".tvips", ".unf", ".usid"),
)
_OF_OTHERS = (
    *(".bcf", ".csv", ".dat", ".dcm", ".dm3", ".dm4", ".doc", ".docx", ".edax", ".ebsd", ".emd"),
    *(".emi", ".gz", ".hdr", ".json", ".mat", ".mib", ".nii", ".npy", ".npz", ".nxs", ".parquet"),
    *(".pickle", ".pkl", ".prz", ".ptw", ".py", ".ipynb", ".raw", ".ser", ".spc", ".spd", ".spe"),
    *(".tar", ".txt", ".tsv", ".wdf", ".xls", ".xlsx", ".xml", ".yaml", ".yml", ".zip"),
)


def path_text(given: object, call: str = "", argument: str = "path") -> str:
    """The text of a path, with the home folder in the place of ``~``."""
    found: object = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(found, str):
        raise ArgumentError(_no_path(found, call, argument))
    if not found:
        raise OptionError(f"{argument} is empty; name a file")
    if "\0" in found:
        raise OptionError(f"{argument} {found!a} has a NUL character, which no name can have")
    text = os.path.expanduser(found) if found[0] == "~" else _without_scheme(found, call)
    try:
        if not text.isascii():
            os.fsencode(text)
    except UnicodeEncodeError:
        raise OptionError(f"{argument} {text!a} cannot be the name of a file here") from None
    if text[0] != "/" and not os.path.isabs(text):
        _check_current_folder(text)
    return text


def _without_scheme(text: str, call: str) -> str:
    """The path of a ``file://`` address; of one on a network it is told that it is none."""
    if "://" not in text:
        return text
    from hspyio.remote.url import is_url, local_path, url_of

    if not is_url(text):
        return text
    found = local_path(text)
    if found is None:
        url = url_of(text)
        function = f"hspyio.{call.partition('(')[0]}" if call else "this"
        raise OptionError(
            f"is far away, and {function} needs a file on this computer; download it, or copy an "
            "experiment: hspyio.load(address, lazy=True).save(path)",
            path=url.text,
        )
    return found


def _no_path(given: object, call: str, argument: str) -> str:
    """What to say of something else, and the call that was meant."""
    if isinstance(given, bytes):
        return f"{argument} is bytes, not text; os.fsdecode makes text of it"
    if hasattr(given, "read") or hasattr(given, "write"):
        return (
            f"{argument} is a {kind_of(given)}, not a path; give the name of a file, and copy the "
            "bytes from there or to there"
        )
    if call and (isinstance(given, list | tuple | set | frozenset) or hasattr(given, "__next__")):
        one = call.replace(argument, "p", 1)
        return (
            f"{argument} is a {kind_of(given)}, not a path; one file at a time: "
            f"[hspyio.{one} for p in paths]"
        )
    first = call.partition("(")[2].startswith(argument)
    if first and (isinstance(given, Signal | np.ndarray) or more_than_an_array(given)):
        saved = "; hspyio.save(source, signal) makes one" if argument == "source" else ""
        return f"the {argument} comes first, not a {kind_of(given)}: hspyio.{call}{saved}"
    text = "None" if given is None else f"a {kind_of(given)}"
    mend = f"hspyio.{call}" if call else "give it as text or pathlib.Path"
    return f"{argument} is {text}, not a path: {mend}"


def _check_current_folder(path: str) -> None:
    try:
        os.getcwd()
    except OSError:
        raise MissingFileError(
            "the current folder does not exist any more; go to another one (os.chdir), or give "
            "an absolute path",
            path=path,
        ) from None


def path_of_file(given: object, call: str = "", argument: str = "path") -> str:
    """Path of a file that is there: of ``name.hspy``, where ``name`` isn't, as it was saved."""
    try:
        text = path_text(given, call, argument)
    except ArgumentError:
        raise
    except OptionError as error:
        if error.path is not None:  # it is known where it is
            raise
        raise MissingFileError(f"no such file: {error.message}") from None
    if not text.lower().endswith(_OURS) and not os.path.lexists(text):
        written = text + _SUFFIX
        return written if os.path.isfile(written) else text
    if _SHORTENED.match(text) and not os.path.lexists(text):
        meant = text.replace(":/", "://", 1)
        raise ArgumentError(
            f"{argument} is an address that pathlib has shortened to {text!r}; give it as text: "
            f"{meant!r}"
        )
    return text


def file_of(
    given: str | os.PathLike[str] | BinaryIO,
    call: str = "",
    argument: str = "path",
    options: ReadOptions | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> str | Snapshot:
    """The path of a file, or the state of one that is elsewhere or in a file object."""
    if isinstance(given, str | os.PathLike):
        address = address_of(given, storage_options)
        if address is None:
            return path_of_file(given, call, argument)
        _check_is_local(options, "download it, and give the path of that")
        _check_is_one_file(address)
        from hspyio.hdf5.remote_snapshot import remote_snapshot
        from hspyio.remote.storage_options import storage_options_of

        return remote_snapshot(address, storage_options_of(storage_options))
    if not (hasattr(given, "read") and hasattr(given, "seek")):
        return path_of_file(given, call, argument)
    _check_is_local(options, "shutil.copyfileobj writes the bytes of a file object to one")
    check_file_object(given, f"{argument} is a {kind_of(given)}")
    name = getattr(given, "name", None)
    return ObjectSnapshot(given, name if isinstance(name, str) and name else f"<{kind_of(given)}>")


def is_far(given: object) -> bool:
    """Whether it is the address of a file on a network."""
    text = str(os.fspath(given)) if isinstance(given, str | os.PathLike) else ""
    if "://" not in text:
        return False
    from hspyio.remote.url import is_url, local_path

    return is_url(text) and local_path(text) is None


def address_of(given: object, options: Mapping[str, Any] | None) -> str | None:
    """The address of a file that is far away, or its key in a store; ``None`` for others."""
    if not isinstance(given, str | os.PathLike):
        return None
    text = str(os.fspath(given))
    if options is not None and "store" in options:
        return text
    if is_far(text):
        return text
    if options is not None:
        raise OptionError(
            "storage_options are for files that are far away, such as s3://bucket/key; "
            f"{text!r} is a path"
        )
    return None


def _check_is_one_file(address: str) -> None:
    """Refuse what is many files, or stands for them: nobody lists what is far away."""
    path = address.partition("?")[0].rstrip("/")
    if path.lower().endswith((".zspy", ".zspy.zip")):
        raise OptionError("is a .zspy, which is read on this computer only; fetch it", path=path)
    if "*" in path:
        raise OptionError(
            "is a pattern, whose files are looked for on this computer only; give a list of "
            "addresses",
            path=path,
        )


def _check_is_local(options: ReadOptions | None, mend: str) -> None:
    """Refuse what needs a path."""
    if options is not None and (options.isolated or options.allow_external):
        option = "isolated" if options.isolated else "allow_external"
        raise OptionError(f"{option}=True needs a file on this computer, by its path; {mend}")


def path_to_save(given: object, call: str = "", argument: str = "path") -> str:
    """Path of an HSpy file that is to be written: one without a suffix of ours gets ``.hspy``.

    A file, folder or device of exactly that name is meant itself.
    """
    text = path_text(given, call, argument)
    if _SHORTENED.match(text):
        raise ArgumentError(
            f"{argument} is an address that was shortened to {text!r}; hspyio.save takes "
            f"{text.replace(':/', '://', 1)!r} as text, and nothing else writes to addresses"
        )
    name = os.path.basename(text)
    if name in ("", os.curdir, os.pardir):
        if os.path.isdir(text):
            raise SaveError("is a folder; name a file in it", path=text)
        raise MissingFileError(f"there is no folder {text}", path=text)
    if name.lower().endswith(_OURS):
        return text
    suffix = os.path.splitext(name)[1].lower()
    if (mend := _mend(suffix, text)) and not os.path.isdir(text):
        raise OptionError(
            f"ends with {suffix}, but an HSpy file would be written; {mend}", path=text
        )
    return text if os.path.lexists(text) else text + _SUFFIX


def with_suffix(address: str) -> str:
    """The address of an HSpy file that is to be written: one without a suffix of ours gets it."""
    if address.lower().endswith(_OURS):
        return address
    suffix = os.path.splitext(address)[1].lower()
    if mend := _mend(suffix, address):
        from hspyio.remote.url import url_of

        shown = url_of(address).text if "://" in address else address
        raise OptionError(
            f"ends with {suffix}, but an HSpy file would be written; {mend}", path=shown
        )
    return address + _SUFFIX


def _mend(suffix: str, text: str) -> str:
    """How to get a file of another format; nothing for what is no suffix that anybody knows."""
    ours = os.path.splitext(text)[0]
    ours += "" if ours.lower().endswith(_OURS) else _SUFFIX
    if suffix in _CONVERTED:
        return f"save {ours!r}, then hspyio.export({ours!r}, {text!r})"
    if suffix in _DRAWN:
        return f"signal.plot({text!r}) makes a picture"
    if suffix in _BY_HYPERSPY:
        return f"signal.to_hyperspy().save({text!r}) writes what HyperSpy can"
    return f"name it {ours!r}" if suffix in _OF_OTHERS else ""
