"""What migrations meet: trees as earlier versions had them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from support.handmade.tools import Tree, put, skeleton


def variance_estimation(path: Path) -> None:
    """Version 1.1 with `Variance_estimation`, which belongs under Signal today."""
    with skeleton(path, version="1.1") as experiment:
        noise = {"gain_factor": 2.5, "gain_offset": 0.5, "correlation_factor": 1.0}
        put(experiment["mapped_parameters"], "Variance_estimation", noise)


def tem_eels(path: Path) -> None:
    """Version 1.1 with TEM.EELS and TEM.EDS, and the times of exposure beside them."""
    tem: Tree = {
        "beam_energy": 200.0,
        "dwell_time": 100.0,
        "dwell_time_units": "ms",
        "exposure": 0.5,
        "exposure_units": "s",
        "EELS": {"collection_angle": 3.4},
        "EDS": {"live_time": 2.5},
    }
    with skeleton(path, version="1.1") as experiment:
        put(experiment["mapped_parameters"], "TEM", tem)


def tem_without_eels(path: Path) -> None:
    """Version 1.1 with an exposure in TEM that belongs to the camera."""
    with skeleton(path, version="1.1") as experiment:
        put(experiment["mapped_parameters"], "TEM", {"exposure": 0.5, "tilt_stage": 12.5})


def sem_eds(path: Path) -> None:
    """Version 1.1 with SEM.EDS, a tilted stage, X-ray lines and a stacking history."""
    nodes: Tree = {
        "SEM": {"tilt_stage": -7.25, "EDS": {"azimuth_angle": 45.0}},
        "Sample": {"thickness": 50.0},
        "_internal_parameters": {"stacking_history": {"axis": 0, "step_sizes": 1}},
    }
    with skeleton(path, version="1.1") as experiment:
        put(experiment, "mapped_parameters", nodes)
        experiment["mapped_parameters/Sample"].attrs["Xray_lines"] = np.array([b"Fe_Ka", b"Pt_La"])


def earliest_names(path: Path) -> None:
    """Version 1.0 with `name`, `signal` and `mva_results`."""
    with skeleton(path, version=None, file_format=None, title="Before 2012") as experiment:
        parameters = experiment["mapped_parameters"]
        del parameters.attrs["title"]
        put(experiment, "mapped_parameters", {"name": "Before 2012", "signal": "EELS"})
        put(experiment, "mva_results", {"factors": np.ones((4, 2)), "output_dimension": 2})
        put(experiment, "peak_mva_results", {})


def stage_and_camera(path: Path) -> None:
    """Version 2.2 where the new nodes exist already, and both names of the exposure."""
    tem: Tree = {
        "tilt_stage": 12.5,
        "exposure": 0.5,
        "exposure_time": 0.25,
        "Stage": {"tilt_beta": 1.5},
        "Detector": {"Camera": {"name": "Orius"}},
    }
    with skeleton(path, version="2.2") as experiment:
        put(experiment["metadata"], "Acquisition_instrument", {"TEM": tem})


def binned_signal(path: Path) -> None:
    """Version 3.0 with `Signal.binned`, which is a property of the axes today."""
    with skeleton(path, version="3.0") as experiment:
        put(experiment["metadata"], "Signal", {"binned": True})
