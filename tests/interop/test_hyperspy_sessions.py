"""``hspy hyperspy on`` and ``HSPYIO_HYPERSPY``, in environments made for the purpose."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

from support.places import ROOT

SOURCE = ROOT / "src"
SAVE_AND_LOAD = """
import hyperspy.api as hs
hs.signals.Signal1D([1.0, 2.0]).save("a.hspy", overwrite=True)
log = hs.load("a.hspy").metadata.General.FileIO.as_dictionary()
print(*(entry["io_plugin"] for entry in log.values()))
"""
OURS, THEIRS = "hspyio hspyio", "rsciio.hspy rsciio.hspy"


class Environment:
    """A Python environment with this source, and with the packages of the tests."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder / "venv", symlinks=sys.platform != "win32")
        self.folder = folder
        scheme = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
        self.packages = Path(sysconfig.get_path("purelib", "venv", scheme))
        self.python = Path(sysconfig.get_path("scripts", "venv", scheme)) / "python"
        shutil.copy(SOURCE / "_hspyio_hyperspy.py", self.packages)
        shutil.copy(SOURCE / "hspyio-hyperspy.pth", self.packages)
        others = "\n".join((str(SOURCE), sysconfig.get_path("purelib")))
        (self.packages / "tested.pth").write_text(f"{others}\n")

    def run(self, *words: str, switch: str | None = None) -> str:
        """The output of a program; what it says on its error stream makes it fail."""
        done = self.completed(*words, switch=switch)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    def completed(self, *words: str, switch: str | None = None) -> subprocess.CompletedProcess[str]:
        """A program that has run in this environment."""
        kept = {key: text for key, text in os.environ.items() if not key.startswith("PYTHON")}
        kept.pop("HSPYIO_HYPERSPY", None)
        return subprocess.run(
            [str(self.python), *words],
            capture_output=True,
            encoding="utf-8",
            cwd=self.folder,
            env={
                **kept,
                "IPYTHONDIR": str(self.folder),
                "MPLCONFIGDIR": str(self.folder),
                **({"HSPYIO_HYPERSPY": switch} if switch is not None else {}),
            },
            check=False,
            timeout=120,
        )

    def hspy(self, what: str, switch: str | None = None) -> str:
        return self.run("-m", "hspyio", "hyperspy", what, switch=switch)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


def test_on_and_off_again(environment: Environment) -> None:
    before = sorted(environment.packages.iterdir())
    assert environment.hspy("status").startswith("off: ")
    assert environment.run("-c", SAVE_AND_LOAD) == THEIRS
    assert environment.hspy("on").startswith("on: ")
    assert environment.run("-c", SAVE_AND_LOAD) == OURS
    assert environment.hspy("on") == environment.hspy("status")
    assert environment.hspy("off").startswith("off: ")
    assert environment.hspy("off") == environment.hspy("status")
    assert environment.run("-c", SAVE_AND_LOAD) == THEIRS
    after = [path for path in environment.packages.iterdir() if path.name != "__pycache__"]
    assert sorted(after) == [path for path in before if path.name != "__pycache__"]


def test_the_variable_decides_for_one_process(environment: Environment) -> None:
    assert environment.run("-c", SAVE_AND_LOAD, switch="1") == OURS
    assert "HSPYIO_HYPERSPY=1" in environment.hspy("status", switch="1")
    environment.hspy("on")
    assert environment.run("-c", SAVE_AND_LOAD, switch="0") == THEIRS
    assert environment.run("-c", SAVE_AND_LOAD, switch="") == OURS
    assert environment.hspy("status", switch="0").startswith("off: ")


def test_a_variable_that_says_neither(environment: Environment) -> None:
    done = environment.completed("-c", SAVE_AND_LOAD, switch="yes")
    assert done.stdout.strip() == THEIRS
    assert "HSPYIO_HYPERSPY=yes is neither 1 nor 0" in done.stderr


@pytest.mark.skipif(find_spec("IPython") is None, reason="no IPython")
def test_ipython(environment: Environment) -> None:
    environment.hspy("on")
    lines = SAVE_AND_LOAD.replace("print(*(", "print('FOUND', *(")
    shown = environment.run("-m", "IPython", "--no-banner", "--colors=NoColor", "-c", lines)
    assert f"FOUND {OURS}" in shown


def test_a_process_that_it_starts(environment: Environment) -> None:
    environment.hspy("on")
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SAVE_AND_LOAD!r}])"
    assert environment.run("-c", code) == OURS


@pytest.mark.parametrize("switch", ["0", "1"])
def test_a_session_without_hyperspy_imports_nothing_for_it(
    environment: Environment, switch: str
) -> None:
    code = "import sys; print(*sorted(sys.modules))"
    found = set(environment.run("-c", code, switch=switch).split())
    alone = set(environment.run("-S", "-c", code).split())
    allowed = {"_hspyio_hyperspy", "site", "_sitebuiltins", "sitecustomize", "usercustomize"}
    plain = set(environment.run("-I", "-c", f"import site; {code}", switch="0").split())
    assert found - alone - plain <= allowed
    assert not {"hspyio", "numpy", "typing", "importlib.util", "warnings"} & (found - plain)


def test_looking_for_it_is_not_importing_it(environment: Environment) -> None:
    code = f"""
from importlib.util import find_spec
import sys
spec = find_spec("rsciio")
assert spec.has_location and spec.loader.is_package("rsciio")
assert "hspyio" not in sys.modules
{SAVE_AND_LOAD}
import rsciio
assert "_hspyio_hyperspy" not in (type(rsciio.__loader__).__module__, rsciio.__spec__.loader)
"""
    assert environment.run("-c", code, switch="1") == OURS


def test_by_hand_after_it(environment: Environment) -> None:
    code = f"import hspyio; hspyio.disable_hyperspy(){SAVE_AND_LOAD}hspyio.enable_hyperspy()"
    assert environment.run("-c", code + SAVE_AND_LOAD, switch="1").split("\n") == [THEIRS, OURS]


def test_hyperspy_works_where_hspyio_does_not(environment: Environment) -> None:
    broken = environment.packages / "hspyio"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('half of it is gone')\n")
    done = environment.completed("-c", SAVE_AND_LOAD, switch="1")
    assert (done.returncode, done.stdout.strip()) == (0, THEIRS)
    assert "hspyio is not under HyperSpy in this session: half of it is gone" in done.stderr


def test_without_the_file_that_looks(environment: Environment) -> None:
    (environment.packages / "hspyio-hyperspy.pth").unlink()
    done = environment.completed("-m", "hspyio", "hyperspy", "on")
    assert done.returncode == 1
    assert "starts without it: install it there" in done.stderr
    shown = environment.hspy("status", switch="1")
    assert shown.startswith("off: ") and "install it there" in shown
