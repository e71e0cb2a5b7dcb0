"""Where signals and axes have what HyperSpy's users look for, or give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hspyio.suggestions import NotThereError, did_you_mean, nearest, quoted

__all__ = ["SYNONYMS", "absent", "instead_of", "key_hint", "misplaced_keys", "unknown"]

_ELSEWHERE = {
    "axes_manager": "the axes are .axes; HyperSpy's own are .to_hyperspy().axes_manager",
    "tmp_parameters": "where it was loaded from is .location",
    "compute": "signal.data = signal.data.compute() reads lazy data",
    "as_lazy": "load(path, lazy=True) leaves the data in the file",
    "set_signal_type": "signal.signal_type = 'EDS_TEM' sets it",
    "navigator": "signal.plot() draws one",
    "update": "hspyio.update(path, signal) writes all but the data",
    "append": "hspyio.append(path, signal) adds it to a file",
    "load": "hspyio.load(path) loads one",
    "values": "the array is .data",
    "name": "did you mean 'title'?",
}
_ARRAY_TOO = ("isig", "inav")  # what slices of an array do

_NODES: dict[str, str] = {
    "General": "title date time time_zone authors doi notes original_filename",
    "Signal": "signal_type quantity noise_properties",
    "Sample": "elements xray_lines thickness description",
    "Acquisition_instrument": "TEM SEM",
    "Acquisition_instrument.TEM": "beam_energy beam_current camera_length convergence_angle "
    "acquisition_mode magnification probe_area tilt_stage",
}
_PLACE = {key: f"{node}.{key}" for node, listed in _NODES.items() for key in listed.split()}
_TOP = [node for node in _NODES if "." not in node]
_WORD = 5
"""Letters of a key that is long enough to be one of these, misspelt."""


def instead_of(name: str, known: list[str]) -> str:
    """The end of a message on what a signal has not got: where it is, or what was meant."""
    if name in _ELSEWHERE:
        return f"; {_ELSEWHERE[name]}"
    if name in _ARRAY_TOO:
        return f"; slice the array, .data[...], or HyperSpy's signal, .to_hyperspy().{name}[...]"
    if hasattr(np.ndarray, name):
        return f"; the array has it: .data.{name}, or HyperSpy's signal: .to_hyperspy().{name}"
    near = did_you_mean(name, known)
    return near or f"; the array is .data, and .to_hyperspy().{name} what HyperSpy has by that name"


def misplaced_keys(metadata: Mapping[Any, Any]) -> list[str]:
    """Keys at the top of metadata that HyperSpy, and whoever reads them, looks for elsewhere."""
    found = []
    for key, value in metadata.items():
        if not isinstance(key, str):
            continue
        if key in _PLACE:
            found.append(
                f"metadata: {key!r} stands at the top, where nobody looks for it; "
                f"did you mean {_PLACE[key]!r}?"
            )
        elif (
            isinstance(value, Mapping)
            and key not in _TOP
            and len(key) >= _WORD
            and (near := nearest(key, _TOP, 1))
        ):
            found.append(
                f"metadata: {quoted(key)} is no node that is looked for; did you mean {near[0]!r}?"
            )
    return found


# axes


_ELSEWHERE_IN_AXES = {
    "axis": "its points are .values",
    "low_value": "its points are .values, so the first is .values[0]",
    "high_value": "its points are .values, so the last is .values[-1]",
    "value2index": "the nearest point is abs(axis.values - value).argmin()",
    "index2value": "its points are .values",
}
"""What HyperSpy's axes have, and where that is found."""

_OTHER_WORDS = {
    "units": "unit",
    "scale": "step delta calibration pixel_size dx",
    "offset": "start origin begin",
    "name": "label title",
    "size": "length",
    "axis": "values points",
    "is_binned": "binned",
    "navigate": "nav navigation",
    "_type": "type",
}
SYNONYMS = {word: meant for meant, words in _OTHER_WORDS.items() for word in words.split()}
"""Keys of an axis's dict by other names."""


def unknown(kind: str, known: Sequence[str], name: str) -> AttributeError:
    """The error for a field that is set and isn't there."""
    hint = key_hint(name, known) or f"; there are: {', '.join(known)}"
    rest = "; what else is to be kept goes into .extra"
    return AttributeError(f"{kind} has no {name!r} to set{hint}{rest}")


def absent(kind: str, known: Sequence[str], name: str) -> AttributeError:
    """The error for what is asked for and isn't there."""
    if name.startswith("_"):  # Python and its programs asking for a protocol
        return AttributeError(f"{kind} has no {name!r}")
    return NotThereError(lambda: f"{kind} has no {name!r}{_instead(known, name)}")


def _instead(known: Sequence[str], name: str) -> str:
    hint = f"; {_ELSEWHERE_IN_AXES[name]}" if name in _ELSEWHERE_IN_AXES else key_hint(name, known)
    return hint or "; HyperSpy's axes have more: signal.to_hyperspy().axes_manager"


def key_hint(key: str, known: Sequence[str]) -> str:
    """What was probably meant by a key of an axis's dict."""
    meant = SYNONYMS.get(key.casefold())
    return f"; did you mean {meant!r}?" if meant in known else did_you_mean(key, known)
