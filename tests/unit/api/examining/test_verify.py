"""Verification of files, sealed or not."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hspyio
from hspyio import Signal
from hspyio.api.examining.reports import DamagedArray, DamagedPart
from hspyio.errors import MissingFileError
from hspyio.reports import Verification
from support import places
from support.samples import made

DATA = np.random.default_rng(0).poisson(3, (6, 5, 40)).astype("u2")
ARCHIVE = sorted(places.ARCHIVE.iterdir())
SHARED = sorted(places.SHARED.glob("*.h*"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Spectra in chunks of two rows, not sealed."""
    path = tmp_path / "map.hspy"
    title = {"General": {"title": "map"}}
    hspyio.save(path, Signal(DATA, signal_dimension=1, metadata=title), chunks=(2, 5, 40))
    return path


def overwrite(path: Path, name: str, number: int, content: bytes = b"\xff" * 9) -> None:
    """Write over the middle of a chunk."""
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(number)
    with path.open("r+b") as stream:
        stream.seek(chunk.byte_offset + chunk.size // 2)
        stream.write(content)


@pytest.mark.parametrize("path", [*ARCHIVE, *SHARED], ids=lambda path: path.name)
def test_good_files_are_intact(path: Path) -> None:
    report = hspyio.verify(path)
    assert report.ok, report
    assert report.arrays >= 1 and report.groups > 1 and report.size == path.stat().st_size
    assert not report.sealed


def test_damaged_chunks_are_named_and_so_is_what_is_intact(path: Path) -> None:
    overwrite(path, "/Experiments/map/data", 1)
    report = hspyio.verify(path)
    assert not report.ok and not report.problems
    [array] = report.damaged
    assert (array.where, array.shape) == ("/Experiments/map/data", (6, 5, 40))
    [part] = array.parts
    assert part.region == ((2, 4), (0, 5), (0, 40)) and "cannot be read" in part.message
    assert array.intact == (((0, 2), (0, 5), (0, 40)), ((4, 6), (0, 5), (0, 40)))
    lines = repr(report).splitlines()
    assert lines[0] == f"{path}: DAMAGED; 11 groups and 1 arrays were read"
    assert "/Experiments/map/data: 33.3 % of its values are damaged" in lines[1]
    assert "[2:4, :, :] cannot be read" in lines[2]
    assert lines[3].strip() == "intact: [0:2, :, :], [4:6, :, :]"
    assert lines[4].strip().startswith("not sealed: map;")
    for low, high in ((0, 2), (4, 6)):
        with h5py.File(path) as file:
            assert (file["/Experiments/map/data"][low:high] == DATA[low:high]).all()


def test_a_seal_finds_what_filters_do_not(tmp_path: Path) -> None:
    path = tmp_path / "map.hspy"
    hspyio.save(path, made("map"), checksum=True, compression=None)
    report = hspyio.verify(path)
    assert report.ok and report.sealed == ("map",) and "sealed: map" in repr(report)
    with h5py.File(path, "r+") as file:
        file["/Experiments/map/data"][0, 0, 0] += 1
        file["/Experiments/map/metadata"].attrs["number"] = 77
    report = hspyio.verify(path)
    assert [array.where for array in report.damaged] == ["/Experiments/map/data"]
    assert report.damaged[0].parts[0].message == "is not what was sealed"
    assert [problem.where for problem in report.problems] == ["/Experiments/map/metadata"]


def test_a_lost_seal(tmp_path: Path) -> None:
    path = tmp_path / "map.hspy"
    hspyio.save(path, made("map"), checksum=True)
    with h5py.File(path, "r+") as file:
        del file["/Experiments/map/_hspyio_seal"]
    assert [str(problem) for problem in hspyio.verify(path).problems] == [
        "/Experiments/map/_hspyio_seal: the seal is lost"
    ]


def test_fletcher32_and_what_is_not_part_of_the_format(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        group = file.create_group("elsewhere/inside")
        group.create_dataset("checked", data=np.arange(1000), fletcher32=True, chunks=(100,))
        group["link"] = h5py.SoftLink("/nowhere")
        group["other"] = h5py.ExternalLink("other.h5", "/")
        group["reference"] = group.ref
        group.attrs["nothing"] = h5py.Empty("f8")
        group["circle"] = file["elsewhere"]
    report = hspyio.verify(path)
    assert report.ok, report
    assert {note.where.rpartition("/")[2] for note in report.notes} == {
        "link", "other", "reference", "inside@nothing", "circle",
    }  # fmt: skip
    overwrite(path, "/elsewhere/inside/checked", 3, b"\1")
    [array] = hspyio.verify(path).damaged
    assert array.where == "/elsewhere/inside/checked"
    assert array.intact == (((0, 300),), ((400, 1000),))
    assert "checksum" in array.parts[0].message


def test_text_of_variable_length_that_is_lost(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["/Experiments/map/metadata"].attrs["sample"] = "N" * 5000
    content = path.read_bytes()
    place = content.rindex(b"GCOL", 0, content.index(b"N" * 5000))
    path.write_bytes(content[:place] + b"XXXX" + content[place + 4 :])
    report = hspyio.verify(path)
    assert "/Experiments/map/metadata@sample" in [problem.where for problem in report.problems]


def test_a_file_that_is_cut_off_or_none(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    [problem] = hspyio.verify(path).problems
    assert "it was cut" in problem.message
    path.write_bytes(b"no HDF5 file")
    assert "is not an HDF5 file" in repr(hspyio.verify(path))
    with h5py.File(path, "w") as file:
        file["values"] = [1, 2]
    report = hspyio.verify(path)
    assert "not an HSpy file" in report.problems[0].message and report.arrays == 1
    with pytest.raises(MissingFileError):
        hspyio.verify(tmp_path / "none.hspy")


def test_without_the_filter_nothing_is_said_to_be_intact(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with h5py.File(path, "r+") as file:
        file.create_dataset("numbers", data=np.arange(100), chunks=(10,), scaleoffset=0)
    monkeypatch.setattr(
        "hspyio.hdf5.plugin_filters.filter_available",
        lambda number: number != h5py.h5z.FILTER_SCALEOFFSET,
    )
    [problem] = hspyio.verify(path).problems
    assert problem.where == "/numbers" and "not available" in problem.message


def test_the_report_is_plain(path: Path) -> None:
    overwrite(path, "/Experiments/map/data", 0)
    report = hspyio.verify(path, threads=1, progress=False)
    assert pickle.loads(pickle.dumps(report)) == report
    made = json.loads(json.dumps(report.as_dict()))
    assert made["ok"] is False and made["unsealed"] == ["map"]
    assert made["damaged"][0]["parts"][0]["region"] == [[0, 2], [0, 5], [0, 40]]
    assert made["damaged"][0]["intact"] == [[[2, 6], [0, 5], [0, 40]]]
    assert Verification("a").as_dict()["ok"] is True


def damaged(shape: tuple[int, ...], *regions: Any) -> DamagedArray:
    return DamagedArray("/a", shape, tuple(DamagedPart(region, "is bad") for region in regions))


def test_what_is_intact_is_cut_where_most_is_left() -> None:
    array = damaged((4, 10), ((0, 4), (3, 4)), ((1, 2), (7, 9)))
    assert array.intact == (((0, 4), (0, 3)), ((0, 4), (4, 7)), ((0, 4), (9, 10)))
    assert damaged((4, 10), ((0, 4), (0, 10))).intact == ()
    assert "no whole slice" in str(damaged((4,), ((0, 4),)))
    many = damaged((100,), *(((i, i + 1),) for i in range(0, 100, 2)))
    assert "... and 30 more places" in str(many) and len(str(many).splitlines()) == 23
    assert "100 % of its values" in str(damaged((), ()))


@st.composite
def boxes(draw: st.DrawFn) -> tuple[tuple[int, ...], list[Any]]:
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    spans = st.tuples(
        *(
            st.integers(0, n - 1).flatmap(
                lambda low, n=n: st.integers(low + 1, n).map(lambda high: (low, high))
            )
            for n in shape
        )
    )
    return shape, draw(st.lists(spans, min_size=1, max_size=4))


@given(boxes())
def test_intact_selections_hold_no_damage_and_are_the_largest(case: Any) -> None:
    shape, regions = case
    bad = np.zeros(shape, bool)
    for region in regions:
        bad[tuple(slice(*span) for span in region)] = True
    intact = damaged(shape, *regions).intact
    free = [bad[tuple(slice(*span) for span in region)] for region in intact]
    assert not any(part.any() for part in free)
    others = [tuple(j for j in range(len(shape)) if j != axis) for axis in range(len(shape))]
    best = max((~bad.any(axis=rest)).mean() for rest in others)
    assert sum(part.size for part in free) == pytest.approx(best * bad.size)


def test_a_store_is_not_called_damaged(tmp_path: Path) -> None:
    hspyio.save(tmp_path / "a.hspy", hspyio.Signal(np.arange(5.0)))
    hspyio.export(tmp_path / "a.hspy", tmp_path / "a.zspy")
    found = hspyio.verify(tmp_path / "a.zspy")
    assert found.ok
    assert found.arrays == 1
