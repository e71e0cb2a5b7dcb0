"""Paths as users give them -> the text that the system knows; what can be none is refused."""

from __future__ import annotations

import os

import numpy as np

from hspyio.errors import (
    ArgumentError,
    MissingFileError,
    OptionError,
    SaveError,
)
from hspyio.model.given import kind_of, more_than_an_array
from hspyio.model.signal import Signal

__all__ = ["path_of_file", "path_text", "path_to_save"]

_SUFFIX = ".hspy"
_OURS = (_SUFFIX, ".hdf5", ".h5")
_CONVERTED = (".nc", ".zarr", ".tif", ".tiff")
_DRAWN = (".png", ".pdf", ".svg")
_BY_HYPERSPY = (
    *(".blo", ".bmp", ".gif", ".jpeg", ".jpg", ".mrc", ".mrcz", ".msa", ".rpl", ".ripple"),
    *(".sur", ".pro", ".tvips", ".unf", ".usid", ".zspy"),
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
    text = os.path.expanduser(found) if found[0] == "~" else found
    try:
        if not text.isascii():
            os.fsencode(text)
    except UnicodeEncodeError:
        raise OptionError(f"{argument} {text!a} cannot be the name of a file here") from None
    if "\0" in text:
        raise OptionError(f"{argument} {text!a} has a NUL character, which no name can have")
    if text[0] != "/" and not os.path.isabs(text):
        _check_current_folder(text)
    return text


def _no_path(given: object, call: str, argument: str) -> str:
    """What to say of something else, and the call that was meant."""
    if isinstance(given, bytes):
        return f"{argument} is bytes, not text; os.fsdecode makes text of it"
    if call and (isinstance(given, list | tuple | set | frozenset) or hasattr(given, "__next__")):
        one = call.replace(argument, "p", 1)
        return (
            f"{argument} is a {kind_of(given)}, not a path; one file at a time: "
            f"[hspyio.{one} for p in paths]"
        )
    first = call.partition("(")[2].startswith(argument)
    if first and (isinstance(given, Signal | np.ndarray) or more_than_an_array(given)):
        return f"the {argument} comes first, not a {kind_of(given)}: hspyio.{call}"
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
        raise MissingFileError(f"no such file: {error.message}") from None
    if not text.lower().endswith(_OURS) and not os.path.lexists(text):
        written = text + _SUFFIX
        return written if os.path.isfile(written) else text
    return text


def path_to_save(given: object, call: str = "", argument: str = "path") -> str:
    """Path of an HSpy file that is to be written: one without a suffix of ours gets ``.hspy``.

    A file, folder or device of exactly that name is meant itself.
    """
    text = path_text(given, call, argument)
    name = os.path.basename(text)
    if name in ("", os.curdir, os.pardir):
        if os.path.isdir(text):
            raise SaveError("is a folder", path=text)
        raise MissingFileError(f"there is no folder {text}", path=text)
    if name.lower().endswith(_OURS):
        return text
    suffix = os.path.splitext(name)[1].lower()
    if (mend := _mend(suffix, text)) and not os.path.isdir(text):
        raise OptionError(
            f"ends with {suffix}, but an HSpy file would be written; {mend}", path=text
        )
    return text if os.path.lexists(text) else text + _SUFFIX


def _mend(suffix: str, text: str) -> str:
    """How to get a file of another format; nothing for what is no suffix that anybody knows."""
    ours = os.path.splitext(text)[0] + _SUFFIX
    if suffix in _CONVERTED:
        return f"save {ours!r}, then hspyio.export({ours!r}, {text!r})"
    if suffix in _DRAWN:
        return f"signal.plot({text!r}) makes a picture"
    if suffix in _BY_HYPERSPY:
        return f"signal.to_hyperspy().save({text!r}) writes what HyperSpy can"
    return f"name it {ours!r}" if suffix in _OF_OTHERS else ""
