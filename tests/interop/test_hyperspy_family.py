"""What HyperSpy's family saves, with hspyio enabled: eXSpy, pyxem, LumiSpy, kikuchipy, holospy.

Each kind of signal is saved and loaded on RosettaSciIO and on ours, in all four ways; class,
metadata and the rest are compared. A package that is not installed is skipped.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hyperspy.api as hs
import numpy as np
import pytest

import hspyio
from hspyio.compare import signal_differences
from support.plugged import LAZY, OURS, THEIRS, check_through_either, content, different, load, save

RANDOM = np.random.default_rng(0)

KINDS: dict[str, dict[str, tuple[tuple[int, ...], str]]] = {
    "exspy": {
        "EELSSpectrum": ((3, 40), "f4"),
        "EDSSEMSpectrum": ((2, 3, 40), "u2"),
        "EDSTEMSpectrum": ((2, 3, 40), "u4"),
        "DielectricFunction": ((3, 40), "c8"),
    },
    "pyxem": {
        "Diffraction1D": ((3, 40), "f4"),
        "Diffraction2D": ((2, 3, 8, 9), "u2"),
        "ElectronDiffraction1D": ((3, 40), "f4"),
        "ElectronDiffraction2D": ((2, 3, 8, 9), "u2"),
        "PolarDiffraction2D": ((2, 3, 8, 9), "f4"),
        "InSituDiffraction2D": ((2, 2, 2, 8, 9), "u2"),
        "Correlation2D": ((2, 3, 8, 9), "f4"),
        "Power2D": ((2, 3, 8, 9), "f4"),
        "DPCSignal2D": ((2, 8, 9), "f4"),
        "BeamShift": ((2, 3, 2), "f4"),
        "ReducedIntensity1D": ((3, 40), "f4"),
        "PairDistributionFunction1D": ((3, 40), "f4"),
        "VirtualDarkFieldImage": ((2, 8, 9), "f4"),
        "DiffractionVariance1D": ((3, 40), "f4"),
    },
    "lumispy": {
        "LumiSpectrum": ((2, 3, 40), "f4"),
        "CLSpectrum": ((2, 3, 40), "f4"),
        "CLSEMSpectrum": ((2, 3, 40), "u2"),
        "CLSTEMSpectrum": ((2, 3, 40), "u2"),
        "PLSpectrum": ((3, 40), "f4"),
        "ELSpectrum": ((3, 40), "f4"),
        "LumiTransient": ((3, 40), "f4"),
        "LumiTransientSpectrum": ((2, 8, 9), "f4"),
    },
    "kikuchipy": {
        "EBSD": ((2, 3, 8, 9), "u1"),
        "EBSDMasterPattern": ((2, 9, 9), "f4"),
        "VirtualBSEImage": ((2, 8, 9), "f4"),
    },
    "holospy": {"HologramImage": ((2, 8, 9), "f4")},
}
EACH_KIND = pytest.mark.parametrize(
    ("package", "kind"), [(package, kind) for package in KINDS for kind in KINDS[package]]
)


def package_of(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(name)
        return importlib.import_module(f"{name}.signals")


@LAZY
@EACH_KIND
def test_every_kind_through_either(package: str, kind: str, lazy: bool, tmp_path: Path) -> None:
    shape, dtype = KINDS[package][kind]
    signals = package_of(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal = getattr(signals, kind)((RANDOM.random(shape) * 50).astype(dtype))
        signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 200.0)
        again = check_through_either(signal, tmp_path, lazy=lazy)
        has_class = not lazy or hasattr(signals, f"Lazy{kind}")
        assert type(again).__name__ == ("Lazy" if lazy else "") + kind or not has_class
        assert hspyio.load(tmp_path / f"{OURS}.hspy").package == package.partition(".")[0]
        ours = hspyio.from_hyperspy(again)
        back = ours.to_hyperspy()
        assert type(back) is type(again)
        assert different(content(back), content(again)) == []
        assert signal_differences(ours, hspyio.from_hyperspy(back)) == []


# with what the packages put into metadata ---------------------------------------------------------


def eels_with_its_low_loss() -> Any:
    signals = package_of("exspy")
    signal = signals.EELSSpectrum(RANDOM.random((2, 60)))
    signal.axes_manager[-1].offset, signal.axes_manager[-1].units = 250.0, "eV"
    signal.set_microscope_parameters(beam_energy=200, convergence_angle=1, collection_angle=5)
    signal.add_elements(("C",))
    signal.metadata.set_item("Sample.low_loss", signals.EELSSpectrum(RANDOM.random((2, 60))))
    return signal


def eds_quantified() -> Any:
    signals = package_of("exspy")
    signal = signals.EDSTEMSpectrum(RANDOM.random((2, 3, 400)))
    signal.axes_manager[-1].scale, signal.axes_manager[-1].units = 0.02, "keV"
    signal.set_microscope_parameters(beam_energy=200)
    signal.set_elements(["Al", "Si"])
    signal.set_lines(["Al_Ka", "Si_Ka"])
    signal.metadata.Sample.intensities = signal.get_lines_intensity()
    return signal


def dielectric() -> Any:
    return package_of("exspy").DielectricFunction(RANDOM.random((3, 40)) + 1j)


def diffraction_calibrated() -> Any:
    signals = package_of("pyxem")
    signal = signals.ElectronDiffraction2D(RANDOM.random((2, 3, 8, 9)))
    signal.set_experimental_parameters(beam_energy=200.0, camera_length=21.0, exposure_time=10.0)
    signal.set_diffraction_calibration(0.02)
    signal.set_scan_calibration(5)
    return signal


def spots() -> Any:
    data = np.zeros((2, 3, 20, 20))
    data[..., 4, 5], data[..., 12, 14], data[0, 0, 17, 3] = 9, 7, 8
    return package_of("pyxem").Diffraction2D(data)


def diffraction_vectors() -> Any:
    peaks = spots().find_peaks(interactive=False, method="local_max", show_progressbar=False)
    vectors = package_of("pyxem").DiffractionVectors.from_peaks(
        peaks, center=(10, 10), calibration=(0.1, 0.1)
    )
    assert vectors.ragged
    return vectors


def vectors_without_axes() -> Any:
    """Without the two axis objects that pyxem puts into the metadata, which no file holds."""
    vectors = diffraction_vectors()
    del vectors.metadata.Peaks
    return vectors


def polar_from_calibration() -> Any:
    signal = spots()
    signal.calibration(scale=0.1, center=None, units="k_nm^-1", beam_energy=200)
    return signal.get_azimuthal_integral2d(npt=10, show_progressbar=False)


def luminescence_in_energy() -> Any:
    signals = package_of("lumispy")
    signal = signals.CLSEMSpectrum(RANDOM.random((2, 3, 40)))
    axis = signal.axes_manager[-1]
    axis.name, axis.units, axis.offset, axis.scale = "Wavelength", "nm", 300.0, 2.0
    signal.metadata.add_dictionary(
        {
            "Acquisition_instrument": {
                "CL": {"grating_grooves": 150, "slit_width": 2.5, "dwell_time": 0.1},
                "Spectrometer": {"Grating": {"groove_density": 300}, "entrance_slit_width": 0.5},
            }
        }
    )
    return signal.to_eV(inplace=False)  # a non-uniform axis


def luminescence_in_wavenumbers() -> Any:
    signals = package_of("lumispy")
    signal = signals.PLSpectrum(RANDOM.random((3, 40)))
    axis = signal.axes_manager[-1]
    axis.name, axis.units, axis.offset, axis.scale = "Wavelength", "nm", 300.0, 2.0
    return signal.to_invcm_relative(laser=244, inplace=False)


MADE: list[Callable[[], Any]] = [
    *(eels_with_its_low_loss, eds_quantified, dielectric),
    *(diffraction_calibrated, vectors_without_axes, polar_from_calibration),
    *(luminescence_in_energy, luminescence_in_wavenumbers),
]


@LAZY
@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_special_metadata_through_either(
    make: Callable[[], Any], lazy: bool, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal = make()
        again = check_through_either(signal, tmp_path, lazy=lazy)
        if lazy:
            again.compute(close_file=False, show_progressbar=False)
        assert type(again) is type(signal)
        before, after = content(signal), content(again)
        assert list(before["metadata"]) == list(after["metadata"])
        back = hspyio.from_hyperspy(again).to_hyperspy()
        assert different(content(back), after) == []


def test_vectors_go_on_being_vectors(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vectors = diffraction_vectors()
        again = load(OURS, save(OURS, vectors, tmp_path / "a.hspy"))
        assert again.column_names == vectors.column_names
        assert list(again.scales) == list(vectors.scales)
        flat, wanted = again.flatten_diffraction_vectors(), vectors.flatten_diffraction_vectors()
        assert np.array_equal(flat.data, wanted.data)


def test_objects_that_no_file_holds_keep_their_places(tmp_path: Path) -> None:
    # defect C8: RosettaSciIO drops them with a line in the log, and what follows moves up
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vectors = diffraction_vectors()
        assert len(vectors.metadata.Peaks.signal_axes) == 2
        theirs = load(THEIRS, save(THEIRS, vectors, tmp_path / "theirs.hspy"))
        ours = load(OURS, save(OURS, vectors, tmp_path / "ours.hspy"))
    assert theirs.metadata.Peaks.signal_axes == ()
    assert ours.metadata.Peaks.signal_axes == (None, None)


def test_spectra_go_on_being_spectra(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal = eds_quantified()
        wanted = [intensity.data for intensity in signal.metadata.Sample.intensities]
        again = load(OURS, save(OURS, signal, tmp_path / "a.hspy"))
        for found, expected in zip(again.metadata.Sample.intensities, wanted, strict=True):
            assert isinstance(found, hs.signals.BaseSignal)
            assert np.array_equal(found.data, expected)
        for found, expected in zip(again.get_lines_intensity(), wanted, strict=True):
            assert np.array_equal(found.data, expected)
