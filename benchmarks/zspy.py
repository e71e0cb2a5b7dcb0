"""RosettaSciIO's ``zspy``, which needs zarr < 3: in an environment and a process of its own."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from benchmarks.exchange import Dataset

PROJECT = Path(__file__).resolve().parents[1]
ENVIRONMENT = PROJECT / ".venv-zspy"


class NoZspyError(Exception):
    """Why it can't be measured."""


def python_with_zspy() -> Path:
    """The Python of zspy's environment, which ``make test-zspy`` uses too.

    Raises
    ------
    NoZspyError
        If it has not been made.
    """
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / ".installed").exists():
        raise NoZspyError(
            f"it needs {ENVIRONMENT.name}, with Zarr 2, which `make bench` makes, or "
            f"`make {ENVIRONMENT.name}/.installed` alone; pip needs a network for that"
        )
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
