"""The migration rules of the format (section 6.3), each on plain dicts."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from hspyio.model.parts import SignalParts
from hspyio.schema.migrations import CURRENT, STEPS, migrate, parse_version

Tree = dict[str, Any]

TEM = "Acquisition_instrument.TEM"
SEM = "Acquisition_instrument.SEM"
CAMERA = f"{TEM}.Detector.Camera"


def nested(tree: Tree) -> Tree:
    """``{"a.b": 1}`` as ``{"a": {"b": 1}}``."""
    result: Tree = {}
    for path, value in tree.items():
        *steps, last = path.split(".")
        node = result
        for step in steps:
            node = node.setdefault(step, {})
        node[last] = value
    return result


def migrated(metadata: Tree, version: tuple[int, ...], **parts: Any) -> Tree:
    """The metadata after migration; that the input stays as it is is checked each time."""
    before = copy.deepcopy(metadata)
    given = SignalParts(np.zeros(3), [], metadata, {"TEM": {"EELS": {}}}, **parts)
    result = migrate(given, version)
    assert metadata == before
    assert result.original_metadata is given.original_metadata
    assert (result.axes, result.models, result.data) == (given.axes, given.models, given.data)
    return result.metadata


# Rule, the first version that it is not for, what is there, what it becomes.
RULES: list[tuple[str, tuple[int, ...], Tree, Tree]] = [
    ("1", (9, 9), {"General.title": "__unnamed__"}, {"General.title": ""}),
    ("3", (1, 1), {"signal": "EELS"}, {"Signal.signal_type": "EELS"}),
    ("4", (1, 1), {"name": "A"}, {"General.title": "A"}),
    (
        "5",
        (1, 2),
        {
            "_internal_parameters.stacking_history.axis": 0,
            "_internal_parameters.folding.unfolded": False,
            "_internal_parameters.other": 1,
        },
        {
            "_HyperSpy.Stacking_history.axis": 0,
            "_HyperSpy.Folding.unfolded": False,
            "_HyperSpy.other": 1,
        },
    ),
    (
        "6, with defect R6",
        (1, 2),
        {"Variance_estimation.gain_factor": 2.5},
        {"Signal.Noise_properties.Variance_linear_model.gain_factor": 2.5},
    ),
    ("7", (1, 2), {"TEM.beam_energy": 200.0}, {f"{TEM}.beam_energy": 200.0}),
    (
        "8, with defect R5",
        (1, 2),
        {
            "TEM.EELS.collection_angle": 3.4,
            "TEM.dwell_time": 100.0,
            "TEM.dwell_time_units": "ms",
            "TEM.exposure": 0.5,
            "TEM.exposure_units": "s",
            "TEM.Detector.name": "keeps its place",
        },
        {
            f"{TEM}.Detector.EELS.collection_angle": 3.4,
            f"{TEM}.Detector.EELS.dwell_time": 100.0,
            f"{TEM}.Detector.EELS.dwell_time_units": "ms",
            f"{TEM}.Detector.EELS.exposure": 0.5,
            f"{TEM}.Detector.EELS.exposure_units": "s",
            f"{TEM}.Detector.name": "keeps its place",
        },
    ),
    (
        "8, without EELS",
        (1, 2),
        {"TEM.dwell_time": 100.0},
        {f"{TEM}.dwell_time": 100.0},
    ),
    ("9", (1, 2), {"TEM.EDS.live_time": 2.5}, {f"{TEM}.Detector.EDS.live_time": 2.5}),
    ("10", (1, 2), {"SEM.beam_energy": 20.0}, {f"{SEM}.beam_energy": 20.0}),
    ("11", (1, 2), {"SEM.EDS.live_time": 2.5}, {f"{SEM}.Detector.EDS.live_time": 2.5}),
    ("12", (1, 2), {"Sample.Xray_lines": ["Fe_Ka"]}, {"Sample.xray_lines": ["Fe_Ka"]}),
    (
        "13",
        (1, 2),
        {"title": "A", "date": "1991", "time": "12:00", "original_filename": "a.msa"},
        {
            "General.title": "A",
            "General.date": "1991",
            "General.time": "12:00",
            "General.original_filename": "a.msa",
        },
    ),
    (
        "14",
        (1, 2),
        {"record_by": "image", "signal_origin": "experiment", "signal_type": "EELS"},
        {
            "Signal.record_by": "image",
            "Signal.signal_origin": "experiment",
            "Signal.signal_type": "EELS",
        },
    ),
    ("15", (3, 0), {f"{TEM}.tilt_stage": 12.5}, {f"{TEM}.Stage.tilt_alpha": 12.5}),
    ("16", (3, 0), {f"{TEM}.exposure": 0.5}, {f"{CAMERA}.exposure": 0.5}),
    ("16, exposure_time", (3, 0), {f"{TEM}.exposure_time": 0.5}, {f"{CAMERA}.exposure": 0.5}),
    ("17", (3, 0), {f"{SEM}.tilt_stage": -7.25}, {f"{SEM}.Stage.tilt_alpha": -7.25}),
    (
        "15 and 16, with defect R11",
        (3, 0),
        {
            f"{TEM}.tilt_stage": 12.5,
            f"{TEM}.exposure": 0.5,
            f"{TEM}.Stage.tilt_beta": 1.5,
            f"{CAMERA}.name": "Orius",
        },
        {
            f"{TEM}.Stage.tilt_alpha": 12.5,
            f"{TEM}.Stage.tilt_beta": 1.5,
            f"{CAMERA}.exposure": 0.5,
            f"{CAMERA}.name": "Orius",
        },
    ),
]
EACH = pytest.mark.parametrize(
    ("before", "old", "new"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES]
)
# Versions there were, and one that nobody knows yet.
VERSIONS = [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 3), (4, 2)]


@EACH
def test_rule(before: tuple[int, ...], old: Tree, new: Tree) -> None:
    for version in VERSIONS:
        if version < before:
            # Of the rules for earlier versions, those of 3.0 may follow on these.
            result = migrated(nested(old), version)
            assert result == migrated(nested(new), max(version, (1, 2))), version
        else:
            assert migrated(nested(old), version) == nested(old), version


@EACH
def test_result_is_final(before: tuple[int, ...], old: Tree, new: Tree) -> None:
    last = max(version for version in VERSIONS if version < before)
    assert migrated(nested(old), last) == nested(new)


@pytest.mark.parametrize("version", VERSIONS)
def test_unknown_keys_stay(version: tuple[int, ...]) -> None:
    mine = {"Mine": {"TEM": {"EELS": 1}}, "note": "text", "list": [{"title": 1}], "": 0, "a.b": 2}
    assert migrated(mine, version) == mine
    assert list(migrated(mine, version)) == list(mine)


def test_the_title_before_1_2_is_looked_at_last() -> None:
    # defect R7
    for key in ("title", "name"):
        assert migrated({key: "__unnamed__"}, (1, 0)) == {"General": {"title": ""}}


def test_a_title_that_is_meant_as_it_stands() -> None:
    title = {"General": {"title": "__unnamed__"}}
    assert migrated(title, (3, 3), literal_title=True) == title


def test_title_goes_before_name() -> None:
    old = {"name": "old", "title": "new"}
    # What has no place any more stays where it was.
    assert migrated(old, (1, 0)) == {"General": {"title": "new"}, "name": "old"}


def test_nodes_that_are_there_already_are_merged() -> None:
    # defect R11, at any depth
    old = {
        "TEM": {"beam_energy": 200.0, "Detector": {"EELS": {"aperture": 1}}},
        "Acquisition_instrument": {"TEM": {"Detector": {"Camera": {"name": "Orius"}}}},
        "_internal_parameters": {"folding": {"unfolded": True}},
        "_HyperSpy": {"Folding": {"original_shape": None}},
    }
    expected = {
        "Acquisition_instrument": {
            "TEM": {
                "beam_energy": 200.0,
                "Detector": {"EELS": {"aperture": 1}, "Camera": {"name": "Orius"}},
            }
        },
        "_HyperSpy": {"Folding": {"unfolded": True, "original_shape": None}},
    }
    assert migrated(old, (1, 1)) == expected


def test_exposure_time_goes_before_exposure() -> None:
    tem = {"Acquisition_instrument": {"TEM": {"exposure": 0.5, "exposure_time": 0.25}}}
    result = migrated(tem, (2, 2))["Acquisition_instrument"]["TEM"]
    assert result == {"Detector": {"Camera": {"exposure": 0.25}}, "exposure": 0.5}


@pytest.mark.parametrize("version", [(1, 0), (1, 1), (2, 2)])
@pytest.mark.parametrize(
    "odd",
    [
        {"TEM": 5, "SEM": "none", "Sample": [], "General": "text", "Signal": None},
        {"Acquisition_instrument": 1, "TEM": {"EELS": 2, "exposure": 3}},
        {"Acquisition_instrument": {"TEM": {"tilt_stage": 1, "Stage": 2, "Detector": 3}}},
        {"title": "A", "General": 7},
        {"_internal_parameters": None, "_HyperSpy": 1, "Variance_estimation": 2},
    ],
)
def test_values_where_nodes_are_expected_are_not_lost(odd: Tree, version: tuple[int, ...]) -> None:
    assert sorted(leaves(migrated(odd, version))) == sorted(leaves(odd))


def leaves(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in leaves(value)]
    return [repr(tree)]


def test_steps_stand_in_order() -> None:
    assert [step.before for step in STEPS] == sorted(step.before for step in STEPS)
    assert STEPS[-1].before <= CURRENT


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.3", (3, 3)),
        ("3.10", (3, 10)),
        (" 2.2 ", (2, 2)),
        ("3", (3,)),
        ("1.0.1", (1, 0, 1)),
        ("", None),
        ("abc", None),
        ("3.x", None),
        ("-1.0", None),
        ("1e3", None),
        ("3.", None),
        ("²", None),
        ("9" * 5000, None),
    ],
)
def test_parse_version(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version
