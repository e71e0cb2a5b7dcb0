"""``hspy info``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from hspyio.names import CURRENT_VERSION
from unit.cli.conftest import Ran

Hspy = Callable[..., Ran]


def test_it_says_what_is_there(hspy: Hspy, two_in_one: Path) -> None:
    code, out, err = hspy("info", two_in_one)
    assert (code, err) == (0, "")
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0].startswith(f"{two_in_one}: HSpy {CURRENT_VERSION}, 2 experiments, ")
    assert "EELS/map   [group EELS-map]" in lines
    assert "data     (5, 4|64), uint16; array shape (4, 5, 64)" in lines
    assert "kind     EELS" in lines
    assert any("chunks of (4, 5, 64), shuffle + gzip" in line for line in lines)
    assert "2   Energy     64   -0.1, step 0.01   keV     signal" in lines
    assert "0   Wavelength      3   400 … 700   nm      signal" in lines
    assert "beam energy  200 keV" in lines
    assert "elements     O, Ti" in lines


def test_titles_do_nothing_to_the_terminal(hspy: Hspy, two_in_one: Path) -> None:
    out = hspy("info", two_in_one).out
    assert "\x1b" not in out
    assert "\\x1b[31mline [bold]" in out


def test_the_tree(hspy: Hspy, two_in_one: Path) -> None:
    code, out, _ = hspy("info", "--tree", two_in_one)
    assert code == 0
    lines = out.splitlines()
    assert "    ├── General" in lines
    assert "    │       └── beam_energy = 200.0" in lines
    assert any(line.startswith("    └── mask = ") for line in lines)
    assert "beam energy" not in out


def test_json_is_one_list_of_experiments(hspy: Hspy, two_in_one: Path) -> None:
    code, out, _ = hspy("info", "--json", two_in_one, two_in_one)
    records = json.loads(out)
    assert code == 0
    titles = [record["title"] for record in records]
    assert sorted(titles) == sorted(2 * ["EELS/map", "\x1b[31mline [bold]"])
    first = records[titles.index("EELS/map")]
    second = records[titles.index("\x1b[31mline [bold]")]
    assert first["file"] == str(two_in_one)
    assert first["format_version"] == CURRENT_VERSION
    assert first["group"] == "EELS-map"
    assert first["shape"] == [4, 5, 64]
    assert first["axes"][0]["units"] == "µm"
    assert first["highlights"]["beam energy"] == "200 keV"
    assert "metadata" not in first
    assert second["axes"][0]["axis"] == [400.0, 500.0, 700.0]


def test_json_with_the_tree_holds_what_json_has_no_word_for(hspy: Hspy, two_in_one: Path) -> None:
    records = json.loads(hspy("info", "--json", "--tree", two_in_one).out)
    (metadata,) = (record["metadata"] for record in records if record["group"] == "EELS-map")
    assert metadata["Sample"]["thickness"] == "nan"
    assert metadata["mask"] == {"shape": [50, 50], "dtype": "bool"}
    assert metadata["Sample"]["elements"] == ["O", "Ti"]


def test_a_ragged_signal(hspy: Hspy, tmp_path: Path) -> None:
    items = np.empty(2, dtype=object)
    items[:] = [np.arange(3.0), np.arange(5.0)]
    axes = [hspyio.UniformAxis("x", "µm", size=2, navigate=True)]
    hspyio.save(tmp_path / "ragged.hspy", hspyio.Signal(items, axes))
    out = hspy("info", "ragged.hspy").out
    assert "(no title)" in out
    assert "(2|ragged)" in out
    assert " : 1)" not in out


def test_a_signal_in_the_metadata(hspy: Hspy) -> None:
    hspy("demo")
    text = hspy("info", "--tree", "demo.hspy").out
    assert "intensities = [<Signal, title: X-ray line" in text
    metadata = json.loads(hspy("info", "--json", "--tree", "demo.hspy").out)[0]["metadata"]
    assert "O_Ka" in metadata["Sample"]["intensities"][0]


def test_a_bad_file_does_not_stop_the_others(hspy: Hspy, two_in_one: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.hspy"
    text.write_text("not HDF5")
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = 1
    missing = tmp_path / "missing.hspy"
    code, out, err = hspy("info", text, other, missing, tmp_path, two_in_one)
    assert code == 1
    assert out.count("EELS/map") == 1
    said = err.splitlines()
    assert [line.split(": ")[:2] for line in said] == [
        ["hspy", str(path)] for path in (text, other, missing, tmp_path)
    ]
    assert "Traceback" not in err


def test_json_of_good_files_beside_bad_ones(hspy: Hspy, two_in_one: Path) -> None:
    code, out, err = hspy("info", "--json", "missing.hspy", two_in_one)
    assert code == 1
    assert len(json.loads(out)) == 2
    assert "missing.hspy" in err


@pytest.mark.parametrize("options", [(), ("--tree",), ("--json",), ("--json", "--tree")])
def test_real_files(hspy: Hspy, shared_data: Path, options: tuple[str, ...]) -> None:
    files = sorted(shared_data.iterdir())
    code, out, err = hspy("info", *options, *files)
    assert code == 0, err
    if "--json" in options:
        assert [record["file"] for record in json.loads(out)] == [str(file) for file in files]
    else:
        assert all(f"{file}: HSpy " in out for file in files)


@pytest.mark.parametrize(
    ("compression", "said"), [("gzip", ""), ("lzf", "h5py"), ("zstd", "hdf5plugin")]
)
def test_what_other_programs_need_is_said(
    hspy: Hspy, tmp_path: Path, compression: str, said: str
) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, hspyio.Signal(np.zeros((20, 20))), compression=compression)
    [described] = hspyio.info(path).experiments
    line = f"needs {said} to be read by other programs" if said else ""
    assert described.needs == line
    code, text, err = hspy("info", path)
    assert (code, err) == (0, "")
    assert (line in text) if line else ("needs" not in text)
