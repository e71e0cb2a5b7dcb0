"""RosettaSciIO's ``zspy``, which needs zarr < 3: in an environment and a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from benchmarks.exchange import Dataset

PROJECT = Path(__file__).resolve().parents[1]
ENVIRONMENT = PROJECT / ".venv-zspy"

# numcodecs 0.16 no longer has what zarr 2 imports; rsciio.zspy imports h5py.
NEEDS = ("rosettasciio==0.15.*", "zarr<3", "numcodecs<0.16", "h5py>=3.12")


class NoZspyError(Exception):
    """Why it can't be measured."""


def python_with_zspy() -> Path:
    """The Python of zspy's environment, which is made once.

    Raises
    ------
    NoZspyError
        If it can't be made: without a network, for example.
    """
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / ".installed"
    wanted = "\n".join((sys.version, *NEEDS))
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    install = ("-m", "pip", "install", "-q", "--disable-pip-version-check", *NEEDS)
    for command in ((sys.executable, "-m", "venv", ENVIRONMENT), (python, *install)):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoZspyError(done.stderr.strip().splitlines()[-1])
    stamp.write_text(wanted)
    return python


class Zspy:
    """A process that writes and reads zspy files on command. A context manager."""

    def __init__(self, log: Path) -> None:
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                (python_with_zspy(), "-m", "benchmarks.zspy_worker"),
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._log = log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def ask(self, do: str, **arguments: object) -> Any:
        """Send a command, wait for its answer.

        Raises
        ------
        NoZspyError
            If the process has ended, with the last line it said.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise NoZspyError((self._log.read_text().splitlines() or ["it ended"])[-1])
        return json.loads(answer)

    def take(self, dataset: Dataset, folder: Path) -> None:
        """Hand over what is to be written, through a file in `folder`."""
        path = folder / "data.npy"
        np.save(path, dataset.data)
        self.ask("take", data=str(path), signal_dimension=dataset.signal_dimension)
        path.unlink()


@dataclass(frozen=True)
class ZspyStep:
    """A contender: ``write`` or ``read`` of a file."""

    zspy: Zspy
    do: str
    path: Path

    def seconds(self) -> float:
        return float(self.zspy.ask(self.do, path=str(self.path)))
