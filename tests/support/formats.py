"""Files of other formats, made by RosettaSciIO's own writers or by hand, for what imports them."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

__all__ = ["FORMATS", "NOT_MADE", "made", "ripple"]


def signal(
    shape: tuple[int, ...], navigation: int, dtype: str, units: str = "nm", **metadata: Any
) -> dict[str, Any]:
    """RosettaSciIO's dict of a signal whose every value is another."""
    names = ("E",) if len(shape) == 1 else ("t", "y", "x", "ky", "kx")[-len(shape) :]
    axes: list[dict[str, Any]] = [
        {
            "_type": "UniformDataAxis",
            "name": name,
            "units": "nm",
            "scale": 0.5,
            "offset": 0.0 if units == "cm" else 1.0,
            "size": size,
            "index_in_array": index,
            "navigate": index < navigation,
            "is_binned": False,
        }
        for index, (name, size) in enumerate(zip(names, shape, strict=True))
    ]
    for axis in axes[navigation:]:
        axis["units"] = units
    values = np.arange(np.prod(shape)).reshape(shape) % 251
    return {
        "data": values.astype(dtype),
        "axes": axes,
        "metadata": {"General": {"title": "demo"}, "Signal": {"signal_type": ""}, **metadata},
        "original_metadata": {"Header": {"gain": 4}},
        "attributes": {"_lazy": False, "ragged": False},
        "learning_results": {},
        "models": {},
        "package": "",
        "package_version": "",
        "tmp_parameters": {},
    }


def _by_rosettasciio(module: str, given: dict[str, Any]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        try:
            writer = importlib.import_module(f"rsciio.{module}").file_writer
        except ImportError as error:
            pytest.skip(f"rsciio.{module} needs {error.name}")
        writer(str(path), given)

    return write


def _blockfile() -> dict[str, Any]:
    microscope = {"beam_energy": 200.0, "camera_length": 10.0, "magnification": 1000.0}
    given = signal((3, 4, 8, 8), 2, "u1", "cm", Acquisition_instrument={"TEM": microscope})
    header = {"Beam_energy": 200_000, "Camera_length": 100, "Scan_rotation": 0, "Note": ""}
    given["original_metadata"] = {"blockfile_header": header}
    return given


def _mrc(path: Path) -> None:
    """A stack of three images of int16, by the MRC2014 specification."""
    values = np.arange(3 * 6 * 7, dtype="<i2").reshape(3, 6, 7)
    header = bytearray(1024)
    struct.pack_into("<10i", header, 0, 7, 6, 3, 1, 0, 0, 0, 7, 6, 3)
    struct.pack_into("<3f", header, 40, 70.0, 60.0, 30.0)
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    header[208:212] = b"MAP "
    header[212:216] = bytes((0x44, 0x44, 0, 0))
    path.write_bytes(bytes(header) + values.tobytes())


def _mib(path: Path) -> None:
    """Four frames of a Merlin detector with one chip, each behind its header of 384 bytes."""
    frames = b""
    for number in range(1, 5):
        head = f"MQ1,{number:06d},00384,01,0256,0256,U08,   1x1,01,2020-01-01 00:00:00.000000,"
        head += "0.001000,0,0,0,1.200000E+2," + "0.000000E+0," * 7 + "3RX," + "100," * 27
        frames += (head + "MQ1A,2020-01-01T00:00:00.000000000Z,1000000ns,8,").encode().ljust(384)
        values = (np.arange(256 * 256) + number) % 251
        frames += values.astype("u1").tobytes()
    path.write_bytes(frames)


def _ser(path: Path) -> None:
    """Three images of FEI's TIA: a header, the dimension that navigates, offsets, then each."""
    values = np.arange(3 * 6 * 7, dtype="<u2").reshape(3, 6, 7)
    name = b"Number"
    dimension = struct.pack("<iddii", 3, 0, 1, 0, len(name)) + name + struct.pack("<i", 0)
    images = [
        struct.pack("<ddiddihii", -1e-9, 5e-10, 0, -2e-9, 5e-10, 0, 2, 7, 6) + image.tobytes()
        for image in values
    ]
    header = struct.Struct("<hhhiiiiii")
    offsets_at = header.size + len(dimension)
    begin = offsets_at + 2 * 4 * len(images)
    offsets = [begin + sum(map(len, images[:number])) for number in range(4)]
    tags = [offsets[3] + 8 * number for number in range(3)]
    path.write_bytes(
        header.pack(0x4949, 0x0197, 0x0210, 0x4122, 0x4152, 3, 3, offsets_at, 1)
        + dimension
        + struct.pack("<6i", *offsets[:3], *tags)
        + b"".join(images)
        + b"".join(struct.pack("<hhi", 0x4152, 0, 1577836800 + number) for number in range(3))
    )


def _empad(path: Path) -> None:
    """Four frames of an EMPAD, each with two rows of the detector's own, and the XML beside."""
    np.arange(4 * 130 * 128, dtype="f4").tofile(path.with_name("scan_x2_y2.raw"))
    size = "<scan_resolution_x>2</scan_resolution_x><scan_resolution_y>2</scan_resolution_y>"
    path.write_text(
        '<root><raw_file filename="scan_x2_y2.raw"/><pix_x>2</pix_x><pix_y>2</pix_y>'
        "<scan_x>2</scan_x><scan_y>2</scan_y>"
        f'<scan_parameters mode="acquire">{size}</scan_parameters></root>'
    )


FORMATS: dict[str, Callable[[Path], None]] = {
    "a.blo": _by_rosettasciio("blockfile", _blockfile()),
    "a.msa": _by_rosettasciio("msa", signal((20,), 0, "f4")),
    "a.unf": _by_rosettasciio("semper", signal((6, 7), 0, "f4")),
    "a.tif": _by_rosettasciio("tiff", signal((6, 7), 0, "u2")),
    "a.rpl": _by_rosettasciio("ripple", signal((3, 4, 20), 2, "u2")),
    "a.prz": _by_rosettasciio("pantarhei", signal((6, 7), 0, "u2")),
    "a.npy": _by_rosettasciio("numpy", signal((3, 4), 0, "f4")),
    "a.sur": _by_rosettasciio("digitalsurf", signal((6, 7), 0, "f4")),
    "a_000.tvips": _by_rosettasciio("tvips", signal((5, 8, 8), 1, "u2")),
    "a.emd": _by_rosettasciio("emd", signal((3, 4, 8), 1, "f4")),
    "a.nxs": _by_rosettasciio("nexus", signal((3, 4, 8), 1, "f4")),
    "a.png": _by_rosettasciio("image", signal((6, 7), 0, "u1")),
    "a.mrc": _mrc,
    "a.mib": _mib,
    "a_1.ser": _ser,
    "a.xml": _empad,
    "a.mrcz": _by_rosettasciio("mrcz", signal((3, 6, 7), 1, "f4")),
    "a.pro": _by_rosettasciio("digitalsurf", signal((20,), 0, "f4")),
}
"""What makes a file of each name."""

_CLOSED = "no writer, and no description of the format that a file could be made by"
NOT_MADE = {
    "ZSPY": "read by our own reader; tests/interop/test_zspy.py compares both ways",
    "netCDF": "for one program's files; ours goes through xarray",
    "USID": "its package, pyUSID, needs others that do not fit the versions here",
    "Arina": "needs hdf5plugin's bitshuffle and the detector's own layout of several files",
    "DigitalMicrograph": "a tree of tags that no public writer makes",
    **dict.fromkeys(
        (
            *("Bruker", "DENS", "Delmic", "EDAX", "Hamamatsu", "Impulse", "JEOL", "JobinYvon"),
            *("Phenom", "Protochips", "Quadstar", "Renishaw", "Tofwerk", "Topspin", "TriVista"),
        ),
        _CLOSED,
    ),
}
"""Readers of RosettaSciIO of which no file is made here, and why."""


def made(folder: Path, name: str) -> Path:
    """A file of one of the formats."""
    path = folder / name
    FORMATS[name](path)
    return path


def ripple(path: Path, values: np.ndarray[Any, Any], record: str = "image") -> Path:
    """A .rpl and its .raw, of any size: values of (depth, height, width), images or spectra."""
    depth, height, width = values.shape
    if record == "vector":
        height, width, depth = values.shape
    rows = {
        "width": width,
        "height": height,
        "depth": depth,
        "offset": 0,
        "data-length": values.itemsize,
        "data-type": {"u": "unsigned", "i": "signed", "f": "float"}[values.dtype.kind],
        "byte-order": "little-endian",
        "record-by": record,
    }
    lines = ["key\tvalue", *(f"{key}\t{value}" for key, value in rows.items())]
    path.write_text("\n".join(lines) + "\n", encoding="latin-1")
    values.tofile(path.with_suffix(".raw"))
    return path
