"""Signals and axes inside the trees."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hspyio.names import CURRENT_VERSION
from support.handmade.tools import DATA, Tree, put, put_axes, put_signal, skeleton


def nested_signal_with_axis_groups(path: Path) -> None:
    """A signal in the metadata as HyperSpy up to 0.7 wrote it."""
    with skeleton(path, version="1.2") as experiment:
        group = experiment.create_group("metadata/Signal/Noise_properties/_sig_variance")
        put_signal(group, "Variance", era=1.2, data=DATA * 2.0)


def nested_signals_in_old_list(path: Path) -> None:
    """Two signals in a list as HyperSpy 0.8 to 1.7 wrote them."""
    with skeleton(path, version="3.0") as experiment:
        for index in range(2):
            group = experiment.create_group(f"metadata/Sample/_list_2_maps/_sig_{index}")
            put_signal(group, f"Map {index}", era=3.0, data=np.full(2, index))
            group.attrs.update({"package": "hyperspy", "package_version": "1.6.5"})


def nested_signals_in_old_long_list(path: Path) -> None:
    """Twelve signals in a list, whose keys, sorted as text, stand in the wrong order."""
    with skeleton(path, version="3.0") as experiment:
        for index in range(12):
            group = experiment.create_group(f"metadata/Sample/_list_12_maps/_sig_{index}")
            put_signal(group, f"Map {index}", era=3.0, data=np.full(2, index))


def nested_signals_in_old_mixed_list(path: Path) -> None:
    """A tuple of a number, a signal, a list and another signal."""
    with skeleton(path, version="3.0") as experiment:
        items: Tree = {"0": 7, "_list_2": np.array([1, 2])}
        put(experiment["metadata"], "_tuple_4_items", items)
        for index in (1, 3):
            group = experiment.create_group(f"metadata/_tuple_4_items/_sig_{index}")
            put_signal(group, f"Item {index}", era=3.0, data=np.full(2, index))


def nested_signal(path: Path) -> None:
    """A signal in the metadata as today's writers have it, with another one inside."""
    with skeleton(path) as experiment:
        group = experiment.create_group("metadata/Signal/Noise_properties/_sig_variance")
        put_signal(group, "Variance", data=DATA * 2.0, axes="list")
        put(group, "attributes", {"_lazy": False, "ragged": False})
        put(group, "learning_results", {})
        put(group, "tmp_parameters", {})
        inner = group.create_group("metadata/_HyperSpy/_sig_navigator")
        put_signal(inner, "Navigator", data=DATA[..., 0], axes="list", signal_dimension=2)


def nested_signals_in_list(path: Path) -> None:
    """Twelve signals in a list as today's writers have them, with a number in between."""
    with skeleton(path) as experiment:
        put(experiment["metadata"], "Sample", {"_list_13_maps": {"12": 1.5}})
        for index in range(12):
            group = experiment.create_group(f"metadata/Sample/_list_13_maps/{index}/_sig_")
            put_signal(group, f"Map {index}", data=np.full(2, index), axes="list")


def nested_signal_of_version_1_1(path: Path) -> None:
    """A signal in the metadata of version 1.1, to be migrated like the outer one."""
    with skeleton(path, version="1.1") as experiment:
        group = experiment.create_group("mapped_parameters/_internal_parameters/_sig_navigator")
        put_signal(group, "Navigator", era=1.1, data=DATA[..., 0])
        put(group, "mapped_parameters", {"TEM": {"beam_energy": 80.0}})


def axes_manager_in_groups(path: Path) -> None:
    """The original axes of an unfolded signal, in groups, as HyperSpy 0.6 to 1.7 had them."""
    with skeleton(path, version="3.0") as experiment:
        group = experiment.create_group(
            "metadata/_HyperSpy/Folding/_hspy_AxesManager_original_axes_manager"
        )
        put_axes(group, (1,) * 10 + (3, 4), form="groups", era=3.0, signal_dimension=1)


def axes_manager_in_list(path: Path) -> None:
    """The original axes of an unfolded signal, in a list, as today's writers have them."""
    with skeleton(path) as experiment:
        folding = experiment.create_group("metadata/_HyperSpy/Folding")
        put_axes(folding, (3, 4), form="list", era=float(CURRENT_VERSION), signal_dimension=1)
        folding.move("_list_2_axes", "_list_2__hspy_AxesManager_original_axes_manager")
        put(folding, "_hspy_Axis_single", {"name": "x", "size": 3, "offset": 0.0, "scale": 1.0})
