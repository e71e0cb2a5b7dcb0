"""The files that pages speak of and don't make: readers have their own."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

import hspyio
from support.formats import ripple
from support.places import ARCHIVE

MAKES_LAST = ("rescue", "upgrade", "extract", "repack", "export")
"""Commands whose last argument is a file that is not there yet."""


def an_old_file(folder: Path, code: str) -> None:
    """A file of format 1.2."""
    (folder / "old.hdf5").write_bytes((ARCHIVE / "v1.2.hdf5").read_bytes())


def at_first_sight(folder: Path, code: str) -> None:
    """A map, and HyperSpy as it is after ``hspy hyperspy on``."""
    an_old_file(folder, code)
    for name in ("map.hspy", "demo.hspy"):
        if not (folder / name).exists():
            hspyio.save(folder / name, a_map(), durable=False)
    if "hs.load" in code:
        hspyio.enable_hyperspy()


def a_map() -> hspyio.Signal:
    """A small EDS map."""
    return hspyio.Signal(
        np.arange(4 * 5 * 64, dtype="uint16").reshape(4, 5, 64),
        [{"name": "y", "navigate": True}, {"name": "x", "navigate": True}, {"name": "Energy"}],
        metadata={"General": {"title": "EDS"}, "Sample": {"elements": ["O"], "thickness": 9.0}},
    )


def files_of_commands(folder: Path, code: str) -> None:
    """What the examples of ``hspy`` take, for each of them anew."""
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    spectra = a_map()
    haadf = hspyio.Signal(np.ones((4, 5)), metadata={"General": {"title": "HAADF"}})
    for name in ("map", "old", "new", "broken"):
        hspyio.save(folder / f"{name}.hspy", spectra, durable=False)
    for name in ("many", "all"):
        hspyio.save(folder / f"{name}.hspy", [spectra, haadf], durable=False)
    for name in ("day1", "haadf"):
        hspyio.save(folder / f"{name}.hspy", haadf, durable=False)
    ripple(folder / "scan.rpl", np.ones((20, 16, 16), "uint16"))
    an_old_file(folder, code)
    if "git " in code and not (folder / ".git").exists():
        a_repository(folder)
    words = shlex.split(code.strip().partition("\n")[0])
    if len(words) > 1 and words[1] in MAKES_LAST:
        (folder / words[-1]).unlink(missing_ok=True)


def a_repository(folder: Path) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for step in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *who, *step], cwd=folder, check=True, capture_output=True)
    again = ["commit", "-qm", "two", "--allow-empty"]
    subprocess.run(["git", *who, *again], cwd=folder, check=True)


FILES: dict[str, Callable[[Path, str], None]] = {
    "README.md": at_first_sight,
    "docs/cli.md": files_of_commands,
}
"""Page -> what makes its files, before each block."""
