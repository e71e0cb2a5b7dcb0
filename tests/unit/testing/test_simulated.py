"""The simulated spectrum image: is it what a microscopist would take for real?"""

from __future__ import annotations

import numpy as np
import pytest

import hspyio
from hspyio.testing.simulated import LINES, PHASES, Microscope, eds_map, line_intensities


@pytest.fixture(scope="module")
def signal() -> hspyio.Signal:
    return eds_map()


@pytest.fixture(scope="module")
def phase_map(signal: hspyio.Signal) -> np.ndarray:
    return np.asarray(signal.original_metadata.Simulation.phase_map)


def test_what_it_is(signal: hspyio.Signal) -> None:
    assert signal.data.shape == (64, 64, 1024)
    assert signal.data.dtype == np.uint16
    assert signal.signal_type == "EDS_SEM"
    assert [axis.navigate for axis in signal.axes] == [True, True, False]
    assert signal.axes["Energy"].units == "keV"
    sem = signal.metadata.Acquisition_instrument.SEM
    assert (sem.beam_energy, sem.Detector.EDS.energy_resolution_MnKa) == (15.0, 130.0)
    assert signal.metadata.Sample.xray_lines == [f"{e}_Ka" for e in sorted(LINES)]


def interior(phase_map: np.ndarray, phase: int) -> np.ndarray:
    """Pixels whose neighbours, two steps far, are of the same phase: the beam meets no other."""
    same = np.pad(phase_map == phase, 2)
    height, width = phase_map.shape
    shifted = [
        same[row : row + height, column : column + width] for row in range(5) for column in range(5)
    ]
    return np.all(shifted, axis=0)


def test_the_seed_decides() -> None:
    small = Microscope(height=8, width=6, channels=256)
    one, same, other = (eds_map(seed, small).data for seed in (1, 1, 2))
    assert one.shape == (8, 6, 256)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_counts_are_poisson(signal: hspyio.Signal, phase_map: np.ndarray) -> None:
    assert signal.data.sum(axis=-1).mean() == pytest.approx(1500, rel=0.01)
    totals = signal.data[interior(phase_map, 0)].sum(axis=-1, dtype=float)
    assert totals.size > 200
    assert totals.var() / totals.mean() == pytest.approx(1, abs=0.25)


def test_the_sum_over_energy_shows_the_phases(signal: hspyio.Signal, phase_map: np.ndarray) -> None:
    image = signal.data.sum(axis=-1, dtype=float)
    means = sorted(image[interior(phase_map, index)].mean() for index in range(len(PHASES)))
    noise = np.sqrt(image.mean())
    assert np.all(np.diff(means) > noise)


def test_each_phase_shows_its_elements_only(signal: hspyio.Signal, phase_map: np.ndarray) -> None:
    assert np.all(np.bincount(phase_map.ravel()) > 0.05 * phase_map.size)
    energies = signal.axes["Energy"].values
    for index, phase in enumerate(PHASES):
        spectrum = signal.data[interior(phase_map, index)].mean(axis=0)
        for symbol in LINES.keys() - {"Na", "O"}:
            energy = LINES[symbol].lines["Ka"].energy
            peak = spectrum[np.abs(energies - energy) < 0.02].mean()
            away = np.abs(np.abs(energies - energy) - 0.16) < 0.02
            contrast = peak / spectrum[away].min()
            assert (contrast > 2) == (symbol in phase.atoms), (phase.name, symbol, contrast)


def test_a_peak_is_as_wide_as_the_detector_makes_it(
    signal: hspyio.Signal, phase_map: np.ndarray
) -> None:
    energies = signal.axes["Energy"].values
    spectrum = signal.data[phase_map == 2].sum(axis=0, dtype=float)
    window = (energies > 4.3) & (energies < 4.72)
    peak = spectrum[window] - spectrum[(energies > 4.2) & (energies < 4.3)].mean()
    centre = np.average(energies[window], weights=peak)
    assert centre == pytest.approx(LINES["Ti"].lines["Ka"].energy, abs=0.005)
    gaussian_width = peak.sum() * 0.01 / peak.max() * 2 * np.sqrt(np.log(2) / np.pi)
    assert gaussian_width == pytest.approx(0.116, abs=0.004)  # which is 130 eV at Mn Ka


def test_line_intensities_are_signals_in_the_metadata(signal: hspyio.Signal) -> None:
    intensities = signal.metadata.Sample.intensities
    assert [line.metadata.Sample.elements for line in intensities] == [[e] for e in LINES]
    assert all(type(line) is hspyio.Signal for line in intensities)
    silicon = intensities[list(LINES).index("Si")]
    energies = signal.axes["Energy"].values
    window = np.abs(energies - 1.7397) < 0.084
    assert np.array_equal(silicon.data, signal.data[..., window].sum(axis=-1))
    again = line_intensities(signal.data, Microscope())
    assert np.array_equal(again[0].data, intensities[0].data)


def test_the_lines_are_those_of_the_tables() -> None:
    elements = pytest.importorskip("exspy").material.elements
    for symbol, element in LINES.items():
        table = elements[symbol].Atomic_properties.Xray_lines
        for name, line in element.lines.items():
            assert line.energy == pytest.approx(table[name]["energy (keV)"], abs=1e-3)
            if name.startswith("K"):
                assert line.weight == pytest.approx(table[name]["weight"], abs=1e-3)
        general = elements[symbol].General_properties
        assert element.number == general.Z
        assert element.mass == pytest.approx(general.atomic_weight, abs=0.01)
