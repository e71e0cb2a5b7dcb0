"""Which reader is taken, what is said where none can read, and what is done with its dict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

import hspyio
from hspyio.bridges.importing import readers
from hspyio.bridges.importing.readers import Reader, knows, read_signals, readers_of
from hspyio.errors import ConversionError, MissingPackageError, OptionError
from hspyio.packages import how_to_get

pytest.importorskip("rsciio")

AXES = [{"name": "x", "size": 3, "scale": 1.0, "offset": 0.0, "units": "nm", "navigate": False}]


class Fake:
    """A module with a ``file_reader``, as one of RosettaSciIO's."""

    def __init__(self, name: str, read: Any) -> None:
        self.name, self.file_reader = name, read

    @property
    def reader(self) -> Reader:
        return Reader(self.name, self.name)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(name: str, read: Any) -> Reader:
        module = Fake(f"fake_{name}", read)
        monkeypatch.setitem(sys.modules, module.name, module)  # type: ignore[arg-type]
        return Reader(name, module.name)

    return make


def one(data: Any, **more: Any) -> dict[str, Any]:
    return {"data": data, "axes": AXES, "metadata": {}, "original_metadata": {}, **more}


def test_by_extension_and_by_name() -> None:
    assert [reader.name for reader in readers_of("a.BLO", None)] == ["Blockfile"]
    assert {reader.name for reader in readers_of("a.mrc", None)} == {"MRC", "MRCZ"}
    assert [reader.name for reader in readers_of("a.xyz", "ripple")] == ["Ripple"]
    assert [reader.name for reader in readers_of("a", "Gatan")] == ["DigitalMicrograph"]
    assert knows("b.dm4") and not knows("b.xyz")
    with pytest.raises(OptionError, match=r"no reader 'Riple'; did you mean 'Ripple'"):
        readers_of("a.xyz", "Riple")
    with pytest.raises(OptionError, match=r"there are: .*Blockfile, Bruker"):
        readers_of("a.xyz", "q")
    for path, called in (("a.xyz", r"\.xyz"), ("a", "names without an extension")):
        with pytest.raises(ConversionError, match=rf"for {called}; reader='NAME', .*Ripple"):
            readers_of(path, None)


def test_without_rosettasciio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hspyio.packages.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"pip install rosettasciio.*\.\[import\]"):
        readers_of("a.blo", None)


def test_the_first_that_understands_it(fake: Any) -> None:
    def fails(path: str, lazy: bool) -> Any:
        raise ValueError("no magic")

    good = fake("good", lambda path, lazy: [one(np.ones(3))])
    signals, reader = read_signals("a", [fake("bad", fails), good], {})
    assert reader == good
    assert signals[0].data.tolist() == [1, 1, 1]
    assert signals[0].title == "" and signals[0].signal_type == ""


def test_none_understands_it_in_their_words(fake: Any, tmp_path: Path) -> None:
    def fails(path: str, lazy: bool) -> Any:
        raise ValueError("no magic")

    empty = fake("empty", lambda path, lazy: [])
    missing = Reader("missing", "no_such_module_at_all")
    path = str(tmp_path / "a.xyz")
    with pytest.raises(ConversionError) as caught:
        read_signals(path, [fake("bad", fails), empty, missing], {})
    assert str(caught.value).splitlines() == [
        f"{path}: RosettaSciIO cannot read it:",
        "  bad: ValueError: no magic",
        "  empty: there is no signal in it",
        f"  missing: {how_to_get('no_such_module_at_all')}",
    ]
    with pytest.raises(ConversionError, match="cannot read it: bad: ValueError: no magic"):
        read_signals(path, [fake("bad", fails)], {})


def test_small_data_are_read_as_hyperspy_reads_them(fake: Any) -> None:
    """Not lazily: a reader may be wrong there, as that of Panta Rhei's files is."""
    calls = []

    def read(path: str, lazy: bool) -> Any:
        calls.append(lazy)
        return [one(da.zeros(3) if lazy else np.ones(3))]

    (signal,), _ = read_signals("a", [fake("both", read)], {})
    assert signal.data.tolist() == [1, 1, 1] and calls == [True, False]


def test_large_data_stay_lazy(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_AT_ONCE", 8)
    (signal,), _ = read_signals("a", [fake("lazy", lambda path, lazy: [one(da.zeros(3))])], {})
    assert signal.lazy


def test_a_reader_that_is_wrong_lazily_is_never_asked_so(
    fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_AT_ONCE", 8)
    reader = fake("PantaRhei", lambda path, lazy: [one(da.zeros(3) if lazy else np.ones(3))])
    (signal,), _ = read_signals("a", [reader], {})
    assert signal.data.tolist() == [1, 1, 1]


@pytest.mark.parametrize("error", [NotImplementedError("not lazily"), TypeError("no len")])
def test_one_that_cannot_do_it_lazily(fake: Any, error: Exception, tmp_path: Path) -> None:
    def read(path: str, lazy: bool) -> Any:
        if lazy:
            raise error
        return [one(np.ones(3))]

    path = tmp_path / "a"
    path.touch()
    (signal,), _ = read_signals(str(path), [fake("eager", read)], {})
    assert signal.data.tolist() == [1, 1, 1]


def test_a_large_file_that_fails_lazily_is_not_read_as_a_whole(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_SMALL", 3)

    def read(path: str, lazy: bool) -> Any:
        assert lazy
        raise ValueError("cut")

    (tmp_path / "a").write_bytes(b"1234")
    with pytest.raises(ConversionError, match="ValueError: cut"):
        read_signals(str(tmp_path / "a"), [fake("lazy", read)], {})


def test_what_the_reader_says_of_its_metadata_is_done(fake: Any) -> None:
    mapping = {
        "head.kv": ("Acquisition_instrument.TEM.beam_energy", lambda value: value / 1000),
        "head.date": ("General.date", None),
        "head.none": ("General.none", lambda value: None),
        "absent": ("General.absent", None),
    }
    given = one(np.ones(3), mapping=mapping)
    given["original_metadata"] = {"head": {"kv": 200_000, "date": "2020-01-01", "none": 1}}
    (signal,), _ = read_signals("a", [fake("maps", lambda path, lazy: [given])], {})
    assert signal.metadata.Acquisition_instrument.TEM.beam_energy == 200
    assert signal.metadata.General.as_dictionary() == {"date": "2020-01-01", "title": ""}


def test_steps_that_a_reader_wants_after_reading(fake: Any) -> None:
    pytest.importorskip("hyperspy")

    def step(signal: Any) -> Any:
        return signal + 1

    given = one(np.ones(3), post_process=[step])
    (signal,), _ = read_signals("a", [fake("steps", lambda path, lazy: [given])], {})
    assert isinstance(signal, hspyio.Signal)
    assert signal.data.tolist() == [2, 2, 2]


def test_options_go_to_the_reader(fake: Any) -> None:
    def read(path: str, lazy: bool, size: int = 3) -> Any:
        return [one(np.ones(3) * size)]

    (signal,), _ = read_signals("a", [fake("takes", read)], {"size": 7})
    assert signal.data.tolist() == [7, 7, 7]
    with pytest.raises(OptionError, match=r"^takes: .* no option 'sise'; did you mean 'size'"):
        read_signals("a", [fake("takes", read)], {"sise": 7})
    for option in ("lazy", "path", "q"):  # how a file is opened is not for options
        with pytest.raises(OptionError, match=f"has no option '{option}'; it has: size"):
            read_signals("a", [fake("takes", read)], {option: 7})
    none = fake("none", lambda path, lazy: [one(np.zeros(3))])
    with pytest.raises(OptionError, match="it has none"):
        read_signals("a", [none], {"size": 7})
    (signal,), reader = read_signals("a", [none, fake("takes", read)], {"size": 7})
    assert reader.name == "takes" and signal.data.tolist() == [7, 7, 7]
    anything = fake("anything", lambda path, lazy, **more: [one(np.ones(3) * more["size"])])
    assert read_signals("a", [anything], {"size": 2})[0][0].data.tolist() == [2, 2, 2]


def test_a_package_that_a_reader_needs_is_named_as_pip_knows_it(fake: Any) -> None:
    def needs(path: str, lazy: bool) -> Any:
        raise ModuleNotFoundError("No module named 'skimage'", name="skimage")

    with pytest.raises(MissingPackageError, match=r"a: .* needy: scikit-image is not .*\[import\]"):
        read_signals("a", [fake("needy", needs)], {})
