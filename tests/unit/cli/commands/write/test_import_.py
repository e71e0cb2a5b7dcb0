"""``hspy import``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import hspyio
from support.formats import ripple
from unit.cli.conftest import Ran

pytest.importorskip("rsciio")
Hspy = Callable[..., Ran]
IMAGES = np.arange(3 * 6 * 7, dtype="<u2").reshape(3, 6, 7)


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    return [ripple(tmp_path / f"scan_{n}.rpl", IMAGES + n) for n in (1, 10, 2)]


def test_one(hspy: Hspy, scans: list[Path]) -> None:
    code, out, err = hspy("import", scans[0])
    assert (code, err) == (0, "")
    assert out.startswith(f"{scans[0].with_suffix('.hspy')}: ") and "kB" in out
    target = scans[0].with_name("b.hspy")
    words = ["--option", "encoding=utf-8", "--chunks", "1,6,7", "--compression", "none"]
    words += ["--navigator", "sum,max", "--checksum", "--reader", "ripple", "--threads", "1"]
    assert hspy("import", scans[0], target, *words).code == 0
    (info,) = hspyio.info(target).experiments
    assert info.chunks == (1, 6, 7) and not info.filters
    assert hspyio.verify(target).sealed
    assert hspy("import", scans[0], target).code == 1
    assert hspy("import", scans[0], target, "--overwrite", "--level", "9").code == 0


def test_many_and_a_folder(hspy: Hspy, scans: list[Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    code, out, _ = hspy("import", *scans, tmp_path / "out")
    assert code == 0
    names = [line.partition(": ")[0] for line in out.splitlines()]
    assert names == [str(tmp_path / "out" / f"scan_{n}.hspy") for n in (1, 10, 2)]
    assert hspy("import", *scans, tmp_path / "out").code == 1
    (tmp_path / "out" / "scan_10.hspy").unlink()
    assert hspy("import", *scans, tmp_path / "out", "--skip-existing")[:2] == (0, out)


def test_a_stack_in_the_order_of_numbers(hspy: Hspy, scans: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "stack.hspy"
    assert hspy("import", *scans, target, "--stack", "time").code == 0
    assert_array_equal(hspyio.load(target).data[:, 0, 0, 0], [1, 2, 10])
    assert hspyio.load(target).axes[0].name == "time"
    given = [scans[2], scans[0], scans[1]]  # an order that no shell makes
    assert hspy("import", *given, target, "--stack", "time", "--overwrite").code == 0
    assert_array_equal(hspyio.load(target).data[:, 0, 0, 0], [2, 1, 10])


def test_what_is_wrong(hspy: Hspy, scans: list[Path], tmp_path: Path) -> None:
    for words, code, said in (
        ([scans[0], "--option", "nothing"], 2, "an option looks like key=value"),
        ([scans[0], "--chunks", "a"], 2, "a shape looks like"),
        ([scans[0], "--reader", "nobody"], 1, "no reader 'nobody'"),
        ([tmp_path / "a.none"], 1, "no such file"),
        ([scans[0], "--option", "unknown=(1, 2)"], 1, "no option 'unknown'; it has: "),
        ([scans[0], "o2"], 2, "o2.hspy"),
        ([*scans, "--stack", "t"], 2, "--stack makes one file"),
        (["https://example.org/a.rpl"], 1, "download it"),
        ([], 2, "Missing argument"),
    ):
        ran = hspy("import", *words)
        assert ran.code == code and said in ran.err.replace("\n", " "), ran
    assert not list(tmp_path.glob("*.hspy"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("256,256", (256, 256)),
        ("(3,4)", (3, 4)),
        ("true", True),
        ("2.5", 2.5),
        ("x=y", "x=y"),
        ("None", None),
        ("a/b.gtg", "a/b.gtg"),
    ],
)
def test_values_of_options(
    hspy: Hspy, scans: list[Path], monkeypatch: pytest.MonkeyPatch, text: str, value: object
) -> None:
    found: dict[str, object] = {}

    def imported(path: str, out: object, **options: object) -> str:
        found.update(options)
        return path

    monkeypatch.setattr(hspyio, "import_file", imported, raising=False)
    assert hspy("import", scans[0], "--option", f"one={text}", "--option", "two=2").code == 0
    assert found["one"] == value and type(found["one"]) is type(value)
    assert found["two"] == 2
