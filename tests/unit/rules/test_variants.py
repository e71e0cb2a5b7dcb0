"""Other ways to break a rule than the one of `rules.broken`, and what breaks none."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import hspyio
from support.broken import (
    HERE,
    MODEL,
    NODE,
    Breaker,
    attribute,
    edit,
    good,
    ragged_experiment,
    removed,
    replaced,
)
from support.handmade import put_model, skeleton

GENERAL, SIGNAL = f"{HERE}/metadata/General", f"{HERE}/metadata/Signal"
MARKER = f"{HERE}/metadata/Markers/Points"
Y, X, ENERGY = (f"{HERE}/axis-{i}" for i in range(3))
INNER = f"{NODE}/_sig_reference"
NAN = float("nan")
LATIN1 = "Köln".encode("latin-1")


def latin1_text(file: h5py.File) -> None:
    file[NODE].attrs.create("place", LATIN1, dtype=h5py.string_dtype())


def latin1_list(file: h5py.File) -> None:
    words = np.array([LATIN1, b"b"], object)
    file[NODE].create_dataset("_list_words", data=words, dtype=h5py.string_dtype())


def points_are_text(file: h5py.File) -> None:
    del file[f"{X}/axis"]
    file[X].attrs["axis"] = "1 2"


def huge_numbers(file: h5py.File) -> None:
    """Names with numbers that Python does not take for such."""
    file[NODE].create_group(f"_list_{'9' * 5000}_x").attrs["0"] = 5
    file.copy(file[f"{HERE}/axis-0"], file[HERE], f"axis-{'9' * 5000}")
    file[f"{NODE}/lost"] = h5py.SoftLink("/gone")


def old_marker(file: h5py.File) -> None:
    del file[MARKER].attrs["class"]
    file[MARKER].attrs["marker_type"] = "Cross"


def external_data(file: h5py.File) -> None:
    del file[f"{NODE}/picture"]
    file[NODE].create_dataset("picture", (3,), "f8", external=[("other.bin", 0, 24)])


def without_nexus_axis(file: h5py.File) -> None:
    del file[f"{HERE}/axis_1_values"]


def listed_axes(file: h5py.File) -> None:
    """Axes as a list, one of them missing."""
    for i in range(3):
        file.move(f"{HERE}/axis-{i}", f"{HERE}/_list_3_axes/{i}")
    del file[f"{HERE}/_list_3_axes/2"]


def lost_seal(path: Path) -> None:
    with hspyio.open(path) as experiments:
        hspyio.save(path, experiments["Good"], overwrite=True, checksum=True)
    removed(f"{HERE}/_hspyio_seal")(path)


BROKEN: dict[str, tuple[str, Breaker]] = {
    "no experiment": ("H102", edit(lambda file: (file.pop("Experiments"), file.pop("Analysis")))),
    "no file format": ("H103", attribute("/", "file_format", None)),
    "version float32": ("H104", attribute("/", "file_format_version", np.float32(3.3))),
    "version nan": ("H104", attribute("/", "file_format_version", NAN)),
    "stray dataset": ("H201", replaced("/Experiments/stray", np.zeros(2))),
    "metadata is a dataset": ("H204", replaced(f"{HERE}/original_metadata", np.zeros(2))),
    "title is a number": ("H205", attribute(GENERAL, "title", 5)),
    "no package version inside": ("H206", attribute(INNER, "package_version", None)),
    "ragged without saying so": (
        "H207",
        edit(lambda file: ragged_experiment(file)["attributes"].attrs.update({"ragged": False})),
    ),
    "not said whether ragged": ("H208", attribute(f"{HERE}/attributes", "ragged", None)),
    "axes in a list": ("H301", edit(listed_axes)),
    "unknown axis": ("H302", attribute(Y, "_type", "LogAxis")),
    "size nan": ("H303", attribute(Y, "size", NAN)),
    "size text": ("H303", attribute(Y, "size", "2")),
    "size negative": ("H303", attribute(Y, "size", -2)),
    "too few points": ("H304", replaced(f"{X}/axis", np.array([1.0, 2.0]), chunks=True)),
    "size of an inner axis": ("H304", attribute(f"{ENERGY}/x", "size", 3)),
    "points are text": ("H305", edit(points_are_text)),
    "points nan": ("H306", replaced(f"{X}/axis", np.array([1.0, NAN, 3.0]), chunks=True)),
    "points repeated": ("H306", replaced(f"{X}/axis", np.array([1, 1, 2]), chunks=True)),
    "scale of two": ("H308", attribute(Y, "scale", [1.0, 2.0])),
    "scale infinite": ("H309", attribute(Y, "offset", float("inf"))),
    "parameter is text": ("H310", attribute(ENERGY, "b", "one")),
    "flag is a number": ("H314", attribute(Y, "navigate", 1)),
    "text of variable length": ("H401", edit(latin1_text)),
    "list of texts": ("H401", edit(latin1_list)),
    "bytes are a number": ("H403", attribute(NODE, "_bs_code", 5)),
    "signal is a dataset": ("H404", replaced(f"{NODE}/_sig_other", np.zeros(2), chunks=True)),
    "attribute of a signal": ("H406", attribute(NODE, "_sig_other", 5)),
    "item of another name": ("H407", attribute(f"{NODE}/_list_3_mixed", "last", 5)),
    "item of a huge number": ("H407", attribute(f"{NODE}/_list_3_mixed", "9" * 5000, 5)),
    "list of a huge number": ("H704", edit(huge_numbers)),
    "date of many blanks": ("H411", attribute(NODE, "_datetime_date", f"date(1{' ' * 50_000}")),
    "formula without end": ("H311", attribute(ENERGY, "expression", "a + " * 10_000 + "a")),
    "more items than said": ("H407", attribute(f"{NODE}/_list_3_mixed", "3", 5)),
    "date of one number": ("H411", attribute(NODE, "_datetime_date", "datetime.date(1991)")),
    "shapes are a group": (
        "H501",
        edit(
            lambda file: (
                ragged_experiment(file).pop("_ragged_shapes_data"),
                file["Experiments/Second"].create_group("_ragged_shapes_data"),
            )
        ),
    ),
    "time not ISO": ("H603", attribute(GENERAL, "time", "noon")),
    "rows of loadings": (
        "H604",
        replaced(f"{HERE}/learning_results/loadings", np.zeros((5, 2)), chunks=True),
    ),
    "no class": ("H605", attribute(MARKER, "class", None)),
    "old marker": ("H605", edit(old_marker)),
    "model of none": ("H607", attribute(MODEL, "_signal", None)),
    "external storage": ("H703", edit(external_data)),
    "link in a circle": (
        "H705",
        edit(lambda file: file.__setitem__(f"{NODE}/a", h5py.SoftLink(f"{NODE}/a"))),
    ),
    "lost seal": ("H803", lost_seal),
    "nexus axis": ("H804", edit(without_nexus_axis)),
}

FINE: dict[str, Breaker] = {
    "axis without labels": edit(lambda file: [file[Y].attrs.pop(k) for k in ("name", "units")]),
    "axis without type": attribute(Y, "_type", None),
    "functional axis without size": attribute(ENERGY, "size", None),
    "size as a float": attribute(Y, "size", 2.0),
    "single numbers as arrays": attribute(Y, "scale", np.array([0.5])),
    "undefined labels": attribute(Y, "units", "_None_"),
    "record_by tells": edit(
        lambda file: (
            file.attrs.update(file_format_version="3.1"),
            file[X].attrs.pop("navigate"),
            file[SIGNAL].attrs.update(record_by="spectrum"),
        )
    ),
    "soft link": edit(
        lambda file: file.__setitem__(f"{NODE}/again", h5py.SoftLink(f"{NODE}/picture"))
    ),
    "no date": attribute(GENERAL, "date", ""),
    "zone": attribute(GENERAL, "time", "12:30:00.5+01:00"),
    "axis as an attribute": edit(
        lambda file: (file[X].pop("axis"), file[X].attrs.update(axis=[1.0, 2.0, 4.0]))
    ),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "broken.hspy"
    good(path)
    return path


def rules(path: Path) -> set[str]:
    return set(hspyio.validate(path, isolated=False).counts)


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_a_rule(name: str, path: Path) -> None:
    rule, breaker = BROKEN[name]
    breaker(path)
    assert rule in rules(path)


@pytest.mark.parametrize("name", FINE)
def test_what_breaks_none(name: str, path: Path) -> None:
    FINE[name](path)
    assert rules(path) <= {"H107"}


def test_a_file_with_models_alone_is_one(tmp_path: Path) -> None:
    path = tmp_path / "models.hspy"
    with skeleton(path, version="2.1") as experiment:
        put_model(experiment.file, "fit", None)
        del experiment.file["Experiments"]
    assert rules(path) == {"H107", "H609"}
