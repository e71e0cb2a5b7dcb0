"""What the files of `handmade` hold, in the form that `test_reading.seen` shows a signal in."""

from __future__ import annotations

from typing import Any

import numpy as np

from hspyio.names import CURRENT_VERSION
from support import handmade as h

Tree = dict[str, Any]


def axis(index: int, size: int, **changes: Any) -> Tree:
    values = [index + 0.5 + 0.25 * i for i in range(size)]
    common = {"name": f"axis {index}", "units": "nm", "is_binned": False, "index_in_array": index}
    return {**common, "values": values, **changes}


def signal(title: str = "Handmade", data: Any = h.DATA, dimension: int = 1, **parts: Any) -> Tree:
    """A signal as `test_reading.seen` shows it.

    `axis2={...}` changes that axis; other `parts` replace a whole part.
    """
    navigating = data.ndim - dimension
    axes = [
        axis(i, n, navigate=i < navigating) | parts.pop(f"axis{i}", {})
        for i, n in enumerate(data.shape)
    ]
    result = {"data": data, "axes": axes, "metadata": tree(title), "original_metadata": {}}
    result |= {"attributes": {}, "learning_results": {}, "models": {}, "package": ""}
    return result | parts


def tree(title: str = "Handmade", *, type_: str | None = "", **nodes: Any) -> Tree:
    signal_node = {} if type_ is None else {"signal_type": type_}
    return {"General": {"title": title}, "Signal": signal_node, **nodes}


def old(**nodes: Any) -> Tree:
    """Metadata of the days when the signal type was not always written."""
    return tree(type_=None, **nodes)


def ragged(items: tuple[Any, ...]) -> Any:
    result = np.empty(len(items), object)
    result[:] = items
    return result


def maps(count: int, title: str = "Map") -> list[Any]:
    return [signal(f"{title} {i}", np.full(2, i)) for i in range(count)]


def variance(**nodes: Any) -> Tree:
    metadata = tree("Variance", **nodes)
    return signal("Variance", h.DATA * 2.0, metadata=metadata)


def energy(*, is_binned: bool = False) -> Tree:
    return {"name": "E", "units": "eV", "values": h.VECTOR.tolist(), "is_binned": is_binned}


def listed_axis(index: int, count: int, size: int) -> Tree:
    common = {"name": f"axis {index}", "units": "nm", "size": size, "offset": index + 0.5}
    return {**common, "scale": 0.25, "navigate": index < count - 1}


OLD = signal(metadata=old())
TEXTS = tuple(np.array(text) for text in (["Fe", "Å"], ["O"]))
PIXELS = np.zeros((2, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
PIXELS["G"] = h.DATA[..., 1]
GRAY = h.DATA.astype(">f4")
SPECTRUM = np.linspace(0, 1, 5)
TWELVE = np.zeros((1,) * 10 + (2, 3))
NOISE = {"gain_factor": 2.5, "gain_offset": 0.5, "correlation_factor": 1.0}
EELS = {"dwell_time": 100.0, "dwell_time_units": "ms", "exposure": 0.5, "exposure_units": "s"}
ARRAYS = [np.ones((2, 2)), np.zeros(3)]
AXES_TODAY = [
    {**listed_axis(i, 2, size), "is_binned": False, "_type": "UniformDataAxis"}
    for i, size in enumerate((3, 4))
]
PARAMETER = {
    "_id_name": "a",
    "name": "a",
    "self": 140,
    "value": 2.5,
    "std": None,
    "free": True,
    "units": "",
    "_bounds": (None, 10.0),
    "_twins": [],
    "map": np.full((2, 3), np.array((2.5, 0.1, True), "f8,f8,?")).astype(
        [("values", "f8"), ("std", "f8"), ("is_set", "?")]
    ),
    "_whitelist": {"value": "", "self": "id"},
}
COMPONENT = {
    "_id_name": "Custom",
    "name": "Custom",
    "active": True,
    "package": "__main__",
    "package_version": "",
    "_class_dump": h.CLASS_DUMP,
    "parameters": [PARAMETER],
}
MODEL = {
    "date": "2023-11-08 14:55:16",
    "dimensions": "(3, 2|4)",
    "components": {"Custom": {}},
    "_dict": {
        "components": [COMPONENT],
        "_whitelist": {"chisq.data": ""},
        "chisq.data": np.zeros((2, 3)),
        "dof.data": np.zeros((2, 3), np.int64),
        "free_parameters_boundaries": None,
    },
}

# Group name -> signal; one signal stands for the group that `skeleton` makes.
HOLDS: dict[h.Maker, Tree] = {
    h.minimal: signal(),
    h.without_version: OLD,
    h.float64_version: OLD,
    h.float32_version: OLD,
    h.integer_version: signal(),
    h.bytes_version: signal(),
    h.newer_version: signal(),
    h.misspelt_format: signal(),
    h.mapped_parameters: signal(
        metadata=tree(type_="EELS", Sample={"thickness": 5.0}),
        original_metadata={"XLABEL": "Energy", "node": {"value": 1.5}},
    ),
    h.several_experiments: {
        "EDS": signal("EDS"),
        "HAADF": signal("HAADF", h.DATA[..., 0].copy(), 2),
        "__unnamed__": signal("", GRAY),
        "a-b": signal("a/b", SPECTRUM),
    },
    h.repeated_titles: {"Twin": signal("Twin"), "Twin 2": signal("Twin", h.DATA + 1)},
    h.experiments_in_creation_order: {"b": signal("b"), "a": signal("a")},
    h.experiment_without_data: signal(),
    h.package_without_version: signal(package="exspy"),
    h.unnamed_title: {"__unnamed__": signal(metadata=tree("", type_=None))},
    h.contiguous_data: signal(),
    h.scalar_data: signal(data=np.array(2.5), dimension=0),
    h.big_endian_data: signal(
        data=h.DATA.astype(">i2"), metadata=tree(array=h.VECTOR.astype(">f4"))
    ),
    h.rgb_data: signal(data=PIXELS, dimension=2),
    h.ragged_data_without_shapes: signal(data=ragged(h.FLAT_RAGGED), dimension=0),
    h.ragged_data_with_ragged_shapes: signal(data=ragged(h.RAGGED), dimension=0),
    h.ragged_data: signal(data=ragged(h.RAGGED), dimension=0),
    h.ragged_data_without_axes: signal(data=ragged(h.RAGGED[:1]), axes=[]),
    h.ragged_data_of_strings: signal(data=ragged(TEXTS), dimension=0),
    h.contiguous_ragged_data: signal(data=ragged(h.FLAT_RAGGED), dimension=0),
    h.axis_dataset: signal(axis2=energy(is_binned=True)),
    h.axis_attribute: signal(axis2=energy()),
    h.axis_list: signal(axis2=energy()),
    h.functional_axis: signal(
        axis0={"name": "q", "values": [1.0, 4.0]},
        axis2={"name": "w", "values": [100 / (x + 1) + 10 for x in (1.0, 1.5, 2.0, 2.5)]},
    ),
    h.bare_axes: signal(**{f"axis{i}": {"name": None, "units": None} for i in range(3)}),
    h.undefined_axes: signal(axis0={"name": None, "units": None}, axis1={"name": "", "units": ""}),
    h.indexed_axes: signal(
        metadata=old(), **{f"axis{i}": {"name": "E", "units": "m"} for i in range(3)}
    ),
    h.listed_axes: signal(),
    h.twelve_listed_axes: signal(data=TWELVE),
    h.surplus_axes: signal(),
    h.containers: signal(
        metadata=tree(
            node={
                "none": None,
                "nothing": [],
                "nowhere": (),
                "bytes": b"\x00\xff\x00",
                "numbers": [1, 2, 3],
                "flags": (True, False),
                "_bounds": (None, 2.5),
                "mixed": [1, (2, 3), {"key": "value"}],
                "arrays": ARRAYS,
                "names": ["Fe", "Å"],
            }
        )
    ),
    h.readable_tricks: signal(
        metadata=tree(
            node={
                "padded": [5, (6, 7), "text"],
                "square": [[1, 2], [3, 4]],
                "scalar": 7,
                "of_lists": ([1, 2], [3, 4]),
                "fixed": "inner\x00zero",
                "utf8": np.array(["µm", "nm"]),
                "array": b"\x00\xff\x07",
            }
        )
    ),
    h.twelve_items: signal(
        metadata=tree(
            node={
                "numbers": list(range(12)),
                "texts": tuple(f"item {i}" for i in range(12)),
                "dicts": [{"index": i} for i in range(12)],
                "lists": [[i] for i in range(12)],
            }
        )
    ),
    h.contiguous_metadata: signal(
        metadata=tree(node={"array": h.VECTOR, "numbers": [1, 2, 3], "scalar": np.array(2.5)})
    ),
    h.ragged_metadata_without_shapes: signal(metadata=tree(ragged=ragged(h.FLAT_RAGGED))),
    h.ragged_metadata_with_ragged_shapes: signal(metadata=tree(node={"ragged": ragged(h.RAGGED)})),
    h.ragged_metadata: signal(
        metadata=tree(node={"ragged": ragged(h.RAGGED), "flat": ragged(h.FLAT_RAGGED)})
    ),
    h.python2_strings: signal(
        metadata=old(),
        original_metadata={
            "owner": "EMSA",
            "comment": None,
            "place": "Malmö",
            "elements": np.array(["Fe", "Pt"]),
        },
    ),
    h.latin1_fixed: signal(metadata=old(), original_metadata={"text": h.LATIN1_TEXT}),
    h.latin1_variable: signal(metadata=old(), original_metadata={"text": h.LATIN1_TEXT}),
    h.latin1_list: signal(original_metadata={"texts": ["plain", h.LATIN1_TEXT]}),
    h.old_dates: signal(
        metadata=tree()
        | {"General": {"title": "Handmade", "date": "1991-10-01", "time": "12:00:05.000250"}}
    ),
    h.working_soft_link: signal(
        metadata=tree(array=h.VECTOR), original_metadata={"array": h.VECTOR}
    ),
    h.dangling_member: signal(),
    h.nested_signal_with_axis_groups: signal(
        metadata=tree()
        | {"Signal": {"signal_type": "", "Noise_properties": {"variance": variance()}}}
    ),
    h.nested_signals_in_old_list: signal(
        metadata=tree(Sample={"maps": [item | {"package": "hyperspy"} for item in maps(2)]})
    ),
    h.nested_signals_in_old_long_list: signal(metadata=tree(Sample={"maps": maps(12)})),
    h.nested_signals_in_old_mixed_list: signal(
        metadata=tree(items=(7, maps(4, "Item")[1], [1, 2], maps(4, "Item")[3]))
    ),
    h.nested_signal: signal(
        metadata=tree()
        | {
            "Signal": {
                "signal_type": "",
                "Noise_properties": {
                    "variance": variance(
                        _HyperSpy={"navigator": signal("Navigator", h.DATA[..., 0].copy(), 2)}
                    )
                },
            }
        }
    ),
    h.nested_signals_in_list: signal(metadata=tree(Sample={"maps": [*maps(12), 1.5]})),
    h.nested_signal_of_version_1_1: signal(
        metadata=old(
            _HyperSpy={
                "navigator": signal(
                    data=h.DATA[..., 0].copy(),
                    metadata=tree(
                        "Navigator",
                        type_=None,
                        Acquisition_instrument={"TEM": {"beam_energy": 80.0}},
                    ),
                )
            }
        )
    ),
    h.axes_manager_in_groups: signal(
        metadata=tree(
            _HyperSpy={
                "Folding": {
                    "_hspy_AxesManager_original_axes_manager": [
                        listed_axis(i, 12, size) for i, size in enumerate((1,) * 10 + (3, 4))
                    ]
                }
            }
        )
    ),
    h.axes_manager_in_list: signal(
        metadata=tree(
            _HyperSpy={
                "Folding": {
                    "_hspy_AxesManager_original_axes_manager": AXES_TODAY,
                    "_hspy_Axis_single": {"name": "x", "size": 3, "offset": 0.0, "scale": 1.0},
                }
            }
        )
    ),
    h.attached_models: {
        "Handmade": signal(models={"a": MODEL, "b": MODEL}),
        "Other": signal("Other"),
    },
    h.standalone_models: signal(),
    h.models_only: {},
    h.variance_estimation: signal(
        metadata=old() | {"Signal": {"Noise_properties": {"Variance_linear_model": NOISE}}}
    ),
    h.tem_eels: signal(
        metadata=old(
            Acquisition_instrument={
                "TEM": {
                    "beam_energy": 200.0,
                    "Detector": {
                        "EELS": {**EELS, "collection_angle": 3.4},
                        "EDS": {"live_time": 2.5},
                    },
                }
            }
        )
    ),
    h.tem_without_eels: signal(
        metadata=old(
            Acquisition_instrument={
                "TEM": {
                    "Stage": {"tilt_alpha": 12.5},
                    "Detector": {"Camera": {"exposure": 0.5}},
                }
            }
        )
    ),
    h.sem_eds: signal(
        metadata=old(
            Acquisition_instrument={
                "SEM": {
                    "Stage": {"tilt_alpha": -7.25},
                    "Detector": {"EDS": {"azimuth_angle": 45.0}},
                }
            },
            Sample={"thickness": 50.0, "xray_lines": np.array(["Fe_Ka", "Pt_La"])},
            _HyperSpy={"Stacking_history": {"axis": 0, "step_sizes": 1}},
        )
    ),
    h.earliest_names: {
        "Before 2012": signal(
            metadata=tree("Before 2012", type_="EELS"),
            learning_results={"factors": np.ones((4, 2)), "output_dimension": 2},
            attributes={"peak_learning_results": {}},
        )
    },
    h.stage_and_camera: signal(
        metadata=tree(
            Acquisition_instrument={
                "TEM": {
                    "exposure": 0.5,  # exposure_time has its place
                    "Stage": {"tilt_alpha": 12.5, "tilt_beta": 1.5},
                    "Detector": {"Camera": {"name": "Orius", "exposure": 0.25}},
                }
            }
        )
    ),
    h.binned_signal: signal(axis2={"is_binned": True}),
}
STANDALONE = {h.standalone_models: {"free": MODEL, "lost": MODEL}, h.models_only: {"a": MODEL}}
# What is said of a file although all of it has a meaning.
SAID = {
    h.newer_version: ("/: ", f"4.2 is newer than {CURRENT_VERSION}"),
    h.experiment_without_data: ("/Experiments/Empty: ", "no dataset called data"),
}
