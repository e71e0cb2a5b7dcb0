"""Errors that are kept, as Python keeps the last one, are no danger to the program's end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import errno, itertools, os, sys
import h5py, numpy as np
import hspyio
from hspyio.hdf5 import local_snapshot

folder = sys.argv[1]
path, other = folder + "/a.hspy", folder + "/b.hspy"
hspyio.save(path, [hspyio.Signal(np.zeros((3, 4)), title=title) for title in "ab"])
with h5py.File(path, "r+") as file:
    file["other"] = 3
    file["Experiments/a/foreign"] = np.arange(5)
content, read, kept = open(path, "rb").read(), local_snapshot.read_up_to, []
ways = (
    lambda: hspyio.repack(path, other, overwrite=True),
    lambda: hspyio.upgrade(path, path, overwrite=True),
    lambda: hspyio.extract(path, "a", other, overwrite=True),
    lambda: hspyio.remove(path, "b"),
    lambda: hspyio.add_nexus(path),
)
for way, number in itertools.product(ways, range(1, 20)):
    calls = itertools.count(1)

    def failing(*arguments):
        if next(calls) == number:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(*arguments)

    with open(path, "wb") as file:
        file.write(content)
    local_snapshot.read_up_to = failing
    try:
        way()
    except hspyio.HspyError as error:
        kept.append(error)
    local_snapshot.read_up_to = read
print(len(kept))
"""


def test_a_program_that_keeps_errors_ends_well(tmp_path: Path) -> None:
    """HDF5 calls Python when it closes the last at the very end, and crashes."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) > 20
