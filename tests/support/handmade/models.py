"""Models, with their signals and without."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from support.handmade.tools import CLASS_DUMP, put, put_signal, skeleton


def put_model(file: h5py.File, name: str, signal: str | None) -> None:
    """Write a model of one component, said to belong to the experiment group `signal`."""
    fields = [("values", "f8"), ("std", "f8"), ("is_set", "?")]
    parameter = {
        "_id_name": "a",
        "name": "a",
        "self": 140,
        "value": 2.5,
        "std": "_None_",
        "free": True,
        "units": "",
        "_tuple_2__bounds": {"0": "_None_", "1": 10.0},
        "_list_empty__twins": "_None_",
        "map": np.full((2, 3), np.array((2.5, 0.1, True), fields)),
        "_whitelist": {"value": "", "self": "id"},
    }
    component = {
        "_id_name": "Custom",
        "name": "Custom",
        "active": True,
        "package": "__main__",
        "package_version": "",
        "_bs__class_dump": np.void(CLASS_DUMP),
        "_list_1_parameters": {"0": parameter},
    }
    model = {
        "date": "2023-11-08 14:55:16",
        "dimensions": "(3, 2|4)",
        "components": {"Custom": {}},
        "_dict": {
            "_list_1_components": {"0": component},
            "_whitelist": {"chisq.data": ""},
            "chisq.data": np.zeros((2, 3)),
            "dof.data": np.zeros((2, 3), np.int64),
            "free_parameters_boundaries": "_None_",
        },
    }
    put(file, f"Analysis/models/{name}", model | ({"_signal": signal} if signal else {}))


def attached_models(path: Path) -> None:
    """A signal with two models, and another signal without any."""
    with skeleton(path) as experiment:
        put_signal(experiment.parent.create_group("Other"), "Other")
        for name in ("a", "b"):
            put_model(experiment.file, name, "/Experiments/Handmade")


def standalone_models(path: Path) -> None:
    """A signal, a model of a signal that is not there, and a model of none."""
    with skeleton(path) as experiment:
        put_model(experiment.file, "lost", "/Experiments/Elsewhere")
        put_model(experiment.file, "free", None)


def models_only(path: Path) -> None:
    """No version and no Experiments, only models: version 2.0."""
    with h5py.File(path, "w") as file:
        put_model(file, "a", "/Experiments/Handmade")
