"""HDF5 inspection: RosettaSciIO's results where it has any, and none of its crashes."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest

from hspyio.bridges import inspection
from hspyio.bridges.inspection import list_datasets_in_file, read_metadata_from_file
from hspyio.errors import (
    DamagedFileError,
    HspyError,
    HspyWarning,
    MissingFileError,
    NotHspyError,
    OptionError,
    StaleFileError,
)
from support import places

REAL = places.SHARED
REAL_FILES = [
    "EDS_SEM_TM002.hspy",
    "EELS_LL_linescan_simulated_thickness_variation.hspy",
    "example1_v1.0.hdf5",
    "example1_v1.1.hdf5",
    "example1_v1.2.hdf5",
    "example2_v3.1.hspy",
    "hs14_model.hspy",
    "hs2.0_custom_component.hspy",
    "none_metadata.hdf5",
    "signal_markers_hs1_7_5.hspy",
    "test_rgba16.hdf5",
    "with_lists_etc.hdf5",
]
TEXT = h5py.string_dtype()

Make = Callable[[Callable[[h5py.File], object]], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(fill: Callable[[h5py.File], object]) -> Path:
        path = tmp_path / "made.h5"
        with h5py.File(path, "w") as file:
            fill(file)
        return path

    return make


def fill_attributes(file: h5py.File) -> None:
    file.attrs["root"] = "r"
    group = file.create_group("entry")
    group.attrs["int"] = np.int64(3)
    group.attrs["float32"] = np.float32(1.5)
    group.attrs["bool"] = np.bool_(True)
    group.attrs["complex"] = 1 + 2j
    group.attrs["text"] = "bé \n"
    group.attrs["bytes"] = np.bytes_(b" ab \n")
    group.attrs["latin"] = np.bytes_(b"\xb5m")
    group.attrs["vector"] = np.arange(3)
    group.attrs["one"] = np.array([7])
    group.attrs["one by one"] = np.array([[7]])
    group.attrs["one text"] = np.array(["é "], dtype=object)
    group.attrs["one bytes"] = np.array([b"q "])
    group.attrs["none"] = np.zeros(0)
    group.attrs["texts"] = np.array(["a", "bé"], dtype=object)
    group.attrs["bytes list"] = np.array([b"q", b"zz"])
    group.attrs["null"] = h5py.Empty("f8")
    group.attrs["opaque"] = np.void(b"\0abc\0")
    group.attrs["record"] = np.zeros(1, dtype=[("a", "i4"), ("b", "f8")])
    group.attrs.create("bad text", b"\xff\xb5", dtype=TEXT)


def fill_datasets(file: h5py.File) -> None:
    group = file.create_group("entry")
    group["float"] = 3.5
    group["float32"] = np.float32(1.1)
    group["int"] = 4
    group["big-endian"] = np.array(3, ">i4")
    group["bool"] = True
    group["complex"] = 1 + 2j
    group["text"] = " bé \n"
    group["bytes"] = np.bytes_(b" ab \n")
    group["latin"] = np.bytes_(b"\xb5m")
    group["opaque"] = np.void(b"\0ab \0 c\0\n ")
    group["record"] = np.zeros((), dtype=[("a", "i4"), ("b", "f8")])
    group["one"] = np.ones(1)
    group["one by one"] = np.ones((1, 1))
    group["one text"] = np.array(["a"], dtype=TEXT)
    group["two"] = np.ones(2, ">f4")
    group["matrix"] = np.arange(12.0).reshape(3, 4)
    group["bools"] = np.array([True, False])
    group["texts"] = np.array([["a", "bé"], ["c", "d"]], dtype=TEXT)
    group["bytes list"] = np.array([b"\xb5", b"bb"])
    group["records"] = np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])
    group.create_dataset("enum", data=1, dtype=h5py.enum_dtype({"RED": 0, "GREEN": 1}))
    ragged = group.create_dataset("ragged", (2, 2), dtype=h5py.vlen_dtype(np.int32))
    ragged[0, 0] = [1, 2]
    group.create_dataset("row", (), dtype=h5py.vlen_dtype(np.float64))[()] = np.arange(3.0)
    date = np.array(["2020-01-01"], dtype="M8[s]")
    group["date"] = date.astype(h5py.opaque_dtype(date.dtype))
    for name in ("matrix", "text", "one"):
        group[name].attrs["units"] = "nm"
    file["type"] = np.dtype("f8")


def fill_groups(file: h5py.File) -> None:
    entry = file.create_group("entry", track_order=True)
    entry["z"] = np.arange(3)
    entry["a"] = np.arange(3)
    entry.attrs["default"] = "sub"
    sub = entry.create_group("sub")
    sub["vec2"] = np.ones((2, 2))
    sub["vec2"].attrs["hidden"] = 1
    sub["other"] = 5
    sub.create_group("hollow").create_group("hollow2")
    sub.create_group("attributes only").attrs["w"] = 1
    file["hard"] = entry["sub"]
    entry["soft"] = h5py.SoftLink("/entry/z")
    entry["soft relative"] = h5py.SoftLink("sub/vec2")
    entry["soft group"] = h5py.SoftLink("./sub/")
    entry["soft soft"] = h5py.SoftLink("soft group/other")


def fill_nexus(file: h5py.File) -> None:
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    markers: list[tuple[Any, Any]] = [
        ("NXdata", "data"),
        (b"NXdata", b"data"),
        (np.array(["NXdata"], dtype=object), "missing"),
        ("NXdata", None),
        ("NXentry", "data"),
        (3, "data"),
        (None, "data"),
    ]
    for number, (marker, signal) in enumerate(markers):
        group = entry.create_group(f"data{number}")
        if marker is not None:
            group.attrs["NX_class"] = marker
        if signal is not None:
            group.attrs["signal"] = signal
        group["data"] = np.ones((3, 3))
        group["x"] = np.arange(3.0)
        group["inner/deep"] = 3
    entry["soft"] = h5py.SoftLink("/entry/data0")
    file["marked"] = np.ones(3)
    file["marked"].attrs["NX_class"] = "NXdata"
    file["marked"].attrs["signal"] = "d"


FILLS = [fill_attributes, fill_datasets, fill_groups, fill_nexus]


def plain(value: Any) -> Any:
    """A tree with types spelled out, so that ``==`` compares them too."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        items = [plain(i) for i in value.ravel()] if value.dtype.hasobject else value.tobytes()
        return "array", str(value.dtype), value.shape, items
    if isinstance(value, h5py.Empty):
        return "empty", str(value.dtype)
    return type(value), repr(value)


@pytest.fixture(params=[*FILLS, *REAL_FILES], ids=lambda p: getattr(p, "__name__", p))
def any_file(request: pytest.FixtureRequest, make: Make) -> Path:
    if callable(request.param):
        return make(request.param)
    if not REAL.is_dir():
        pytest.skip("the real files are not here")
    return REAL / request.param


def dots_split(tree: dict[str, Any]) -> dict[str, Any]:
    """What RosettaSciIO makes of names with dots when it looks for keys."""
    split: dict[str, Any] = {}
    for name, item in tree.items():
        *above, last = name.split(".")
        level = split
        for part in above:
            level = level.setdefault(part, {})
        level[last] = dots_split(item) if isinstance(item, dict) else item
    return split


KEYS = [None, "", "vec", "sub", ["other", "w"], "sub/other", "hollow", "attrs", "value", "data"]


class TestSameAsRosettaSciIO:
    @pytest.fixture(autouse=True)
    def theirs(self) -> None:
        self.rs: Any = pytest.importorskip("rsciio.utils.hdf5")

    @pytest.mark.parametrize("hardlinks_only", [False, True])
    def test_lists(self, any_file: Path, hardlinks_only: bool, capsys: Any) -> None:
        theirs = self.rs.list_datasets_in_file(any_file, hardlinks_only=hardlinks_only)
        printed = capsys.readouterr().out
        options = {"hardlinks_only": hardlinks_only}
        assert list_datasets_in_file(any_file, **options) == theirs
        assert capsys.readouterr().out == ""
        assert list_datasets_in_file(any_file, **options, verbose=True) == theirs
        assert capsys.readouterr().out == printed

    @pytest.mark.parametrize("key", [*KEYS, []], ids=str)
    def test_lists_with_keys(self, any_file: Path, key: Any) -> None:
        ours = list_datasets_in_file(any_file, key, verbose=False)
        theirs = self.rs.list_datasets_in_file(any_file, key, verbose=False)
        assert [set(paths) for paths in ours] == [set(paths) for paths in theirs]

    @pytest.mark.parametrize("skip", [False, True])
    @pytest.mark.parametrize("key", [*KEYS, []], ids=str)
    def test_metadata(self, any_file: Path, key: Any, skip: bool) -> None:
        ours = read_metadata_from_file(any_file, metadata_key=key, skip_array_metadata=skip)
        try:
            theirs = self.rs.read_metadata_from_file(
                any_file, metadata_key=key, skip_array_metadata=skip
            )
        except RuntimeError as error:
            assert key is not None
            pytest.skip(f"dots in names make RosettaSciIO fail: {error}")
        assert plain(ours if key is None else dots_split(ours)) == plain(theirs)

    def test_metadata_order_and_print(self, make: Make, capsys: Any) -> None:
        path = make(fill_groups)
        theirs = self.rs.read_metadata_from_file(path, verbose=True)
        printed = capsys.readouterr().out
        assert repr(read_metadata_from_file(path, verbose=True)) == repr(theirs)
        assert capsys.readouterr().out == printed

    @pytest.mark.parametrize("keys", [5, ["vec", None]])
    def test_senseless_keys(self, make: Make, keys: Any) -> None:
        path = make(fill_groups)
        for name in ("list_datasets_in_file", "read_metadata_from_file"):
            with pytest.raises(ValueError, match="key"):
                getattr(self.rs, name)(path, **{key_name(name): keys})
            with pytest.raises(OptionError, match=f"{key_name(name)}=.*: expected a string"):
                getattr(inspection, name)(path, **{key_name(name): keys})


def key_name(function: str) -> str:
    return "dataset_key" if function.startswith("list") else "metadata_key"


def test_paths_start_at_the_root_in_both(make: Make) -> None:
    path = make(fill_groups)
    assert list_datasets_in_file(path, "/entry/z", verbose=False) == ([], ["/entry/z"])
    (entry,) = read_metadata_from_file(path, metadata_key="/entry/z").values()
    assert entry.keys() == {"z"}


BOTH = [
    pytest.param(lambda path: list_datasets_in_file(path, verbose=False), id="list"),
    pytest.param(read_metadata_from_file, id="read"),
]


@pytest.mark.parametrize("function", BOTH)
class TestFilesThatCannotBeOpened:
    def test_missing(self, function: Any, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match="no such file"):
            function(tmp_path / "nope.h5")

    def test_no_file(self, function: Any, tmp_path: Path) -> None:
        with pytest.raises(NotHspyError, match="is a folder"):
            function(tmp_path)

    def test_no_hdf5(self, function: Any, tmp_path: Path) -> None:
        path = tmp_path / "text.hspy"
        path.write_text("not HDF5", encoding="ascii")
        with pytest.raises(NotHspyError, match=r"text\.hspy: is not an HDF5 file"):
            function(str(path))

    def test_truncated(self, function: Any, make: Make) -> None:
        path = make(fill_groups)
        os.truncate(path, path.stat().st_size - 100)
        with pytest.raises(DamagedFileError, match="it was cut"):
            function(path)

    def test_no_permission_is_no_matter_of_format(
        self, function: Any, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*args: Any) -> None:
            raise PermissionError(errno.EACCES, "no")

        path = make(fill_groups)
        monkeypatch.setattr("hspyio.hdf5.local_snapshot.open_for_reading", refuse)
        with pytest.raises(PermissionError):
            function(path)


class TestWhereRosettaSciIOCrashes:
    """Each of these files raises something there, or reads what the user didn't name."""

    def test_empty_arrays(self, make: Make) -> None:
        def fill(file: h5py.File) -> None:
            file["a"] = np.zeros((0, 3))
            file["b"] = h5py.Empty("f8")
            file["c"] = 1

        path = make(fill)
        values = read_metadata_from_file(path)
        assert values["a"].shape == (0, 3)
        assert values["b"] == h5py.Empty("f8")
        assert values["c"] == 1
        assert list_datasets_in_file(path, verbose=False) == ([], [])
        assert read_metadata_from_file(path, lazy=True)["a"].shape == (0, 3)

    def test_elements_that_are_arrays(self, make: Make) -> None:
        def fill(file: h5py.File) -> None:
            file.create_dataset("array", (2,), dtype="(3,)f8")
            file.create_dataset("one array", (1,), dtype="(3,)f8")
            file.create_dataset("row", (1,), dtype=h5py.vlen_dtype("f8"))[0] = np.arange(2.0)
            file.create_dataset("no row", (1,), dtype=h5py.vlen_dtype("f8"))

        values = read_metadata_from_file(make(fill))
        shapes = {name: value.shape for name, value in values.items()}
        assert shapes == {"array": (2, 3), "no row": (0,), "one array": (3,), "row": (2,)}

    def test_a_class_that_is_a_list(self, make: Make) -> None:
        def fill(file: h5py.File) -> None:
            attributes = file.create_group("a").attrs
            attributes["NX_class"] = np.array(["NXdata", "NXentry"], dtype=object)

        path = make(fill)
        assert list_datasets_in_file(path, verbose=False) == ([], [])
        assert list(read_metadata_from_file(path)) == ["a"]

    @pytest.mark.parametrize("kind", ["soft", "hard"])
    @pytest.mark.parametrize("target", ["/", "/a", "/a/b"])
    def test_links_back(self, make: Make, kind: str, target: str) -> None:
        def fill(file: h5py.File) -> None:
            file["a/b/data"] = np.arange(3)
            file["a/b/back"] = h5py.SoftLink(target) if kind == "soft" else file[target]

        path = make(fill)
        with pytest.warns(HspyWarning, match="/a/b/back: is a link to a group that holds it"):
            assert list_datasets_in_file(path, verbose=False) == ([], ["/a/b/data"])
        with pytest.warns(HspyWarning, match="link to a group that holds it"):
            assert read_metadata_from_file(path)["a"]["b"].keys() == {"data"}

    @pytest.mark.parametrize("target", ["/a", "a", "/b", "/nope", "/data/nope", "nope/data", ""])
    def test_links_to_nowhere(self, make: Make, target: str) -> None:
        def fill(file: h5py.File) -> None:
            file["data"] = np.arange(3)
            file["b"] = h5py.SoftLink("/a")
            file["a"] = h5py.SoftLink(target or "/////a")

        path = make(fill)
        with pytest.warns(HspyWarning, match="/a: is a link .*(which is not there|in a circle)"):
            assert list_datasets_in_file(path, verbose=False) == ([], ["/data"])
        assert list_datasets_in_file(path, hardlinks_only=True, verbose=False)[1] == ["/data"]

    def test_members_that_cannot_be_read(self, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        def fill(file: h5py.File) -> None:
            file.create_dataset("a", data=np.arange(1000), compression="gzip")
            file["a"].attrs["units"] = "nm"
            file["b"] = np.arange(1000)

        path = make(fill)
        with h5py.File(path) as file:
            chunk = file["a"].id.get_chunk_info(0)
        with path.open("r+b") as raw:
            raw.seek(chunk.byte_offset)
            raw.write(b"\0" * chunk.size)
        with pytest.warns(
            HspyWarning, match=r"one value left out:\n  /a: its chunk at \(0,\) cannot be read"
        ):
            values = read_metadata_from_file(path)
        assert values["a"] == {"attrs": {"units": "nm"}}
        assert values["b"].size == 1000

    def test_attributes_that_cannot_be_read(self, make: Make) -> None:
        def fill(file: h5py.File) -> None:
            file.create_group("g").attrs["NX_class"] = file.ref
            file["g"].attrs["bad"] = file.ref
            file.attrs["good"] = 1

        path = make(fill)
        with pytest.warns(HspyWarning, match="/g@bad: .*HDF5 references are not part"):
            assert read_metadata_from_file(path) == {"attrs": {"good": 1}, "g": {}}

    def test_a_member_named_attrs(self, make: Make) -> None:
        def fill(file: h5py.File) -> None:
            file.attrs["x"] = 1
            file["attrs/q"] = 2

        with pytest.warns(HspyWarning, match="/: the attributes: a member named attrs"):
            assert read_metadata_from_file(make(fill)) == {"attrs": {"q": 2}}

    def test_a_name_that_is_no_text(self, make: Make) -> None:
        path = make(lambda file: file.__setitem__(b"a\xff", np.arange(3)))
        with pytest.warns(HspyWarning, match="one value left out:.*\n.*decode byte 0xff"):
            assert list_datasets_in_file(path, verbose=False) == ([], [])

    def test_dots_in_names_with_keys(self, make: Make) -> None:
        """There each dot makes a level, where the iteration survives that."""
        path = make(lambda file: file.__setitem__("a.b/c.d", 1))
        assert read_metadata_from_file(path, metadata_key="c.") == {"a.b": {"c.d": 1}}


class TestNothingElseIsOpened:
    @pytest.fixture
    def other(self, tmp_path: Path) -> Path:
        path = tmp_path / "other.h5"
        with h5py.File(path, "w") as file:
            file["g/secret"] = np.arange(5)
        return path

    @pytest.mark.parametrize("target", ["/g/secret", "/g"])
    def test_external_links(self, make: Make, other: Path, target: str) -> None:
        path = make(lambda file: file.__setitem__("a", h5py.ExternalLink(other.name, target)))
        match = f"/a: is a link to another file, 'other.h5', to '{target}' there"
        with pytest.warns(HspyWarning, match=match):
            assert list_datasets_in_file(path, verbose=False) == ([], [])
        with pytest.warns(HspyWarning, match=match):
            assert read_metadata_from_file(path) == {}
        assert list_datasets_in_file(path, hardlinks_only=True, verbose=False) == ([], [])

    def test_a_soft_link_through_an_external_one(self, make: Make, other: Path) -> None:
        def fill(file: h5py.File) -> None:
            file["ext"] = h5py.ExternalLink(other.name, "/g")
            file["soft"] = h5py.SoftLink("/ext/secret")

        with pytest.warns(HspyWarning, match="/soft: is a link to another file"):
            assert read_metadata_from_file(make(fill)) == {}

    @pytest.mark.parametrize("lazy", [False, True])
    def test_virtual_and_external_storage(self, make: Make, other: Path, lazy: bool) -> None:
        def fill(file: h5py.File) -> None:
            layout = h5py.VirtualLayout((5,), "i8")
            layout[:] = h5py.VirtualSource(other, "g/secret", (5,))
            file.create_virtual_dataset("virtual", layout)
            file.create_dataset("raw", (5,), "u1", external=[(other, 0, 5)])

        path = make(fill)
        with pytest.warns(HspyWarning, match="2 values left out.*\n  /raw: its values stand in"):
            assert read_metadata_from_file(path, lazy=lazy) == {}
        assert list_datasets_in_file(path, verbose=False) == ([], ["/raw", "/virtual"])


class TestFilesThatLieAboutTheirSize:
    @pytest.mark.parametrize("lazy", [False, True])
    def test_more_than_the_file_can_hold(self, make: Make, lazy: bool) -> None:
        path = make(lambda file: file.create_dataset("a", (2**60,), "u1", chunks=(1024,)))
        with pytest.warns(HspyWarning, match="1,152,921,504,606,846,976 bytes, of which the file"):
            assert read_metadata_from_file(path, lazy=lazy) == {}
        assert list_datasets_in_file(path, verbose=False) == ([], ["/a"])

    def test_deeper_than_any(self, make: Make) -> None:
        path = make(lambda file: file.create_group("/g" * 250))
        with pytest.warns(HspyWarning, match="more than 200 groups deep"):
            values = read_metadata_from_file(path)
        for _ in range(200):
            values = values["g"]
        assert values == {}

    def test_links_that_multiply(self, make: Make) -> None:
        def fill(file: h5py.File) -> None:
            group = file.create_group("g0")
            for number in range(1, 30):
                inner = file.create_group(f"g{number}")
                group["a"] = group["b"] = inner
                group = inner

        path = make(fill)
        with pytest.warns(HspyWarning, match="one more link to what 8 others in this file"):
            read_metadata_from_file(path)


def fill_arrays(file: h5py.File) -> None:
    file["contiguous"] = np.arange(10)
    file.create_dataset("chunked", data=np.arange(16.0).reshape(4, 4), chunks=(2, 2))
    file["chunked"].attrs["units"] = "nm"
    file["texts"] = np.array(["a", "bé"], dtype=TEXT)
    file["g/records"] = np.ones(3, dtype=[("a", "i4"), ("b", "f8")])
    rows = file.create_dataset("rows", (2,), dtype=h5py.vlen_dtype(np.float64))
    rows[0] = np.arange(3.0)
    file["scalar"] = 1
    file["one"] = np.ones(1)


class TestLazy:
    def test_dask_arrays_have_the_same_values(self, make: Make) -> None:
        path = make(fill_arrays)
        lazy = read_metadata_from_file(path, lazy=True)
        assert isinstance(lazy["chunked"]["value"], da.Array)
        assert isinstance(lazy["rows"], da.Array)
        assert (lazy["scalar"], lazy["one"]) == (1, 1.0)
        assert plain(computed(lazy)) == plain(read_metadata_from_file(path))

    def test_no_handle_stays_open(self, make: Make) -> None:
        path = make(fill_arrays)
        lazy = read_metadata_from_file(path, lazy=True)
        assert lazy["contiguous"][3:5].compute().tolist() == [3, 4]
        with h5py.File(path, "r+"):  # HDF5's lock would refuse this while it is open for reading
            pass

    def test_arrays_can_be_pickled(self, make: Make) -> None:
        lazy = read_metadata_from_file(make(fill_arrays), lazy=True)["contiguous"]
        assert pickle.loads(pickle.dumps(lazy)).compute().tolist() == list(range(10))

    def test_a_changed_file_is_noticed(self, make: Make) -> None:
        lazy = read_metadata_from_file(make(fill_arrays), lazy=True)
        make(fill_groups)
        with pytest.raises(StaleFileError, match=r"made\.h5: /contiguous: has changed"):
            lazy["contiguous"].compute()

    def test_what_soft_links_lead_to(self, make: Make) -> None:
        lazy = read_metadata_from_file(make(fill_groups), lazy=True)["entry"]
        assert lazy["soft"].compute().tolist() == [0, 1, 2]
        assert lazy["soft group"]["vec2"]["value"].compute().tolist() == [[1, 1], [1, 1]]


def computed(tree: dict[str, Any]) -> dict[str, Any]:
    return {
        name: computed(item)
        if isinstance(item, dict)
        else (item.compute() if isinstance(item, da.Array) else item)
        for name, item in tree.items()
    }


def test_the_warning_points_at_the_caller(make: Make) -> None:
    path = make(lambda file: file.__setitem__("a", h5py.SoftLink("/nope")))
    with pytest.warns(HspyWarning) as caught:
        read_metadata_from_file(path)
    assert caught[0].filename == __file__


def test_every_error_is_an_hspy_error() -> None:
    errors = (MissingFileError, NotHspyError, DamagedFileError, OptionError, StaleFileError)
    assert all(issubclass(error, HspyError) for error in errors)
