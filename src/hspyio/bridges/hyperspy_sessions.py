"""hspyio under HyperSpy in every session of an environment, and back.

``_hspyio_hyperspy``, beside this package, looks at the mark that is made here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import hspyio
from hspyio.errors import HspyError
from hspyio.records import record

__all__ = ["TESTED", "Status", "status", "switch_off", "switch_on"]

TESTED = {"HyperSpy": ("hyperspy", "2.4", "2.5"), "RosettaSciIO": ("rosettasciio", "0.12", "0.15")}
"""Name -> package, and the first and the last release that hspyio was tested with."""


@record
class Status:
    """Whether hspyio is under HyperSpy in new sessions, who decided it, and with which versions."""

    on: bool
    installed: bool
    environment: str
    variable: str | None
    versions: dict[str, str | None]

    def lines(self) -> Iterator[str]:
        """What a person is told."""
        word, whose = ("on", "with hspyio") if self.on else ("off", "itself")
        where = f" where HSPYIO_HYPERSPY={self.variable}" if self.variable else ""
        yield f"{word}: HyperSpy reads and writes .hspy files {whose} in new sessions{where}"
        yield f"environment: {self.environment}"
        if not self.installed:
            yield _not_installed()
        if self.on and self.versions["HyperSpy"] is None:
            yield "HyperSpy is not in this environment; it holds as soon as it is installed here"
        for name, (_, first, last) in TESTED.items():
            yield f"{name}: tested with {first} to {last}; here {self._here(name)}"

    def _here(self, name: str) -> str:
        found = self.versions[name]
        if found is None:
            return "not installed"
        _, first, last = TESTED[name]
        fits = _release(first) <= _release(found) <= _release(last)
        return found if fits else f"{found}, which was not tested"


def switch_on() -> Status:
    """Put hspyio under HyperSpy in every new session of this environment."""
    mark = _mark()
    with _told(mark):
        mark.touch()
    return status()


def switch_off() -> Status:
    """Take it back."""
    mark = _mark()
    with _told(mark):
        mark.unlink(missing_ok=True)
    return status()


def status() -> Status:
    """What new sessions will do."""
    import _hspyio_hyperspy as start

    return Status(
        on=start.RUNS and start.wanted(),
        installed=start.RUNS,
        environment=sys.prefix,
        variable=os.environ.get(start.SWITCH) or None,
        versions={name: _version(package) for name, (package, *_) in TESTED.items()},
    )


def _mark() -> Path:
    import _hspyio_hyperspy as start

    if not start.RUNS:
        raise HspyError(_not_installed())
    return Path(start.MARK)


def _not_installed() -> str:
    place = Path(hspyio.__file__).parent
    return f"hspyio is read from {place}, and {sys.prefix} starts without it: install it there"


@contextmanager
def _told(mark: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise HspyError(
            f"cannot be changed ({reason}); HSPYIO_HYPERSPY=1 or 0 in the environment does the "
            "same for the processes that have it",
            path=mark,
        ) from None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _release(text: str) -> tuple[int, int]:
    """The first two numbers of a version."""
    major, _, rest = text.partition(".")
    minor = rest.partition(".")[0]
    return int(major), int(minor) if minor.isdigit() else 0
