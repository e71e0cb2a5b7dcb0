"""What the system notes of a file beside its content: mode, owner, group, ACL, extended attributes.

A file that replaces another one is a new file for the system. It gets what the old one had, as far
as the system lets us; what it does not is named, and never gives anybody more than before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress

from hspyio.records import value

__all__ = ["PRIVATE", "Permissions", "carry_over", "make_private", "make_public", "permissions_of"]

PRIVATE = 0o600
_ACL = "system.posix_acl_access"


@value
class Permissions:
    """Of a file that is there.

    Attributes
    ----------
    mode : int
        Permission bits.
    owner, group : int
        Numbers.
    extended : mapping
        Extended attributes by name, the ACL among them.
    names : int
        How many hard links lead to it.
    """

    mode: int
    owner: int
    group: int
    extended: Mapping[str, bytes]
    names: int


def permissions_of(path: str) -> Permissions | None:
    """Of a file; ``None`` if there is none, or nobody can tell."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    mode = stat.S_IMODE(found.st_mode)
    return Permissions(mode, found.st_uid, found.st_gid, _extended(path), found.st_nlink)


def make_private(path: str, descriptor: int) -> int:
    """Let nobody else read a new file for now; the mode that it had, and should get again."""
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    with suppress(OSError):  # CIFS and others know no permissions
        _chmod(path, descriptor, PRIVATE)
    return mode


def make_public(path: str, descriptor: int, mode: int) -> None:
    """Give a new file the mode that it was made with."""
    with suppress(OSError):
        if stat.S_IMODE(os.stat(path).st_mode) != mode:
            _chmod(path, descriptor, mode)


def carry_over(old: Permissions, path: str, descriptor: int) -> tuple[str, ...]:
    """Give a new file what another one had; what could not be kept, in words."""
    lost: list[str] = []
    mode = old.mode
    now = os.stat(path)
    if now.st_uid != old.owner and not _chown(path, old.owner, -1):
        lost.append(f"its owner ({old.owner})")
        mode &= ~stat.S_ISUID
    if now.st_gid != old.group and not _chown(path, -1, old.group):
        lost.append(f"its group ({old.group})")
        # What the old group could do, another one can only where everybody can.
        mode = mode & ~(stat.S_ISGID | stat.S_IRWXG) | (mode & stat.S_IRWXO) << 3
    lost += _set_extended(path, old.extended)
    try:
        _chmod(path, descriptor, mode)
    except OSError:
        kept = stat.S_IMODE(os.stat(path).st_mode)
        if kept != mode:
            lost.append(f"its permissions ({mode:o}, now {kept:o})")
    return tuple(lost)


def _chmod(path: str, descriptor: int, mode: int) -> None:
    """By the descriptor where that is possible: the path may be another's by now."""
    by_number = descriptor >= 0 and os.chmod in os.supports_fd
    os.chmod(descriptor if by_number else path, mode)


def _chown(path: str, owner: int, group: int) -> bool:
    try:
        os.chown(path, owner, group)
    except (AttributeError, OSError):  # Windows has none
        return False
    return True


def _extended(path: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with suppress(AttributeError, OSError):  # only Linux has them, and not on all file systems
        for name in os.listxattr(path):
            with suppress(OSError):
                found[name] = os.getxattr(path, name)
    return found


def _set_extended(path: str, wanted: Mapping[str, bytes]) -> list[str]:
    """Set extended attributes; names of those that cannot be."""
    present = _extended(path)
    lost: list[str] = []
    for name, content in wanted.items():
        if present.get(name) != content:
            try:
                os.setxattr(path, name, content)
            except OSError:
                lost.append("its ACL" if name == _ACL else f"the extended attribute {name}")
    if _ACL in present and _ACL not in wanted:  # a new file has that of its folder
        with suppress(OSError):
            os.removexattr(path, _ACL)
    return lost
