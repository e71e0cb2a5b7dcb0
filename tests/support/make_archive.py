"""Write one small file of each version of the format, all of them holding the same signal.

Run ``python tests/support/make_archive.py [folder]``; the default folder is
``tests/archive``. Each file is written in the idiom of its time: the names of groups and keys, the
kind of strings, the filters. What a reader makes of them must not depend on the version: it is
what `EXPECTED` says. Compare with ``plain(value) == EXPECTED[...]``.

Kept for the sake of equality, although nobody has seen it in a file of versions 1.0 and 1.1: the
`Signal` node with `binned` (those versions had no word for it), and `date` and `time` in 1.0.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Version = tuple[int, int]
Tree = dict[str, Any]

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "2.0", "2.1", "2.2", "3.0", "3.1", "3.2", "3.3")

#: What the experiment's `package` and `package_version` say; versions not listed have neither.
PACKAGES = {
    "3.0": ("hyperspy", "1.6.5"),
    "3.1": ("hyperspy", "1.7.6"),
    "3.2": ("hyperspy", "2.0.dev0"),
    "3.3": ("exspy", "0.3.1"),
}

#: Keys of the older files' metadata that a reader turns into properties of the axes. A reader that
#: returns plain dictionaries, as RosettaSciIO's `file_reader` does, leaves them where they are.
CONSUMED = ("Signal.record_by", "Signal.binned")

_DATA = (np.arange(48, dtype=np.float32).reshape(2, 3, 8) - 11) / 4

_METADATA: Tree = {
    "General": {
        "title": "Archive",
        "date": "1991-10-01",
        "time": "12:00:00",
        "original_filename": "archive.msa",
    },
    "Signal": {
        "signal_type": "EELS",
        "signal_origin": "experiment",
        "Noise_properties": {
            "Variance_linear_model": {
                "gain_factor": 2.5,
                "gain_offset": 0.125,
                "correlation_factor": 1.0,
            },
        },
    },
    "Acquisition_instrument": {
        "TEM": {
            "microscope": "Archive 200",
            "beam_energy": 200.0,
            "beam_energy_units": "kV",
            "beam_current": 0.75,
            "Stage": {"tilt_alpha": 12.5},
            "Detector": {
                "Camera": {"exposure": 0.25},
                "EELS": {
                    "collection_angle": 3.4,
                    "dwell_time": 100.0,
                    "dwell_time_units": "ms",
                },
                "EDS": {"energy_resolution_MnKa": 130.0, "live_time": 2.5},
            },
        },
    },
    "Sample": {"description": "NiO on carbon", "thickness": 50.0, "thickness_units": "nm"},
    "_HyperSpy": {
        "Folding": {"unfolded": False, "original_shape": None, "original_axes_manager": None},
    },
}

_ORIGINAL_METADATA: Tree = {
    "FORMAT": "EMSA/MAS Spectral Data File",
    "BEAMKV   -kV": 200.0,
    "NPOINTS": 8,
    "calibrated": True,
    "comment": None,
    "acquisition": {
        "frames": 12,
        "operator": "A. N. Other",
    },
}

_LEARNING_RESULTS: Tree = {
    "factors": [[component * 8.0 + channel for component in range(2)] for channel in range(8)],
    "decomposition_algorithm": "svd",
    "output_dimension": 2,
    "poissonian_noise_normalized": False,
    "bss_algorithm": None,
}

#: The signal every file holds, in plain Python. `axes` are in the order of the array:
#: (name, units, size, offset, scale, navigate, is_binned).
EXPECTED: Tree = {
    "data": _DATA.tolist(),
    "dtype": "float32",
    "axes": (
        ("y", "nm", 2, 1.5, 0.5, True, False),
        ("x", "nm", 3, -2.0, 0.25, True, False),
        ("Energy", "eV", 8, 520.13, 3.1, False, True),
    ),
    "metadata": _METADATA,
    "original_metadata": _ORIGINAL_METADATA,
    "learning_results": _LEARNING_RESULTS,
}


def plain(value: Any) -> Any:
    """Turn trees, arrays and numpy scalars into dicts, lists and Python scalars."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


def file_name(version: str) -> str:
    """Name the file of a version; `.hspy` became the usual extension in the days of 2.2."""
    return f"v{version}.hspy" if _parse(version) >= (2, 2) else f"v{version}.hdf5"


def write(version: str, path: Path) -> None:
    """Write the signal as a program of that version's days would have."""
    number = _parse(version)
    with h5py.File(path, "w", libver=("earliest", "v108")) as file:
        if number >= (1, 1):
            _put_constant(file, "file_format", "HyperSpy", number)
            _put_constant(file, "file_format_version", version, number)
        experiment = file.create_group("Experiments").create_group("Archive")
        if version in PACKAGES:
            _put_tree(
                experiment,
                dict(zip(("package", "package_version"), PACKAGES[version], strict=True)),
                number,
            )
        _put_axes(experiment, number)
        _put_array(experiment, "data", _DATA, number)
        for name, tree in _trees(number).items():
            _put_tree(experiment.create_group(name), tree, number)


def _parse(version: str) -> Version:
    """Split "1.2" into numbers that compare in the right order."""
    major, minor = version.split(".")
    return int(major), int(minor)


def _trees(number: Version) -> dict[str, Tree]:
    """Build the trees of the experiment under the names they had."""
    original = _ORIGINAL_METADATA
    learning = _LEARNING_RESULTS | {"factors": np.array(_LEARNING_RESULTS["factors"])}
    if number < (1, 1):
        learning_trees = {"mva_results": learning, "peak_mva_results": {}}
    elif number < (1, 2):
        learning_trees = {"learning_results": learning, "peak_learning_results": {}}
    else:
        learning_trees = {"learning_results": learning}
    if number < (1, 2):
        metadata = {"mapped_parameters": _flat(number), "original_parameters": original}
    else:
        metadata = {"metadata": _nested(number), "original_metadata": original}
    attributes = {"attributes": {"_lazy": False, "ragged": False}} if number >= (3, 3) else {}
    return {**metadata, **learning_trees, **attributes}


def _nested(number: Version) -> Tree:
    """Metadata with today's nodes, with the details that were otherwise before 3.2."""
    metadata = copy.deepcopy(_METADATA)
    if number < (2, 2):
        metadata["General"] |= _old_dates(metadata["General"])
    if number < (3, 2):
        metadata["Signal"]["record_by"] = "spectrum"
    if number < (3, 1):
        metadata["Signal"]["binned"] = True
    if number < (3, 0):
        tem = metadata["Acquisition_instrument"]["TEM"]
        tem["tilt_stage"] = tem.pop("Stage")["tilt_alpha"]
        tem["exposure_time"] = tem["Detector"].pop("Camera")["exposure"]
    return metadata


def _flat(number: Version) -> Tree:
    """Metadata as versions 1.0 and 1.1 had it: few nodes, most keys at the top."""
    nested = _nested(number)
    signal = nested["Signal"]
    noise = signal.pop("Noise_properties")
    tem = nested["Acquisition_instrument"]["TEM"]
    tem |= tem.pop("Detector")
    for key in ("dwell_time", "dwell_time_units"):
        tem[key] = tem["EELS"].pop(key)
    flat: Tree = {
        **nested["General"],
        "Signal": {"binned": signal.pop("binned")},
        **signal,
        "TEM": tem,
        "Sample": nested["Sample"],
        "Variance_estimation": noise["Variance_linear_model"],
        "_internal_parameters": {"folding": nested["_HyperSpy"]["Folding"]},
    }
    if number < (1, 1):
        flat |= {"name": flat.pop("title"), "signal": flat.pop("signal_type")}
        flat |= {key: _METADATA["General"][key] for key in ("date", "time")}
        del flat["_datetime_date"], flat["_datetime_time"]
    return flat


def _old_dates(general: Tree) -> Tree:
    """Take date and time out of the General node; return them as the text of a Python object."""
    year, month, day = (int(part) for part in general.pop("date").split("-"))
    hour, minute, _ = (int(part) for part in general.pop("time").split(":"))
    return {
        "_datetime_date": f"datetime.date({year}, {month}, {day})",
        "_datetime_time": f"datetime.time({hour}, {minute})",
    }


def _put_axes(experiment: h5py.Group, number: Version) -> None:
    """Write a group for each axis."""
    for index, axis in enumerate(EXPECTED["axes"]):
        name, units, size, offset, scale, navigate, is_binned = axis
        tree: Tree = {"name": name, "units": units, "size": size, "offset": offset, "scale": scale}
        if number < (1, 1):
            tree["index_in_array"] = index
        if number >= (2, 1):
            tree["navigate"] = navigate
        if number >= (3, 1):
            tree |= {"is_binned": is_binned, "_type": "UniformDataAxis"}
        _put_tree(experiment.create_group(f"axis-{index}"), tree, number)


def _put_tree(group: h5py.Group, tree: Tree, number: Version) -> None:
    """Write the items of a dictionary as attributes, datasets and groups."""
    for key, value in tree.items():
        if isinstance(value, dict):
            _put_tree(group.create_group(key), value, number)
        elif isinstance(value, np.ndarray):
            _put_array(group, key, value, number)
        elif value is None or key.startswith("_datetime_"):
            _put_constant(group, key, value or "_None_", number)
        elif isinstance(value, str):
            _put_text(group, key, value, number)
        else:
            group.attrs[key] = np.int64(value) if type(value) is int else value


def _put_array(group: h5py.Group, key: str, value: Any, number: Version) -> None:
    """Write a dataset of one chunk, with the filters and maximal shape of the time."""
    unlimited = (2, 2) <= number < (3, 1)
    group.create_dataset(
        key,
        data=value,
        chunks=value.shape,
        maxshape=(None,) * value.ndim if unlimited else None,
        compression="gzip",
        shuffle=number >= (2, 2),
    )


def _put_text(group: h5py.Group, key: str, text: str, number: Version) -> None:
    """Write a user's string: fixed ASCII in 1.0, variable UTF-8 ever since."""
    group.attrs[key] = np.bytes_(text.encode("ascii")) if number < (1, 1) else text


def _put_constant(group: h5py.Group, key: str, text: str, number: Version) -> None:
    """Write a string of the program's own, which Python 2 made variable ASCII after 1.0."""
    if (1, 1) <= number < (2, 0):
        group.attrs.create(key, text, dtype=h5py.string_dtype("ascii"))
    else:
        _put_text(group, key, text, number)


def main() -> None:
    """Write all versions into the folder named on the command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "archive"
    folder.mkdir(parents=True, exist_ok=True)
    for version in VERSIONS:
        write(version, folder / file_name(version))


if __name__ == "__main__":
    main()
