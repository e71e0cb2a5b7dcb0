"""What reading a damaged file comes to, told by a child that may crash or hang over it."""

from __future__ import annotations

import faulthandler
import math
import os
import re
import resource
import signal
import traceback
import tracemalloc
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

import numpy as np

import hspyio
from hspyio.cli.hdf5_tree import hdf5_tree
from hspyio.compare import signal_differences
from torture.children import Child, HangingError, Outcome

Read = Callable[[], object]

SECONDS = 5.0
"""Of processor time, for one way of reading."""
MEMORY = 2**30
"""Bytes beyond what the process had before."""
_LAST_RESORT = 60.0
"""Seconds by the clock."""
_GRACE = 1
"""Seconds of processor time until the system ends what Python cannot interrupt."""
_ROOM = 4 * 2**30
"""Bytes of addresses, so that no mutant harms the machine."""


@dataclass(frozen=True)
class Reading:
    """What one way of reading has come to.

    Attributes
    ----------
    way : str
        Which.
    verdict : str
        ``"same"``, ``"refused"``, ``"warned"``, ``"changed"`` or ``"foreign"``, an error that is
        none of ours.
    detail : str
        What changed, or the error.
    seconds : float
        Of processor time, of children too.
    memory : int
        Bytes taken at most, of children too.
    """

    way: str
    verdict: str
    detail: str = ""
    seconds: float = 0.0
    memory: int = 0


@dataclass(frozen=True)
class End:
    """How a child ended that did not tell what it read.

    Attributes
    ----------
    what : str
        ``"crash"`` or ``"hang"``.
    way : str
        What it was reading.
    place : str
        The innermost line of Python.
    """

    what: str
    way: str
    place: str

    def __str__(self) -> str:
        return f"{self.what} in {self.way}: {self.place}"


def read_in_child(
    ways: Mapping[str, Read], log: Path, *, traced: bool = False
) -> list[Reading] | End:
    """Read in every way, in a process of its own.

    Parameters
    ----------
    ways : mapping
        Name -> what to do; it returns the differences from what was expected.
    log : Path
        Where the child notes what it is about to do.
    traced : bool
        Whether memory is what Python and numpy have taken, not what HDF5 has.
    """
    log.unlink(missing_ok=True)
    child = Child(partial(_read_all, ways, log, traced), _LAST_RESORT)
    try:
        outcome = child.end()
    except HangingError:
        outcome = Outcome("killed", str(int(signal.SIGXCPU)))
        os.waitpid(child.pid, 0)
    if isinstance(outcome.value, list):
        return outcome.value
    return _end(outcome, log.read_text(encoding="utf-8", errors="replace"))


def _end(outcome: Outcome, log: str) -> End:
    way = re.findall("^way (.*)$", log, re.MULTILINE)[-1:]
    frames = re.findall(r'^ *File "(.*)", line (\d+) in (\w+)', log, re.MULTILINE)
    frames = [frame for frame in frames if frame[2] != _interrupted.__name__]
    hang = outcome.by(signal.SIGXCPU) or "in Python" in log
    file, line, function = frames[0] if frames else ("nowhere", "0", str(outcome))
    place = f"{file.partition('/hspyio/')[2] or file}:{line} {function}"
    signalled = f" by signal {outcome.error}" if outcome.kind == "killed" and not hang else ""
    return End("hang" if hang else "crash", "".join(way), place + signalled)


def _read_all(ways: Mapping[str, Read], path: Path, traced: bool) -> list[Reading]:
    with open(path, "ab", buffering=0) as log:
        _prepare(log.fileno())
        if traced:
            tracemalloc.start()
        begun = _peak(resource.RUSAGE_SELF)
        readings = []
        for name, read in ways.items():
            log.write(f"way {name}\n".encode())
            _limit_time()
            before = _seconds()
            verdict, detail = _verdict(read)
            taken = _peak(resource.RUSAGE_SELF) - begun + _peak(resource.RUSAGE_CHILDREN)
            taken = tracemalloc.get_traced_memory()[1] if traced else taken
            readings.append(Reading(name, verdict, detail[:3000], _seconds() - before, taken))
        signal.setitimer(signal.ITIMER_PROF, 0)
    return readings


def _prepare(log: int) -> None:
    """See to it that the log tells where this process ends, should it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + _ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    faulthandler.enable(log, all_threads=False)
    faulthandler.register(signal.SIGXCPU, log, all_threads=False, chain=True)
    signal.signal(signal.SIGPROF, partial(_interrupted, log))


def _interrupted(log: int, number: int, frame: FrameType | None) -> None:
    os.write(log, b"in Python\n")
    faulthandler.dump_traceback(log, all_threads=False)
    os._exit(1)


def _limit_time() -> None:
    """Python interrupts itself; what it cannot interrupt, the system ends."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    end = math.ceil(usage.ru_utime + usage.ru_stime + SECONDS) + _GRACE
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _verdict(read: Read) -> tuple[str, str]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            differences = read()
        except hspyio.HspyError as error:
            return "refused", str(error)
        except Exception:
            return "foreign", traceback.format_exc()[-1200:]
    told = [item for item in said if issubclass(item.category, hspyio.HspyWarning)]
    strange = [item for item in said if item not in told]
    if strange:
        return "foreign", f"warning: {strange[0].category.__name__}: {strange[0].message}"
    if told:
        return "warned", str(told[0].message)
    return ("changed", f"{differences}") if differences else ("same", "")


def _seconds() -> float:
    """Of processor time so far, of this process and of the children that have ended."""
    own, others = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _peak(who: int) -> int:
    return resource.getrusage(who).ru_maxrss * 1024


# what is read


def load(
    path: Path, expected: Mapping[str, hspyio.Signal], name: str | None, *, isolated: bool
) -> list[str]:
    """Load a signal; the differences from the one of its name, or from the nearest."""
    found = hspyio.load(path, name=name, isolated=isolated, threads=1)
    originals = [expected[name]] if name in expected else list(expected.values())
    return min((signal_differences(found, signal) for signal in originals), key=len)


def everything(path: Path, expected: Mapping[str, hspyio.Signal], *, long: bool) -> dict[str, Read]:
    """All ways of reading in this process.

    Parameters
    ----------
    path : Path
        The file.
    expected : mapping
        What it should hold.
    long : bool
        Whether those ways count, too, that are not specific to the format.
    """
    ways: dict[str, Read] = {
        f"load {name}": partial(load, path, expected, name, isolated=False) for name in expected
    }
    ways |= {
        "open": partial(_open, path, expected),
        "info": lambda: _nothing(hspyio.info(path)),
        "file_reader": lambda: _nothing(hspyio.file_reader(path)),
        "lazy": partial(_lazily, path),
        "validate": lambda: _nothing(repr(hspyio.validate(path))),
        "verify": lambda: _nothing(repr(hspyio.verify(path, threads=1))),
    }
    if long:
        ways |= {
            "tree": lambda: _nothing([*hdf5_tree(path, None)]),
            "diff": lambda: _nothing([*hspyio.diff(path, path)]),
            "rescue": partial(_rescued, path),
            "list": lambda: _nothing(hspyio.list_datasets_in_file(path, verbose=False)),
            "metadata": lambda: _nothing(hspyio.read_metadata_from_file(path)),
        }
    return ways


def isolated(path: Path, expected: Mapping[str, hspyio.Signal], *, long: bool) -> dict[str, Read]:
    """All ways of reading in another process; the parameters are those of `everything`."""
    names = [None] if len(expected) == 1 else list(expected)  # one may be called anything
    ways: dict[str, Read] = {
        f"load {name or ''} isolated": partial(load, path, expected, name, isolated=True)
        for name in names
    }
    if long:
        ways["verify isolated"] = lambda: _nothing(repr(hspyio.verify(path, isolated=True)))
    return ways


def _open(path: Path, expected: Mapping[str, hspyio.Signal]) -> None:
    """Also what the mutant has, and its original had not."""
    with hspyio.open(path) as experiments:
        repr(experiments)
        for name in experiments:
            repr(experiments[name].metadata)
            if name not in expected:
                load(path, expected, name, isolated=False)


def _lazily(path: Path) -> None:
    """Whatever is in it, with all values of the data."""
    with hspyio.open(path) as experiments:
        for name in experiments:
            np.asarray(hspyio.load(path, name=name, lazy=True).data)


def _rescued(path: Path) -> None:
    target = path.with_name("rescued.hspy")
    try:
        repr(hspyio.rescue(path, target, overwrite=True, threads=1))
    finally:
        target.unlink(missing_ok=True)


def _nothing(found: object) -> None:
    """No differences are looked for."""


def rehearse(path: Path, expected: Mapping[str, hspyio.Signal], *, apart: bool) -> list[str]:
    """Read a good file in every way here, so that no child has to import anything.

    Parameters
    ----------
    path : Path
        The file.
    expected : mapping
        What it holds.
    apart : bool
        Whether it is read in another process, too.

    Returns
    -------
    list of str
        What is wrong with that.
    """
    ways = everything(path, expected, long=True)
    if apart:
        ways |= isolated(path, expected, long=True)
    found = {name: _verdict(read) for name, read in ways.items()}
    return [
        f"undamaged: {name}: {verdict} {detail}"
        for name, (verdict, detail) in found.items()
        if verdict not in ("same", "warned")
    ]
