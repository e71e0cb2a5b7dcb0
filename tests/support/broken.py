"""One deliberately broken file a rule: a good file, in which one thing is changed.

Each function gets the path of a good file (see `good`) and breaks one rule of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5g, h5o, h5p, h5s, h5t, h5z

import hspyio
from hspyio import DataAxis, FunctionalAxis, Signal, UniformAxis
from hspyio.names import CURRENT_VERSION
from support.handmade import put_model, put_ragged

__all__ = ["BROKEN", "good"]

HERE = "/Experiments/Good"
NODE = f"{HERE}/metadata/Sample"
MODEL = "/Analysis/models/fit"


def good(path: Path) -> None:
    """Write a file that breaks no rule, with something of every subject in it."""
    marker = {
        "class": "Points",
        "name": "Points",
        "plot_on_signal": True,
        "offset_transform": "data",
        "transform": "display",
        "kwargs": {"offsets": np.zeros((1, 2)), "sizes": (10.0,)},
    }
    signal = Signal(
        np.zeros((2, 3, 4)),
        [
            UniformAxis("y", "nm", size=2, scale=0.5, navigate=True),
            DataAxis("x", "nm", axis=np.array([1.0, 2.0, 4.0]), navigate=True),
            FunctionalAxis(
                "Energy",
                "eV",
                expression="a * x + b",
                parameters={"a": 2.0, "b": 1.0},
                x=UniformAxis(size=4),
            ),
        ],
        metadata={
            "General": {"title": "Good", "date": "2026-03-14", "time": "12:30:00"},
            "Signal": {"signal_type": ""},
            "Sample": {
                "elements": ["Fe", "Pt"],
                "mixed": [1, "a", None],
                "reference": Signal(np.zeros(3), metadata={"General": {"title": "inner"}}),
                "picture": np.zeros((3, 4)),
                "kinds": {1, 2},
            },
            "Markers": {"Points": marker},
        },
        learning_results={"factors": np.zeros((4, 2)), "loadings": np.zeros((6, 2))},
    )
    hspyio.save(path, signal, nexus=True, checksum=False)
    with h5py.File(path, "r+") as file:
        put_model(file, "fit", HERE)
        del file[f"{MODEL}/_dict/_list_1_components/0"].attrs["_bs__class_dump"]


Breaker = Callable[[Path], None]


def edit(change: Callable[[h5py.File], Any]) -> Breaker:
    """A change of an open file, as a change of a file."""

    def breaker(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            change(file)

    return breaker


def attribute(where: str, name: str, value: Any) -> Breaker:
    """Set an attribute; `None` removes it."""

    def change(file: h5py.File) -> None:
        if value is None:
            del file[where].attrs[name]
        else:
            file[where].attrs[name] = value

    return edit(change)


def removed(where: str) -> Breaker:
    """Remove a member."""
    return edit(lambda file: file.__delitem__(where))


def replaced(where: str, value: Any, **how: Any) -> Breaker:
    """Put another dataset where one was, or nothing was."""

    def change(file: h5py.File) -> None:
        if where in file:
            del file[where]
        file.create_dataset(where, data=value, **how)

    return edit(change)


# the file


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["entry/counts"] = [1, 2]


# experiments


def data_is_group(file: h5py.File) -> None:
    del file[f"{HERE}/data"]
    file.create_group(f"{HERE}/data")
    for name in ("NX_class", "signal", "axes"):
        del file[HERE].attrs[name]
    for name in ("axis_0_values", "axis_1_values", "axis_2_values", "title"):
        del file[f"{HERE}/{name}"]


def second(file: h5py.File, data: Any, **how: Any) -> h5py.Group:
    """Another experiment, with data of another kind."""
    group = file["Experiments"].create_group("Second")
    file.copy(file[f"{HERE}/attributes"], group)
    group.create_dataset("data", data=data, **how)
    for name in ("metadata", "original_metadata", "learning_results"):
        group.create_group(name)
    group.create_group("metadata/General").attrs["title"] = "Second"
    for i, size in enumerate(group["data"].shape):
        file.copy(file[f"{HERE}/axis-0"], group, f"axis-{i}")
        group[f"axis-{i}"].attrs.update({"size": size, "navigate": False, "index_in_array": i})
    return group


def ragged_experiment(file: h5py.File, chunks: tuple[int, ...] | None = (2,)) -> h5py.Group:
    group = second(file, np.zeros(2))
    del group["data"]
    group["attributes"].attrs["ragged"] = True
    group["axis-0"].attrs["navigate"] = True
    for name, kind in (("data", "f8"), ("_ragged_shapes_data", "i8")):
        rows = group.create_dataset(name, (2,), h5py.vlen_dtype(np.dtype(kind)), chunks=chunks)
        for i in range(2):
            rows[i] = np.array([3], kind) if kind == "i8" else np.zeros(3)
    return group


def too_few_shapes(file: h5py.File) -> None:
    group = ragged_experiment(file)
    del group["_ragged_shapes_data"]
    rows = h5py.vlen_dtype(np.dtype("i8"))
    group.create_dataset("_ragged_shapes_data", (1,), rows, chunks=(1,))[0] = np.array([3])


def ragged_metadata(file: h5py.File) -> None:
    items = [np.zeros(2), np.zeros((2, 2))]
    put_ragged(file[NODE], "rows", items, "_ragged_shapes_rows")


# axes


def functional_without_x(file: h5py.File) -> None:
    del file[f"{HERE}/axis-2/x"]


def extra_axis(file: h5py.File) -> None:
    file.copy(file[f"{HERE}/axis-0"], file[HERE], "axis-3")


# trees


def fixed_latin1(file: h5py.File) -> None:
    file[NODE].attrs.create("place", np.bytes_("Köln".encode("latin-1")))


def latin1_name(file: h5py.File) -> None:
    h5g.create(file[NODE].id, "Köln".encode("latin-1"))


def long_list(file: h5py.File) -> None:
    group = file[NODE].create_group("_list_12_many")
    for i in range(12):
        group.create_group(str(i)).attrs["number"] = i


def deep(file: h5py.File) -> None:
    file[NODE].create_group("/".join(["deep"] * 120))


def much(file: h5py.File) -> None:
    group = file[NODE].create_group("much")
    for i in range(1000):
        group.attrs[f"number {i}"] = i


# storage


def large_chunks(file: h5py.File) -> None:
    del file[f"{NODE}/picture"]
    how = {"chunks": (2**30, 4), "dtype": "u1"}
    file[NODE].create_dataset("picture", (2**30, 4), **how)


def unknown_filter(file: h5py.File) -> None:
    del file[f"{NODE}/picture"]
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((3, 4))
    plist.set_filter(32999, h5z.FLAG_OPTIONAL, (1,))
    space = h5s.create_simple((3, 4))
    h5d.create(file[NODE].id, b"picture", h5t.NATIVE_DOUBLE, space, plist)


def named_type(file: h5py.File) -> None:
    file[f"{NODE}/kind"] = np.dtype("f8")


def many_paths(file: h5py.File) -> None:
    for i in range(9):
        file[f"{NODE}/picture{i}"] = file[f"{NODE}/picture"]


def damaged_header(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        place = h5o.get_info(file[f"{NODE}/picture"].id).addr
    with path.open("r+b") as stream:
        stream.seek(place)
        stream.write(b"\xff" * 40)


# ours


def sealed(path: Path) -> None:
    with hspyio.open(path) as experiments:
        signal = experiments["Good"]
        hspyio.save(path.with_name("sealed.hspy"), signal, nexus=True, checksum=True)
    path.with_name("sealed.hspy").replace(path)
    with h5py.File(path, "r+") as file:
        file[f"{HERE}/_hspyio_seal"][30] += 1


BROKEN: dict[str, Breaker] = {
    "H101": truncated,
    "H102": foreign,
    "H103": attribute("/", "file_format", "Hyperspace"),
    "H104": attribute("/", "file_format_version", "new"),
    "H105": attribute("/", "file_format_version", np.float64(CURRENT_VERSION)),
    "H106": attribute("/", "file_format_version", "99.9"),
    "H107": attribute("/", "file_format_version", "3.2"),
    "H108": replaced("/thumbnail", np.zeros(3)),
    "H201": edit(lambda file: file.create_group("/Experiments/Empty")),
    "H202": edit(data_is_group),
    "H203": edit(lambda file: file.move(f"{HERE}/metadata", f"{HERE}/mapped_parameters")),
    "H204": removed(f"{HERE}/original_metadata"),
    "H205": attribute(f"{HERE}/metadata/General", "title", None),
    "H206": attribute(HERE, "package_version", None),
    "H207": attribute(f"{HERE}/attributes", "ragged", True),
    "H208": removed(f"{HERE}/attributes"),
    "H209": edit(lambda file: second(file, np.array([b"ab", b"c"]), chunks=(2,))),
    "H210": replaced(f"{NODE}/picture", np.zeros(2, "g"), chunks=(2,)),
    "H211": replaced(f"{HERE}/thumbnail", np.zeros(3)),
    "H301": removed(f"{HERE}/axis-1"),
    "H302": attribute(f"{HERE}/axis-0", "_type", "DataAxis"),
    "H303": attribute(f"{HERE}/axis-0", "size", None),
    "H304": attribute(f"{HERE}/axis-0", "size", 7),
    "H305": replaced(f"{HERE}/axis-1/axis", np.zeros((3, 2)), chunks=True),
    "H306": replaced(f"{HERE}/axis-1/axis", np.array([1.0, 3.0, 2.0]), chunks=True),
    "H307": attribute(f"{HERE}/axis-0", "scale", None),
    "H308": attribute(f"{HERE}/axis-0", "offset", "zero"),
    "H309": attribute(f"{HERE}/axis-0", "scale", 0.0),
    "H310": attribute(f"{HERE}/axis-2", "b", None),
    "H311": attribute(f"{HERE}/axis-2", "expression", "a * x + gamma(b)"),
    "H312": edit(functional_without_x),
    "H313": attribute(f"{HERE}/axis-1", "navigate", None),
    "H314": attribute(f"{HERE}/axis-0", "is_binned", "no"),
    "H315": attribute(f"{HERE}/axis-0", "units", 3.0),
    "H316": attribute(f"{HERE}/axis-0", "index_in_array", 2),
    "H317": edit(extra_axis),
    "H401": edit(fixed_latin1),
    "H402": edit(latin1_name),
    "H403": attribute(NODE, "_bs_code", "text"),
    "H404": edit(lambda file: file.create_group(f"{NODE}/_sig_other")),
    "H405": attribute(NODE, "elements", "Fe"),
    "H406": attribute(NODE, "_list_empty_parts", 5),
    "H407": attribute(f"{NODE}/_list_3_mixed", "1", None),
    "H408": edit(long_list),
    "H409": replaced(f"{NODE}/_list_words", "one", dtype=h5py.string_dtype()),
    "H410": attribute(NODE, "_datetime_date", "datetime.date(1991, 10, 1)"),
    "H411": attribute(NODE, "_datetime_date", "datetime.datetime(1991, 10, 1, tzinfo=UTC)"),
    "H412": edit(deep),
    "H413": edit(much),
    "H501": edit(too_few_shapes),
    "H502": replaced(f"{NODE}/_ragged_shapes_rows", np.zeros(2), chunks=(2,)),
    "H503": edit(lambda file: ragged_experiment(file).__delitem__("_ragged_shapes_data")),
    "H504": edit(lambda file: ragged_experiment(file).move("_ragged_shapes_data", "ragged_shapes")),
    "H505": replaced(f"{NODE}/ragged_shapes", np.zeros(2), chunks=(2,)),
    "H506": edit(ragged_metadata),
    "H601": attribute(f"{HERE}/metadata/Signal", "signal_type", 5),
    "H602": attribute(f"{HERE}/metadata/Signal", "binned", True),
    "H603": attribute(f"{HERE}/metadata/General", "date", "14.3.2026"),
    "H604": replaced(f"{HERE}/learning_results/factors", np.zeros((4, 3)), chunks=True),
    "H605": attribute(f"{HERE}/metadata/Markers/Points", "class", "Arrowheads"),
    "H606": removed(f"{HERE}/metadata/Markers/Points/kwargs"),
    "H607": attribute(MODEL, "_signal", "/Experiments/Gone"),
    "H608": removed(f"{MODEL}/_dict"),
    "H609": attribute(
        f"{MODEL}/_dict/_list_1_components/0", "_bs__class_dump", np.void(b"no pickle at all")
    ),
    "H701": damaged_header,
    "H702": replaced(f"{NODE}/nothing", h5py.Empty("f8")),
    "H703": edit(lambda file: file.__setitem__(f"{NODE}/far", h5py.ExternalLink("b.h5", "/"))),
    "H704": edit(lambda file: file.__setitem__(f"{NODE}/lost", h5py.SoftLink("/gone"))),
    "H705": edit(lambda file: file.__setitem__(f"{NODE}/circle", file[NODE])),
    "H706": edit(named_type),
    "H707": replaced(f"{NODE}/picture", np.zeros((3, 4))),
    "H708": edit(partial(ragged_experiment, chunks=None)),
    "H709": edit(large_chunks),
    "H710": replaced(f"{NODE}/picture", np.zeros((3, 4)), chunks=(3, 4), compression="lzf"),
    "H711": edit(unknown_filter),
    "H712": edit(many_paths),
    "H713": edit(lambda file: file[NODE].attrs.create("where", file[NODE].ref)),
    "H714": attribute(NODE, "nothing", h5py.Empty("f8")),
    "H801": attribute(HERE, "_hspyio_types", "{}"),
    "H802": removed(f"{NODE}/_list_kinds"),
    "H803": sealed,
    "H804": attribute("/Experiments", "default", "Gone"),
}
"""What breaks each rule, by its number."""
