"""Where HyperSpy does better with hspyio enabled than on RosettaSciIO's back end.

The numbers are those of `tests/support/defects`; on each back end it is shown what happens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hyperspy.api as hs
import numpy as np
import pytest

import hspyio
from interop.test_hyperspy import spectrum, with_markers
from support.plugged import (
    BACK_END,
    BACK_ENDS,
    OURS,
    THEIRS,
    content,
    different,
    load,
    plugged,
    save,
)

Make = Callable[[], Any]


def test_a_failing_save_leaves_the_old_file(tmp_path: Path) -> None:
    for back_end in BACK_ENDS:
        path = save(back_end, spectrum(), tmp_path / f"{back_end}.hspy")
        before = path.read_bytes()
        bad = hs.signals.Signal1D(np.zeros((3, 4)))
        with pytest.raises(ValueError, match="chunk"):
            save(back_end, bad, path, overwrite=True, chunks=(1, 1, 1, 1))
        assert (path.read_bytes() == before) is (back_end is OURS)


def test_what_only_ours_saves(tmp_path: Path) -> None:
    # defects W6, C4 and C9 of RosettaSciIO's writer: a crash, an unreadable file, a loss
    from datetime import date

    signal = spectrum()
    signal.metadata.set_item("Sample.units", np.array(["µm", "nm"]))
    signal.metadata.set_item("Sample.day", date(2026, 1, 2))
    signal.metadata.set_item("Sample.letters", [str(number) for number in range(3)] + [None] * 9)
    path = save(OURS, signal, tmp_path / "a.hspy")
    found = load(OURS, path).metadata.Sample
    assert found.units.tolist() == ["µm", "nm"]
    assert found.day == "2026-01-02"
    assert found.letters == signal.metadata.Sample.letters
    assert load(OURS, path, exact_types=True).metadata.Sample.day == date(2026, 1, 2)
    with pytest.raises(UnicodeEncodeError):
        save(THEIRS, signal, tmp_path / "theirs.hspy")


def test_markers_with_texts_that_are_not_ascii(tmp_path: Path) -> None:
    # defect C4: RosettaSciIO cannot read what it wrote; hspyio can
    signal = with_markers(unicode=True)
    path = save(THEIRS, signal, tmp_path / "theirs.hspy")
    for lazy in (False, True):
        marker = load(OURS, path, lazy=lazy).metadata.Markers.Texts
        texts = marker.kwargs["texts"]
        found = texts.compute() if hasattr(texts, "compute") else texts
        assert found[3, 2][5] == "5 µm"


def one_ragged_item() -> Any:
    data = np.empty(1, object)
    data[0] = np.arange(3.0)
    return hs.signals.BaseSignal(data, ragged=True)


def no_items() -> Any:
    return hs.signals.Signal1D(np.zeros((0, 3)))


def bytes_in_metadata() -> Any:
    signal = spectrum()
    signal.metadata.set_item("Sample.bytes", b"\xff")
    return signal


def text_with_nul() -> Any:
    signal = spectrum()
    signal.metadata.set_item("Sample.text", "a\0b")
    return signal


CRASHES: list[tuple[str, Make, type[Exception]]] = [
    ("C28", one_ragged_item, OSError),
    ("W11", no_items, ValueError),
    ("W1", bytes_in_metadata, UnicodeDecodeError),
    ("W3", text_with_nul, ValueError),
]


@pytest.mark.parametrize(("number", "make", "error"), CRASHES)
def test_what_only_ours_saves_and_loads(
    number: str, make: Make, error: type[Exception], tmp_path: Path
) -> None:
    signal = make()
    with pytest.raises(error):
        load(THEIRS, save(THEIRS, signal, tmp_path / f"{number}.hspy"))
    path = save(OURS, signal, tmp_path / "ours.hspy")
    wanted, found = content(signal), content(load(OURS, path))
    for part in ("data", "axes", "metadata"):
        assert different(wanted[part], found[part]) == []


@BACK_END
def test_a_signal_more_into_a_file(back_end: str, tmp_path: Path) -> None:
    one, other = spectrum(), spectrum()
    other.metadata.General.title = "other"
    path = save(back_end, one, tmp_path / "a.hspy")
    if back_end is THEIRS:
        with pytest.raises(KeyError):  # defect W18
            save(back_end, other, path, overwrite=True, mode="a")
        return
    save(back_end, other, path, overwrite=True, mode="a")
    for reader in BACK_ENDS:
        titles = [signal.metadata.General.title for signal in load(reader, path)]
        assert sorted(titles) == ["a/b", "other"]


@BACK_END
def test_a_file_that_is_replaced_while_it_is_lazily_open(back_end: str, tmp_path: Path) -> None:
    signal = spectrum()
    path = save(back_end, signal, tmp_path / "a.hspy")
    lazy = load(back_end, path, lazy=True)
    save(back_end, signal * 2, path, overwrite=True)
    if back_end is THEIRS:
        with pytest.raises(OSError, match="identifier"):  # defect R13
            lazy.data.compute()
        return
    assert np.array_equal(lazy.data.compute(), signal.data)
    assert np.array_equal(load(back_end, path).data, signal.data * 2)


@BACK_END
def test_metadata_alone_under_another_title(back_end: str, tmp_path: Path) -> None:
    # RosettaSciIO makes an experiment without data, which nobody sees
    signal = spectrum()
    path = save(back_end, signal, tmp_path / "a.hspy")
    signal.metadata.General.title = "other"
    save(back_end, signal, path, overwrite=True, write_dataset=False)
    title = load(back_end, path).metadata.General.title
    assert title == ("a/b" if back_end is THEIRS else "other")


def test_a_damaged_signal_does_not_hide_the_others(tmp_path: Path) -> None:
    many = [hspyio.from_hyperspy(spectrum()) for _ in range(2)]
    many[1].title = "other"
    hspyio.save(tmp_path / "a.hspy", many)
    with h5py.File(tmp_path / "a.hspy", "r+") as file:
        del file["Experiments/other/axis-1"]
    with pytest.raises(OSError, match="not a valid"):  # defect R12
        load(THEIRS, tmp_path / "a.hspy")
    assert load(OURS, tmp_path / "a.hspy").metadata.General.title == "a/b"
    with plugged(OURS), pytest.warns(hspyio.HspyWarning, match="/Experiments/other"):
        hs.load(tmp_path / "a.hspy")


@BACK_END
def test_errors_are_of_the_same_kinds(back_end: str, tmp_path: Path) -> None:
    (tmp_path / "nonsense.hspy").write_bytes(b"nonsense")
    with pytest.raises(OSError, match="signature"):
        load(back_end, tmp_path / "nonsense.hspy")
    with pytest.raises(ValueError, match="No filename matches"):
        load(back_end, tmp_path / "none.hspy")
    with pytest.raises(ValueError, match="nonsense"):
        save(back_end, spectrum(), tmp_path / "a.hspy", compression="nonsense")
    path = save(back_end, spectrum(), tmp_path / "c.hspy")
    with pytest.raises(ValueError, match="mode"):
        save(back_end, spectrum(), path, overwrite=True, write_dataset=False, mode="w")


def test_metadata_alone_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    # RosettaSciIO leaves a file that nobody can read
    with pytest.raises(OSError, match="no such file"):
        save(OURS, spectrum(), tmp_path / "ours.hspy", write_dataset=False)
    assert not (tmp_path / "ours.hspy").exists()
    path = save(THEIRS, spectrum(), tmp_path / "theirs.hspy", write_dataset=False)
    with pytest.raises(OSError, match="not a valid hspy file"):
        load(THEIRS, path)


def test_unknown_options_are_named(tmp_path: Path) -> None:
    # RosettaSciIO raises errors of h5py, when saving after the old file is gone
    with plugged(OURS):
        with pytest.warns(hspyio.HspyWarning, match="file_writer ignores nonsense"):
            spectrum().save(tmp_path / "a.hspy", nonsense=1)
        with pytest.warns(hspyio.HspyWarning, match="file_reader ignores nonsense"):
            hs.load(tmp_path / "a.hspy", nonsense=1)
