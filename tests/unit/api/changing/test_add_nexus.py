"""Files annotated for NeXus viewers: when they are saved, later, and through every change."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given

import hspyio
from hspyio import DataAxis, Signal, UniformAxis
from hspyio.compare import signal_differences
from hspyio.errors import DamagedFileError, HspyWarning, MissingFileError, NotHspyError
from hspyio.testing import signals
from support import places

ARCHIVE = sorted(places.ARCHIVE.iterdir())


def spectrum(title: str = "EDS", size: int = 5) -> Signal:
    axis = UniformAxis("Energy", "keV", size=size, offset=-0.1, scale=0.01)
    return Signal(np.arange(size, dtype="u2"), [axis], metadata={"General": {"title": title}})


def ragged(title: str = "ragged") -> Signal:
    items = np.empty(2, object)
    items[:] = [np.arange(2.0), np.arange(3.0)]
    return Signal(items, metadata={"General": {"title": title}})


def seen(path: Path, name: str | None = None) -> dict[str, Any]:
    """What a viewer finds, of the experiment that is shown by default."""
    with h5py.File(path) as file:
        entry = file[file.attrs["default"]]
        group = entry[name or entry.attrs["default"]]
        found: dict[str, Any] = {"group": group.name, "classes": []}
        for node in (file, entry, group):
            found["classes"].append(node.attrs["NX_class"])
        found["title"] = group["title"][()].decode() if "title" in group else ""
        found["axes"] = []
        for index, axis in enumerate(group.attrs["axes"]):
            assert group.attrs[f"{axis}_indices"] == index
            values = group[axis][()]
            assert values.shape == (group[group.attrs["signal"]].shape[index],)
            about = dict(group[axis].attrs)
            found["axes"].append((about["long_name"], about.get("units"), values.tolist()))
        return found


def names_in(path: Path) -> set[str]:
    with h5py.File(path) as file:
        found: list[str] = []
        file.visit(found.append)
        return set(found)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.hspy"
    hspyio.save(path, [spectrum(), spectrum("Second", 3)], nexus=True)
    return path


ENERGY = ("Energy (keV)", "keV", [-0.1 + 0.01 * i for i in range(5)])


def test_what_a_viewer_finds(path: Path) -> None:
    assert seen(path) == {
        "group": "/Experiments/EDS",
        "classes": ["NXroot", "NXentry", "NXdata"],
        "title": "EDS",
        "axes": [ENERGY],
    }
    assert seen(path, "Second")["title"] == "Second"


def test_saved_annotated_and_annotated_later_are_the_same(path: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.hspy"
    hspyio.save(later, [spectrum(), spectrum("Second", 3)])
    inode = later.stat().st_ino
    assert hspyio.add_nexus(later) == ("EDS", "Second")
    assert later.stat().st_ino == inode
    assert seen(later) == seen(path) and seen(later, "Second") == seen(path, "Second")
    assert names_in(later) == names_in(path)


@given(signal=signals())
def test_no_signal_is_any_different(
    tmp_path_factory: pytest.TempPathFactory, signal: Signal
) -> None:
    folder = tmp_path_factory.mktemp("nexus")
    hspyio.save(folder / "plain.hspy", signal)
    plain = hspyio.file_reader(folder / "plain.hspy")[0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*NeXus", HspyWarning)
        hspyio.save(folder / "a.hspy", signal, nexus=True)
        hspyio.add_nexus(folder / "plain.hspy")
    for each in ("a.hspy", "plain.hspy"):
        assert not signal_differences(hspyio.load(folder / each), signal)
        read = hspyio.file_reader(folder / each)[0]
        assert read["attributes"].keys() == plain["attributes"].keys()
        assert list(read) == list(plain)


@pytest.mark.parametrize("lazy", [False, True])
def test_readers_take_nothing_of_it_for_their_own(path: Path, lazy: bool) -> None:
    loaded = hspyio.load(path, name="EDS", lazy=lazy)
    assert loaded.attributes == {} and list(loaded.metadata) == ["General"]
    with hspyio.open(path) as experiments:
        assert experiments.attrs == {} and list(experiments) == ["EDS", "Second"]


def test_attributes_of_their_own_are_read_as_ever(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["Experiments"].attrs["lab"] = "here"
        file["Experiments/EDS"].attrs["gain"] = 2.0
        file["Experiments/EDS"].attrs["axis_label"] = "x"
    with hspyio.open(path) as experiments:
        assert experiments.attrs == {"lab": "here"}
        assert experiments["EDS"].attributes == {"gain": 2.0, "axis_label": "x"}
    hspyio.add_nexus(path)
    with hspyio.open(path) as experiments:
        assert experiments.attrs == {"lab": "here"}
        assert experiments["EDS"].attributes == {"gain": 2.0, "axis_label": "x"}


def test_annotating_again_follows_what_another_program_has_changed(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["Experiments/EDS/axis-0"].attrs["units"] = "eV"
        file["Experiments/EDS/axis-0"].attrs["scale"] = 1.0
    before = names_in(path)
    hspyio.add_nexus(path)
    assert seen(path)["axes"] == [("Energy (eV)", "eV", [-0.1 + i for i in range(5)])]
    assert names_in(path) == before


@pytest.mark.parametrize("old", ARCHIVE, ids=lambda path: path.name)
def test_old_files_stay_of_their_version(old: Path, tmp_path: Path) -> None:
    target = tmp_path / old.name
    target.write_bytes(old.read_bytes())
    with hspyio.open(old) as one:
        hspyio.add_nexus(target)
        with hspyio.open(target) as other:
            assert (one.version, one.attrs, list(one)) == (other.version, other.attrs, list(other))
            for name in one:
                assert not signal_differences(one[name], other[name])
    assert len(seen(target)["axes"]) >= 1
    with h5py.File(old) as before, h5py.File(target) as after:
        kept = set(before.attrs) - {"NX_class", "default"}
        assert {key: before.attrs[key] for key in kept} == {key: after.attrs[key] for key in kept}
    assert names_in(old) <= names_in(target)


def test_models_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    first, second = spectrum(), spectrum("Second")
    first.models = {"fit": hspyio.Model({"components": [1, 2]})}
    hspyio.save(path, [first, second])
    with h5py.File(path, "r+") as file:
        file["Analysis/models/alone/x"] = 1
        file["Analysis/models/odd"] = 1
    before = names_in(path)
    hspyio.add_nexus(path)
    assert not signal_differences(hspyio.load(path, name="EDS"), first)
    assert before < names_in(path)


def test_an_empty_group_for_models_stays(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_group("Analysis/models")
    before = names_in(path)
    hspyio.add_nexus(path)
    assert names_in(path) == before


def test_other_members_of_the_file_stay(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["notes"] = "mine"
        file["Experiments/EDS/extra"] = [1, 2]
        file["Experiments/other"] = 5
    before = names_in(path)
    hspyio.add_nexus(path)
    assert names_in(path) == before
    signal = hspyio.load(path, name="EDS")
    hspyio.update(path, signal)
    assert names_in(path) == before


def test_an_update_takes_the_annotation_along(path: Path) -> None:
    signal = hspyio.load(path, name="EDS")
    signal.axes[0].scale, signal.axes[0].offset = 2.0, 0.0
    signal.metadata.General.title = "New title"
    hspyio.update(path, signal)
    assert seen(path) == {
        "group": "/Experiments/New title",
        "classes": ["NXroot", "NXentry", "NXdata"],
        "title": "New title",
        "axes": [("Energy (keV)", "keV", [0.0, 2.0, 4.0, 6.0, 8.0])],
    }
    assert seen(path, "Second")["title"] == "Second"


def test_units_alone_are_enough_of_a_change(path: Path) -> None:
    signal = hspyio.load(path, name="EDS")
    signal.axes[0].units = "eV"
    hspyio.update(path, signal)
    assert seen(path)["axes"] == [("Energy (eV)", "eV", ENERGY[2])]


def test_what_has_no_values_any_more_leaves_none(path: Path) -> None:
    signal = hspyio.load(path, name="EDS")
    signal.axes = hspyio.Axes(
        [hspyio.FunctionalAxis("E", expression="no(x)", x=UniformAxis(size=5))]
    )
    with pytest.warns(HspyWarning, match="axis-0: has no values for NeXus viewers"):
        hspyio.update(path, signal)
    with h5py.File(path) as file:
        group = file["Experiments/EDS"]
        assert list(group.attrs["axes"]) == ["."] and "axis_0_values" not in group


def test_an_update_annotates_nothing_that_was_not(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, spectrum())
    hspyio.update(path, hspyio.load(path))
    with h5py.File(path) as file:
        assert "NX_class" not in file.attrs and "NX_class" not in file["Experiments/EDS"].attrs


def test_appending(path: Path) -> None:
    hspyio.append(path, spectrum("Third", 4), nexus=True)
    hspyio.append(path, spectrum("Fourth", 4))
    assert seen(path)["group"] == "/Experiments/EDS"
    assert seen(path, "Third")["title"] == "Third"
    with h5py.File(path) as file:
        assert "NX_class" not in file["Experiments/Fourth"].attrs


def test_appending_to_a_file_that_was_not_annotated(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, spectrum())
    hspyio.append(path, spectrum("Third", 4), nexus=True)
    assert seen(path)["group"] == "/Experiments/Third"


def test_removing_what_is_shown_by_default(path: Path) -> None:
    hspyio.remove(path, "EDS")
    assert seen(path)["group"] == "/Experiments/Second"


def test_removing_the_only_annotated_experiment(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, [spectrum(), spectrum("Second")])
    hspyio.append(path, spectrum("Third", 4), nexus=True)
    hspyio.remove(path, "Third")
    with h5py.File(path) as file:
        assert file["Experiments"].attrs["default"] == "EDS"


def test_a_file_written_anew_is_annotated_as_before(path: Path) -> None:
    before = seen(path), seen(path, "Second"), names_in(path)
    target = path.with_name("b.hspy")
    hspyio.repack(path, target, compression=None)
    assert (seen(target), seen(target, "Second"), names_in(target)) == before


def test_bringing_an_old_file_to_the_current_format(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    path.write_bytes(next(old for old in ARCHIVE if old.stem == "v2.2").read_bytes())
    hspyio.add_nexus(path)
    before = seen(path)
    hspyio.append(path, spectrum("Third"))
    assert seen(path) == before


def test_a_sealed_file_stays_sealed(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, spectrum(), checksum=True)
    hspyio.add_nexus(path)
    report = hspyio.verify(path)
    assert report.ok and "not sealed" not in repr(report)
    hspyio.load(path)
    hspyio.save(path, spectrum(), checksum=True, nexus=True, overwrite=True)
    assert hspyio.verify(path).ok
    with h5py.File(path, "r+") as file:
        file["Experiments/EDS"].attrs["gain"] = 1
    with pytest.raises(DamagedFileError):
        hspyio.load(path)


def test_what_cannot_be_shown_is_said_and_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    with pytest.warns(HspyWarning, match="/Experiments/ragged: is not annotated.*ragged") as said:
        hspyio.save(path, [ragged(), spectrum()], nexus=True)
    assert len(said) == 1 and Path(said[0].filename) == Path(__file__)
    assert seen(path)["group"] == "/Experiments/EDS"
    assert not signal_differences(hspyio.load(path, name="ragged"), ragged())
    with pytest.warns(HspyWarning, match="ragged") as said:
        assert hspyio.add_nexus(path) == ("EDS",)
    assert Path(said[0].filename) == Path(__file__)
    with pytest.warns(HspyWarning, match="ragged") as said:
        hspyio.append(path, ragged("more"), nexus=True)
    assert Path(said[0].filename) == Path(__file__)


def test_nothing_is_changed_where_nothing_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, ragged())
    before = path.read_bytes()
    with pytest.warns(HspyWarning, match="ragged"):
        assert hspyio.add_nexus(path) == ()
    assert path.read_bytes() == before


def test_what_cannot_be_shown_any_more_is_annotated_no_longer(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["Experiments/EDS/data"]
        file["Experiments/EDS"].create_dataset("data", (5,), h5py.string_dtype())
    with pytest.warns(HspyWarning, match="/Experiments/EDS: is not annotated"):
        assert hspyio.add_nexus(path) == ("Second",)
    assert seen(path)["group"] == "/Experiments/Second"
    with h5py.File(path) as file:
        group = file["Experiments/EDS"]
        assert not {"NX_class", "signal", "axes"} & set(group.attrs)
        assert not {"title", "axis_0_values"} & set(group)


def test_a_damaged_experiment_does_not_keep_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, [spectrum(), spectrum("Second")])
    with h5py.File(path, "r+") as file:
        del file["Experiments/EDS/axis-0"]
    with pytest.warns(HspyWarning, match="/Experiments/EDS.*axis-0"):
        assert hspyio.add_nexus(path) == ("Second",)
    assert seen(path)["group"] == "/Experiments/Second"


def test_what_cannot_be_read_is_never_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, spectrum())
    with h5py.File(path, "r+") as file:
        file["Experiments/EDS/aside"] = h5py.ExternalLink("elsewhere.h5", "/x")
    before = path.read_bytes()
    with pytest.raises(DamagedFileError, match="aside cannot be read"):
        hspyio.add_nexus(path)
    assert path.read_bytes() == before


def test_lazy_data_stay_readable(path: Path) -> None:
    lazy = hspyio.load(path, name="EDS", lazy=True)
    hspyio.add_nexus(path)
    assert lazy.data.compute().tolist() == [0, 1, 2, 3, 4]


def test_a_long_axis_is_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, Signal(np.zeros(200_000, "u1")), nexus=True)
    with h5py.File(path) as file:
        values = file["Experiments/__unnamed__/axis_0_values"]
        assert values.compression == "gzip" and values[-1] == 199_999
    assert path.stat().st_size < 600_000


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        hspyio.add_nexus(tmp_path / "none.hspy")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(NotHspyError):
        hspyio.add_nexus(tmp_path / "other.h5")


def as_dict(signal: Signal, path: Path) -> dict[str, Any]:
    plain = path.with_name("plain.hspy")
    hspyio.save(plain, signal, overwrite=True)
    return hspyio.file_reader(plain)[0]


def test_file_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.file_writer(path, as_dict(spectrum(), path), nexus=True)
    assert seen(path)["axes"] == [ENERGY]
    axis = DataAxis("Energy", "eV", axis=np.arange(5.0))
    changed = Signal(np.arange(5, dtype="u2"), [axis], metadata={"General": {"title": "EDS"}})
    hspyio.file_writer(path, as_dict(changed, path), write_dataset=False)
    assert seen(path)["axes"] == [("Energy (eV)", "eV", [0.0, 1.0, 2.0, 3.0, 4.0])]
    hspyio.file_writer(path, as_dict(spectrum(size=3), path), mode="a")
    assert len(seen(path)["axes"][0][2]) == 3
    hspyio.file_writer(path, as_dict(spectrum("Second"), path), mode="a", nexus=True)
    assert seen(path, "Second")["axes"] == [ENERGY]
    with pytest.warns(HspyWarning, match="ragged"):
        hspyio.file_writer(path, as_dict(ragged("EDS"), path), mode="a")
    assert seen(path)["group"] == "/Experiments/Second"


def test_file_writer_annotates_what_it_updates(tmp_path: Path) -> None:
    path = tmp_path / "a.hspy"
    hspyio.save(path, spectrum())
    hspyio.file_writer(path, as_dict(spectrum(), path), write_dataset=False, nexus=True)
    assert seen(path)["axes"] == [ENERGY]
