"""Files with values that no program of the field writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5s, h5t

import hspyio
from support.attacks.tools import patched
from support.handmade import CLASS_DUMP, put_signal, skeleton

_CALL = "__import__('os')._exit(86)"
#: A hundred texts that stand where old files have dates.
DATES = (
    *(
        f"{kind}({argument})"
        for kind in ("date", "time", "datetime.date", "eval", "exec", "")
        for argument in (
            _CALL,
            "1, 2, " + _CALL,
            "9" * 10_000,
            "-1, -1, -1",
            "0, 0, 0",
            "1e400, 1, 1",
            "9999999999, 1, 1",
            "1, 1, 1, 1, 1, 1, 1, 1, 1",
            "99, 99, 99",
            "(" * 50_000,
            "1" + " " * 50_000,
            "1," * 20_000,
            "\u0661, \u0662, \u0663",
            "None, None, None",
        )
    ),
    "(" * 60_000,
    "x" * 60_000,
    "date" * 15_000,
    " " * 60_000,
    "1," * 30_000,
    "",
    "()",
    ")(",
    "\x00",
    "date(1991, 10, 1",
    "date[1991, 10, 1]",
    "date(1991 10 1)",
    "date(1991; import os)",
    _CALL,
    "lambda: 0",
    "f'{1}'",
    "{}",
    "%s%s%s%n",
    "${HOME}",
    "`id`",
    "$(id)",
    "\U0001d7d9",
    "\ufeff(1,2,3)",
    "date(0x7, 0b1, 0o7)",
    "date(1, 2, 3",
    "date((1, 2, 3)",
    "date(1,,2)",
    "date(,)",
    "date(1e3, 1, 1)",
    "date(1_9_9_1, 1, 1)",
    "date(1991, 1, 1)(1, 2)",
    "\u202e(1, 2, 3)",
)


def old_dates(path: Path) -> None:
    """A hundred hostile texts under ``_datetime_date`` and ``_datetime_time``."""
    with skeleton(path, version="1.1") as experiment:
        node = experiment["mapped_parameters"]
        for index, text in enumerate(DATES):
            child = node.create_group(f"node{index:03}")
            for name in ("_datetime_date", "_datetime_time"):
                child.attrs[name] = np.bytes_(text.encode()[:60_000])


def pickles(path: Path) -> None:
    """Pickles that end the process of whoever loads them, in every place that holds bytes."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        node.attrs["_bs_attribute"] = np.void(CLASS_DUMP)
        node.attrs["_bs_text"] = CLASS_DUMP
        node.create_dataset("_bs_dataset", data=np.frombuffer(CLASS_DUMP, "u1"))
        node.create_dataset("_list_bytes", data=np.array([CLASS_DUMP], "S"))
        node.create_group("_bs_group").attrs["_bs_inner"] = np.void(CLASS_DUMP)


def references(path: Path) -> None:
    """References to objects and to regions, as attributes, arrays and inside structures."""
    with skeleton(path) as experiment:
        node, data = experiment["metadata"], experiment["data"]
        region = data.regionref[0:1]
        node.attrs["object"] = data.ref
        node.attrs["region"] = region
        node.create_dataset("objects", (1,), h5py.ref_dtype)[0] = data.ref
        node.create_dataset("_list_regions", (1,), h5py.regionref_dtype)[0] = region
        kind = np.dtype([("a", h5py.ref_dtype), ("b", "f8")])
        node.create_dataset("structure", (2,), kind)
        h5a.create(
            node.id, b"structure", h5t.py_create(kind, logical=True), h5s.create_simple((2,))
        )


def types(path: Path) -> None:
    """Enumerations, opaque values, structures, bit fields, times and nulls, as attributes."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        node.attrs.create("enum", 7, dtype=h5py.enum_dtype({"a": 1, "b": 2}, "i4"))
        node.attrs["opaque"] = np.void(b"\x00\xff\x00")
        node.attrs["structure"] = np.zeros(
            2, [("a", "f8"), ("b", "S3", (2,)), ("c", [("d", "i1")])]
        )
        node.attrs["null"] = h5py.Empty("f8")
        space = h5s.create(h5s.SCALAR)
        for name, kind in (
            (b"bitfield", h5t.STD_B16LE),
            (b"time", h5t.UNIX_D32LE),
            (b"reference", h5t.STD_REF_OBJ),
            (b"rows", h5t.vlen_create(h5t.vlen_create(h5t.NATIVE_INT8))),
            (b"texts in rows", h5t.vlen_create(h5t.py_create(h5py.string_dtype(), logical=True))),
        ):
            h5a.create(node.id, name, kind, space)
            h5py.h5d.create(node.id, b"array " + name, kind, h5s.create_simple((3,)))
        experiment.parent.attrs.create("time", 0.0)


def data_of_type(kind: Any) -> Any:
    """An experiment whose data are of such a type, beside a good one."""

    def make(path: Path) -> None:
        with skeleton(path, data=None, shape=(3,)) as experiment:
            h5py.h5d.create(experiment.id, b"data", kind, h5s.create_simple((3,)))
            put_signal(experiment.parent.create_group("Zgood"), "Zgood")

    return make


def _opaque(tag: bytes, size: int) -> h5t.TypeID:
    made = h5t.create(h5t.OPAQUE, size)
    made.set_tag(tag)
    return made


#: Opaque bytes that say what numpy shall take them for: Python objects, for example.
TAGS = (
    b"NUMPY:O",
    b"NUMPY:|O",
    b"NUMPY:O,O",
    b"NUMPY:S1000000",
    b"NUMPY:(1000,1000)f8",
    b"NUMPY:V99999999",
    b"NUMPY:T",
    b"NUMPY:nonsense",
    b"NUMPY:",
    b"NUMPY:\xff\xfe",
)


def opaque_tags(path: Path) -> None:
    """Opaque values that h5py takes for what their tag says."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        for index, tag in enumerate(TAGS):
            kind = _opaque(tag, 8)
            attribute = h5a.create(node.id, b"a%d" % index, kind, h5s.create(h5s.SCALAR))
            attribute.write(np.array(np.void(b"\x41" * 8)), mtype=kind)
            for name in (b"d%d", b"_list_%d"):
                dataset = h5py.h5d.create(node.id, name % index, kind, h5s.create_simple((4,)))
                everything = (h5s.ALL, h5s.ALL)
                dataset.write(*everything, np.full(4, np.void(b"\x41" * 8)), mtype=kind)


def nested_types(path: Path) -> None:
    """Structures in structures and arrays of arrays, hundreds of them."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        inner: h5t.TypeID = h5t.NATIVE_INT8
        for _ in range(800):
            outer = h5t.create(h5t.COMPOUND, 1)
            outer.insert(b"a", 0, inner)
            inner = outer
        h5a.create(node.id, b"structures", inner, h5s.create(h5s.SCALAR))
        h5py.h5d.create(node.id, b"array", inner, h5s.create_simple((3,)))
        inner = h5t.NATIVE_INT8
        for _ in range(800):
            inner = h5t.array_create(inner, (1,))
        h5a.create(node.id, b"arrays", inner, h5s.create(h5s.SCALAR))


def broken_texts(path: Path) -> None:
    """Bytes that are no UTF-8 as values, names, titles, units, the version and the package."""
    broken = b"\xff\xfe\xc3(\xed\xa0\x80"
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        for key, text in (("text", broken), ("date", b"\x80"), ("nul", b"a\x00b\xff")):
            node.attrs[key] = np.bytes_(text)
        node["General"].attrs["title"] = np.bytes_(broken)
        experiment["axis-0"].attrs["units"] = np.bytes_(broken)
        experiment["axis-0"].attrs["name"] = np.bytes_(broken)
        experiment.attrs["package"] = np.bytes_(broken)
        experiment.attrs["package_version"] = np.bytes_(broken)
        h5py.h5g.create(node.id, b"name \xff\xfe")
        h5a.create(node.id, b"attribute \xff", h5t.NATIVE_INT8, h5s.create(h5s.SCALAR))
        h5py.h5d.create(node.id, b"array \xff", h5t.NATIVE_INT8, h5s.create_simple((2**21,)))
        texts = node.create_dataset("_list_texts", (2,), "S4")
        texts[:] = [b"\xff", b"\xc3("]
        experiment.file.attrs["file_format"] = np.bytes_(broken)
        h5py.h5g.create(experiment.parent.id, b"group \xff")
        put_signal(h5py.Group(h5py.h5g.open(experiment.parent.id, b"group \xff")), "Other")


def version(value: Any) -> Any:
    """A file of a version that is none."""

    def make(path: Path) -> None:
        with skeleton(path) as experiment:
            experiment.file.attrs["file_format_version"] = value

    return make


VERSIONS = (
    np.bytes_(b"\xff\xfe"),
    "9" * 5000,
    ".".join("1" * 5000),
    "-1",
    "1e400",
    "",
    "\u0663.\u0663",
    np.nan,
    np.inf,
    -np.inf,
    np.zeros((0,)),
    np.zeros(3),
    10**18,
    np.void(b"\x00"),
    True,
    3 + 3j,
    h5py.Empty("f8"),
    ["3.3", "3.3"],
)


def titles(path: Path) -> None:
    """Titles, names and packages that are no texts."""
    with skeleton(path) as experiment:
        for index, value in enumerate(
            (np.zeros(3), 7, h5py.Empty("f8"), ["a", "b"], np.void(b"ab"), 1j, np.zeros((0,)))
        ):
            other = experiment.parent.create_group(f"Other {index}")
            put_signal(other, "Other")
            other["metadata/General"].attrs["title"] = value
            other["metadata/Signal"].attrs["signal_type"] = value
            other.attrs["package"] = value
            other.attrs["package_version"] = value
            other.attrs["_hspyio_types"] = value


def members(path: Path) -> None:
    """Arrays where groups belong, and groups where arrays do."""
    with skeleton(path) as experiment:
        for name in ("metadata", "original_metadata", "attributes", "axis-0", "learning_results"):
            other = experiment.parent.create_group(f"Other {name}")
            put_signal(other, "Other")
            if name in other:
                del other[name]
            other[name] = np.arange(3)
        other = experiment.parent.create_group("Other data")
        put_signal(other, "Other", data=None, shape=(2,))
        put_signal(other.create_group("data"), "Inner")
        for name in ("_list_2_a", "_tuple_empty_", "_sig_", "_sig_x", "_bs_", "_ragged_shapes_x"):
            experiment["metadata"].create_group(name).attrs["x"] = 1
            experiment["metadata"].create_group(f"{name}y")["x"] = np.arange(2)
            experiment["metadata"].attrs[f"{name}z"] = 3
        experiment["metadata/ragged_shapes"] = np.arange(3.0)
        experiment.file["Analysis"] = np.arange(3)


def analysis(path: Path) -> None:
    """Models that are none."""
    with skeleton(path) as experiment:
        models = experiment.file.create_group("Analysis").create_group("models")
        models["a"] = np.arange(3)
        for index, owner in enumerate((7, np.zeros(2), h5py.Empty("f8"), "/Experiments/Handmade")):
            model = models.create_group(f"m{index}")
            model.attrs["_signal"] = owner
            model.attrs["_bs__class_dump"] = np.void(CLASS_DUMP)
            model["_dict"] = np.arange(3)


def hinted(path: Path) -> None:
    """Type hints that make a few bytes gigabytes."""
    values = {
        "bytes": np.array([b"abcd"] * 64, "S4"),
        "text": np.array(["äbcd"] * 64),
        "dates": np.array(["2020-01-01"] * 64, "M8[D]"),
        "structure": np.zeros(64, [("a", "M8[s]")]),
        "zero": np.array(1.5),
        "void": np.zeros(1, [("a", "M8[s]")])[0],
        "ragged": _ragged(),
    }
    hspyio.save(path, hspyio.Signal(np.zeros(3), metadata={"General": {"title": "T"}, **values}))
    with h5py.File(path, "r+") as file:
        experiment = file["Experiments/T"]
        hints = json.loads(experiment.attrs["_hspyio_types"])
        wide = {"bytes": "|S100000000", "text": "<U100000000", "zero": ["(100000000,)f8", None]}
        wide["dates"] = [{"base": "<M8[D]", "shape": [100_000_000]}]
        structure = {"fields": [["a", "<M8[s]", 0, None]], "size": 10**8, "aligned": False}
        wide["structure"], wide["void"] = [structure], structure
        wide["ragged"] = [["|S100000000", 3]]
        for name, data in wide.items():
            hints["types"][f"/metadata/{name}"][2:] = [data]
        experiment.attrs["_hspyio_types"] = json.dumps(hints)


def _ragged() -> Any:
    rows = np.empty(3, object)
    rows[:] = [np.array(["2020"] * 9, "M8[D]")] * 3
    return rows


def nul_names(path: Path) -> None:
    """Members without a name, or named like the folder itself."""
    with skeleton(path) as experiment:
        node = experiment["metadata"]
        for name in ("member1", "member2", "member3"):
            node.create_group(name).attrs["x"] = 1
    patched(path, b"member1\0", b".\0\0\0\0\0\0\0")
    patched(path, b"member2\0", b"..\0\0\0\0\0\0")
    patched(path, b"member3\0", b"/\0\0\0\0\0\0\0")
