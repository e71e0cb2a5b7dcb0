"""A simulated EDS spectrum image of a polished gabbro, for ``hspy demo``.

Compositions, X-ray lines, widths of peaks, background and noise are those of a textbook: good
enough to look, compress and behave like measured data, not to quantify.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hspyio import Signal, UniformAxis

__all__ = ["LINES", "PHASES", "Microscope", "Phase", "eds_map", "line_intensities"]

Floats = NDArray[np.float64]

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
_BACKGROUND = 0.0022  # bremsstrahlung for each unit of the mean atomic number, as the lines are
MN_KA = 5.8987  # keV: the line at which detectors state their resolution


class Line(NamedTuple):
    """One X-ray line: energy in keV, and weight relative to its element's K-alpha line."""

    energy: float
    weight: float


class Element(NamedTuple):
    """What the simulation knows of an element; energies are in keV."""

    number: int
    mass: float
    k_edge: float
    lines: dict[str, Line]


class Phase(NamedTuple):
    """A mineral: its formula, and how much of the field of view it takes."""

    name: str
    atoms: dict[str, float]
    share: float


class Microscope(NamedTuple):
    """Beam, detector and scan; energies are in keV, the step in micrometres."""

    beam_energy: float = 15.0
    resolution_mn_ka: float = 130.0  # eV, full width at half maximum
    channel_width: float = 0.01
    channels: int = 1024
    height: int = 64
    width: int = 64
    step: float = 0.5
    counts_per_pixel: float = 1500.0

    @property
    def energies(self) -> Floats:
        """Energy of each channel."""
        return np.asarray(np.arange(self.channels) * self.channel_width, np.float64)


LINES: dict[str, Element] = {
    "O": Element(8, 15.999, 0.5431, {"Ka": Line(0.5249, 1.0)}),
    "Na": Element(11, 22.990, 1.0708, {"Ka": Line(1.0410, 1.0)}),
    "Mg": Element(12, 24.305, 1.3050, {"Ka": Line(1.2536, 1.0)}),
    "Al": Element(13, 26.982, 1.5596, {"Ka": Line(1.4865, 1.0), "Kb": Line(1.5596, 0.0132)}),
    "Si": Element(14, 28.085, 1.8389, {"Ka": Line(1.7397, 1.0), "Kb": Line(1.8389, 0.0278)}),
    "Ca": Element(20, 40.078, 4.0381, {"Ka": Line(3.6917, 1.0), "Kb": Line(4.0127, 0.112)}),
    "Ti": Element(
        22,
        47.867,
        4.9664,
        {"Ka": Line(4.5109, 1.0), "Kb": Line(4.9318, 0.1167), "La": Line(0.4555, 0.05)},
    ),
    "Fe": Element(
        26,
        55.845,
        7.1120,
        {"Ka": Line(6.4039, 1.0), "Kb": Line(7.0580, 0.1272), "La": Line(0.7045, 0.4)},
    ),
}

PHASES: tuple[Phase, ...] = (
    Phase("plagioclase", {"Ca": 0.6, "Na": 0.4, "Al": 1.6, "Si": 2.4, "O": 8}, 0.52),
    Phase("olivine", {"Mg": 1.5, "Fe": 0.5, "Si": 1, "O": 4}, 0.36),
    Phase("ilmenite", {"Fe": 1, "Ti": 1, "O": 3}, 0.12),
)


def eds_map(seed: int = 2024, microscope: Microscope | None = None) -> Signal:
    """Counts, and metadata as a microscope's software would write them, signals among them."""
    microscope = microscope or Microscope()
    rng = np.random.default_rng(seed)
    fractions = _phase_fractions(rng, microscope)
    counts = rng.poisson(fractions @ _expected_spectra(microscope)).astype(np.uint16)
    energy = UniformAxis(
        "Energy", "keV", size=microscope.channels, scale=microscope.channel_width, is_binned=True
    )
    return Signal(
        counts,
        [*_map_axes(microscope), energy],
        metadata=_metadata(line_intensities(counts, microscope), microscope),
        original_metadata=_original_metadata(seed, fractions),
    )


def line_intensities(counts: NDArray[Any], microscope: Microscope) -> list[Signal]:
    """One map an element: the counts under its K-alpha line, a window of twice the peak's width."""
    maps = []
    for symbol, element in LINES.items():
        line = element.lines["Ka"]
        distance = np.abs(microscope.energies - line.energy)
        window = distance <= _fwhm(line.energy, microscope.resolution_mn_ka)
        title = f"X-ray line intensity of gabbro: {symbol}_Ka at {line.energy:.2f} keV"
        tree = {
            "General": {"title": title},
            "Sample": {"elements": [symbol], "xray_lines": [f"{symbol}_Ka"]},
            "Signal": {"signal_type": "", "quantity": "X-rays (Counts)"},
        }
        image = counts[..., window].sum(axis=-1, dtype=np.float64)
        maps.append(Signal(image, _map_axes(microscope), metadata=tree))
    return maps


def _map_axes(microscope: Microscope) -> list[UniformAxis]:
    return [
        UniformAxis(name, "µm", size=size, scale=microscope.step, navigate=True)
        for name, size in (("y", microscope.height), ("x", microscope.width))
    ]


def _phase_fractions(rng: np.random.Generator, microscope: Microscope) -> Floats:
    """Shares of the phases in each pixel: grains around random points, blurred as the beam does."""
    shape = (microscope.height, microscope.width)
    grains = 40
    centres = rng.uniform((0, 0), shape, (grains, 2))
    shares = np.cumsum([phase.share for phase in PHASES])
    phase_of_grain = np.searchsorted(shares, np.linspace(0.0, 1.0, grains, endpoint=False), "right")
    pixels = np.moveaxis(np.indices(shape), 0, -1)[:, :, np.newaxis]
    nearest = np.sum((pixels - centres) ** 2, axis=-1).argmin(axis=-1)
    sharp = np.eye(len(PHASES))[phase_of_grain[nearest]]
    return _blur(_blur(sharp, axis=0), axis=1)


def _blur(image: Floats, axis: int) -> Floats:
    """A quarter of each neighbour along an axis, half of the pixel itself."""
    lines = np.moveaxis(image, axis, 0)
    padded = np.concatenate([lines[:1], lines, lines[-1:]])
    return np.moveaxis(0.25 * padded[:-2] + 0.5 * lines + 0.25 * padded[2:], 0, axis)


def _expected_spectra(microscope: Microscope) -> Floats:
    """Mean counts a channel in a pixel of each phase; phases emit unlike numbers of X-rays."""
    detected = np.stack([_emission(phase, microscope) for phase in PHASES])
    detected *= _detected_share(microscope.energies)
    shares = np.array([phase.share for phase in PHASES])
    return np.asarray(microscope.counts_per_pixel * detected / (shares @ detected.sum(axis=-1)))


def _emission(phase: Phase, microscope: Microscope) -> Floats:
    """What a phase emits, relative: bremsstrahlung grows with the mean atomic number."""
    masses = {symbol: LINES[symbol].mass * n for symbol, n in phase.atoms.items()}
    mass = sum(masses.values())
    spectrum = np.zeros(microscope.channels)
    for symbol, n in phase.atoms.items():
        element = LINES[symbol]
        intensity = n / mass * _k_yield(element, microscope.beam_energy)
        for line in element.lines.values():
            spectrum += intensity * line.weight * _peak(line.energy, microscope)
    mean_number = sum(LINES[symbol].number * part for symbol, part in masses.items()) / mass
    background = _bremsstrahlung(microscope)
    return np.asarray(spectrum + _BACKGROUND * mean_number * background / background.sum())


def _k_yield(element: Element, beam_energy: float) -> float:
    """K photons an atom, relative: ionisation by the beam times fluorescence yield."""
    overvoltage = beam_energy / element.k_edge
    fluorescence = element.number**4 / (element.number**4 + 1.12e6)
    return float(fluorescence * (overvoltage - 1.0) ** 1.67)


def _fwhm(energy: float, resolution_mn_ka: float) -> float:
    """Width of a peak in keV: electronic noise plus the statistics of charge in silicon."""
    return float(np.sqrt(resolution_mn_ka**2 + 2500.0 * (energy - MN_KA)) / 1000.0)


def _peak(energy: float, microscope: Microscope) -> Floats:
    """A Gaussian of area one."""
    sigma = _fwhm(energy, microscope.resolution_mn_ka) / FWHM_PER_SIGMA
    shape = np.exp(-0.5 * ((microscope.energies - energy) / sigma) ** 2)
    return np.asarray(shape * microscope.channel_width / (sigma * np.sqrt(2.0 * np.pi)))


def _bremsstrahlung(microscope: Microscope) -> Floats:
    """Kramers' law: falls as one over energy and ends at the beam energy."""
    energies = np.maximum(microscope.energies, microscope.channel_width)
    return np.asarray(np.clip(microscope.beam_energy - energies, 0.0, None) / energies)


def _detected_share(energies: Floats) -> Floats:
    """What leaves the specimen, passes the window and stops in silicon, each with energy cubed."""
    safe = np.maximum(energies, 1e-3)
    left = 1.0 / (1.0 + (1.0 / safe) ** 3)
    passed = np.exp(-((0.28 / safe) ** 3))
    stopped = 1.0 - np.exp(-((12.0 / safe) ** 3))
    return np.asarray(left * passed * stopped)


def _metadata(intensities: list[Signal], microscope: Microscope) -> dict[str, Any]:
    return {
        "General": {
            "title": "EDS map of gabbro",
            "authors": "hspy demo",
            "date": "2026-03-14",
            "time": "15:09:26",
            "notes": "Simulated: three minerals, Poisson counts.",
        },
        "Signal": {"signal_type": "EDS_SEM", "quantity": "X-rays (Counts)"},
        "Acquisition_instrument": {
            "SEM": {
                "microscope": "simulated",
                "beam_energy": microscope.beam_energy,
                "beam_current": 1.2,
                "magnification": 4000.0,
                "working_distance": 10.0,
                "Stage": {"tilt_alpha": 0.0, "tilt_beta": 0.0},
                "Detector": {
                    "EDS": {
                        "energy_resolution_MnKa": microscope.resolution_mn_ka,
                        "azimuth_angle": 45.0,
                        "elevation_angle": 35.0,
                        "live_time": 0.048,
                        "real_time": 0.052,
                    }
                },
            }
        },
        "Sample": {
            "description": "Polished gabbro: " + ", ".join(phase.name for phase in PHASES),
            "elements": sorted(LINES),
            "xray_lines": [f"{symbol}_Ka" for symbol in sorted(LINES)],
            "intensities": intensities,
        },
    }


def _original_metadata(seed: int, fractions: Floats) -> dict[str, Any]:
    """What a vendor's own block would be: any types, in any order."""
    return {
        "Simulation": {
            "seed": seed,
            "phases": [
                {"name": phase.name, "atoms": dict(phase.atoms), "share": phase.share}
                for phase in PHASES
            ],
            "phase_map": fractions.argmax(axis=-1).astype(np.uint8),
            "ROI": (0, 0, fractions.shape[1], fractions.shape[0]),
            "Detector": {"window": None, "counts_clipped": False, "pulse_pile_up": [1, 2.5, "off"]},
        }
    }
