"""A file or a folder of many files that another library writes: whole, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from hspyio.errors import HspyError, SaveError, TargetExistsError
from hspyio.system.permissions import permissions_of
from hspyio.transaction.replace import check_target, no_room, put_in_place, warn_of
from hspyio.transaction.temporary import NoTemporaryError, Temporary, folder_beside

__all__ = ["beside", "check_place"]


def check_place(path: str, *, overwrite: bool, folder: bool) -> None:
    """Refuse a target that is not to be replaced; a folder only where it is a store of Zarr's."""
    if not (folder and os.path.isdir(path)):
        check_target(path, overwrite=overwrite)
    elif not overwrite:
        raise TargetExistsError("exists; overwrite=True replaces it", path=path)
    elif not _is_store(path):
        raise SaveError("is a folder, but no Zarr store; it is not replaced", path=path)


def _is_store(path: str) -> bool:
    known = {"zarr.json", ".zgroup", ".zarray", ".zmetadata"}
    return not os.listdir(path) or bool(known & set(os.listdir(path)))


@contextmanager
def beside(path: str) -> Iterator[str]:
    """A new name beside the target, which takes the target's place at the end."""
    target = os.path.realpath(path)
    try:
        with folder_beside(target) as made:
            temporary = os.path.join(made.path, os.path.basename(target))
            yield temporary
            notes = _put_in_place(temporary, target)
        notes = (*notes, *filter(None, [made.left]))
    except (HspyError, Warning):
        raise
    except NoTemporaryError as error:
        raise no_room(error, target) from None
    except Exception as error:  # whatever the libraries raise
        reason = "; ".join([str(error), *getattr(error, "__notes__", ())])
        raise SaveError(
            f"could not be written, what was there is untouched: {reason}", path=path
        ) from None
    warn_of(notes, path)


def _put_in_place(temporary: str, target: str) -> tuple[str, ...]:
    if os.path.isdir(target):
        _replace_folder(target, temporary)
        return ()
    made = Temporary(temporary, old=permissions_of(target))
    made.mode = stat.S_IMODE(os.stat(temporary).st_mode)
    return put_in_place(made, target, overwrite=True)


def _replace_folder(target: str, new: str) -> None:
    """No system call swaps two folders, so there is a moment without either.

    The old one has a name then that is never swept: a kill in that moment leaves it whole.
    """
    folder, name = os.path.split(target)
    aside = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.hspyio-old")
    os.rename(target, aside)
    try:
        os.rename(new, target)
    except OSError:
        os.rename(aside, target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
