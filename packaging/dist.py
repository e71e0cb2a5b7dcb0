"""Build wheel and sdist, check them, and try each in empty environments: ``make dist``.

With the oldest and the newest dependencies, on every Python from 3.11 to 3.14 that is here. It
needs ``build``, ``twine``, ``check-wheel-contents`` and ``uv`` beside it in its environment.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = ("cluster", "hyperspy", "plot", "plugins", "remote", "view", "xarray")
"""What is tried with hspyio beside it; the others are for development, or want another Zarr."""
INTEROP = (
    "tests/interop/test_archive.py",
    "tests/interop/test_hyperspy_switching.py",
    "tests/interop/test_reading.py",
    "tests/interop/test_written_files.py",
)
"""Other programs on the same files, with the oldest versions: about two minutes of the whole."""
TOOLS = Path(sys.executable).parent


def main() -> None:
    """Build, check, try; the first thing that fails ends it."""
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", action="append", help="only this one, such as 3.12")
    parser.add_argument("--no-tests", action="store_true", help="without the tests of interop")
    chosen = parser.parse_args()
    wheel, sdist = build()
    check(wheel, sdist)
    pythons = {name: path for name, path in found() if name in (chosen.python or PYTHONS)}
    if not pythons:
        sys.exit("none of these Pythons is here")
    for number, (name, path) in enumerate(pythons.items()):
        bare(name, path, wheel, "the wheel")
        if not number:
            bare(name, path, sdist, "the sdist")
        with_extras(name, path, wheel, "highest", tests=False)
        with_extras(name, path, wheel, "lowest-direct", tests=not number and not chosen.no_tests)
    missing = [name for name in PYTHONS if name not in pythons]
    say(
        f"all of it works on Python {', '.join(pythons)}; not tried: {', '.join(missing) or 'none'}"
    )


def build() -> tuple[Path, Path]:
    """Make both anew; the wheel is made of the sdist, so the sdist has all that it needs."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST, ROOT)
    [wheel], [sdist] = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    return wheel, sdist


def check(wheel: Path, sdist: Path) -> None:
    """What an index would refuse or show wrong, and what does not belong into a wheel."""
    run(TOOLS / "twine", "check", "--strict", wheel, sdist)
    run(TOOLS / "check-wheel-contents", wheel)


def found() -> Iterator[tuple[str, Path]]:
    """The Pythons that are here: on the path, or of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for name in PYTHONS:
        on_path = shutil.which(f"python{name}")
        for path in (*pyenv.glob(f"{name}.*/bin/python"), *([Path(on_path)] if on_path else [])):
            shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
            if shown.returncode == 0 and shown.stdout.split()[-1].startswith(f"{name}."):
                yield name, path
                break


def bare(name: str, python: Path, built: Path, what: str) -> None:
    """Nothing beside it but what it needs itself."""
    with environment(name, python, f"{what} alone") as (folder, inside):
        uv(inside, "install", built)
        smoke(folder, inside)


def with_extras(name: str, python: Path, wheel: Path, resolution: str, *, tests: bool) -> None:
    """All it can have beside it, of the oldest or the newest versions."""
    with environment(name, python, f"{resolution} versions") as (folder, inside):
        pinned = folder / "pinned.txt"
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        options = ["--resolution", resolution, "--python", inside, "--only-binary", ":all:"]
        quiet = ["--quiet", "--no-annotate", "--no-header", "--output-file", pinned]
        run(TOOLS / "uv", "pip", "compile", ROOT / "pyproject.toml", *extras, *options, *quiet)
        uv(inside, "install", "--only-binary", ":all:", "--requirements", pinned)
        uv(inside, "install", "--no-deps", wheel)
        smoke(folder, inside)
        if tests:
            wanted = ("exspy", "pytest", "pytest-xdist", "hypothesis", "pyfive==1.3.*")
            uv(inside, "install", "--constraints", pinned, *wanted)
            few = {**os.environ, "HSPYIO_EXAMPLES": "20"}
            # old packages warn of new ones; that is for others to mend
            calm = ("-W", "ignore::DeprecationWarning", "-p", "no:cacheprovider")
            run(inside, "-m", "pytest", "-q", "-n", "2", *calm, *INTEROP, cwd=ROOT, env=few)


class environment:  # noqa: N801
    """A new virtual environment, which goes again; what is tried in it is said with its time."""

    def __init__(self, name: str, python: Path, what: str) -> None:
        self.python, self.what = python, f"Python {name}, {what}"

    def __enter__(self) -> tuple[Path, Path]:
        self.began = time.monotonic()
        self.folder = Path(tempfile.mkdtemp(prefix="hspyio-dist-"))
        run(TOOLS / "uv", "venv", "--quiet", "--python", self.python, self.folder / "venv")
        return self.folder, self.folder / "venv" / "bin" / "python"

    def __exit__(self, kind: object, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        word = "failed" if kind else "works"
        say(f"{self.what}: {word} ({time.monotonic() - self.began:.0f} s)")


def uv(python: Path, command: str, *words: object) -> None:
    """uv's pip for an environment."""
    run(TOOLS / "uv", "pip", command, "--quiet", "--python", python, *words)


def smoke(folder: Path, python: Path) -> None:
    """The smoke test, away from the repository."""
    run(python, "-I", ROOT / "packaging" / "smoke.py", cwd=folder)


def run(*words: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """A program that must end well; what it says is shown."""
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=env, check=False)
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, words))}")


def say(text: str) -> None:
    """A line of its own."""
    print(f"==> {text}", flush=True)


if __name__ == "__main__":
    main()
