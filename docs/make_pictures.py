"""Draw one picture of each kind, of simulated data: ``python docs/make_pictures.py [FOLDER]``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hspyio import DataAxis, Signal, UniformAxis
from hspyio.testing.simulated import Microscope, eds_map

FOLDER = Path(__file__).with_name("_generated") / "pictures"
DPI = 80


def spectrum() -> Signal:
    """A low-loss EEL spectrum: zero-loss peak and a plasmon."""
    energy = UniformAxis("Energy loss", "eV", size=1000, offset=-10.0, scale=0.1)
    counts = 8e4 * np.exp(-0.5 * (energy.values / 0.7) ** 2)
    counts += 9e3 / (1 + ((energy.values - 16.7) / 1.8) ** 2)
    counts += 2e3 / (1 + ((energy.values - 33.4) / 2.6) ** 2)
    noisy = np.random.default_rng(1).poisson(counts).astype(np.float32)
    return _signal(noisy, [energy], 1, "EEL spectrum of silicon", quantity="Electrons (Counts)")


def stack_of_spectra() -> Signal:
    """Photoluminescence that shifts with the temperature, over wavelengths of a grating."""
    temperature = DataAxis("Temperature", "K", axis=np.array([10.0, 50, 100, 150, 200, 250, 300]))
    wavelength = DataAxis("Wavelength", "nm", axis=1239.8 / np.linspace(1.62, 1.36, 400))
    energy = 1239.8 / wavelength.values
    centres = 1.519 - 5.4e-4 * temperature.values**2 / (temperature.values + 204)
    widths = 0.008 + 6e-5 * temperature.values
    lines = np.exp(-(((energy - centres[:, None]) / widths[:, None]) ** 2)) / widths[:, None]
    noise = np.random.default_rng(2).normal(0, 0.6, lines.shape)
    return _signal(lines + noise, [temperature, wavelength], 1, "Photoluminescence of GaAs")


def line_scan() -> Signal:
    """Spectra along a line across an interface."""
    position = UniformAxis("x", "nm", size=120, scale=0.5)
    energy = UniformAxis("Energy", "keV", size=600, scale=0.01)
    share = 1 / (1 + np.exp(-(position.values - 30) / 3))[:, None]
    one, other = (
        sum(20 * np.exp(-(((energy.values - line) / 0.05) ** 2)) for line in lines)
        for lines in ((0.52, 1.74), (0.52, 1.49, 4.51))
    )
    counts = np.random.default_rng(3).poisson(share * one + (1 - share) * other + 0.8)
    return _signal(counts, [position, energy], 1, "EDS line scan", quantity="X-rays (Counts)")


def image() -> Signal:
    """An atomic-resolution image."""
    axes = [UniformAxis(name, "nm", size=256, scale=0.02) for name in "yx"]
    y, x = np.meshgrid(axes[0].values, axes[1].values, indexing="ij")
    spots = np.cos(2 * np.pi * x / 0.39) * np.cos(2 * np.pi * y / 0.39)
    clean = 200 + 150 * np.clip(spots, 0, None) ** 2 * (1 + 0.5 * np.tanh(x - 2.5))
    counts = np.random.default_rng(4).poisson(clean).astype(np.uint16)
    return _signal(counts, axes, 2, "HAADF image of an interface", quantity="Electrons (Counts)")


def stack_of_images() -> Signal:
    """A focal series of the amplitude of a pattern of rings."""
    focus = UniformAxis("defocus", "nm", size=6, offset=-50, scale=20)
    axes = [UniformAxis(name, "nm", size=128, offset=-3.2, scale=0.05) for name in "yx"]
    radius = np.hypot(axes[0].values[:, None], axes[1].values)
    images = np.cos(focus.values[:, None, None] / 12 * radius**2 + 1) * np.exp(-(radius**2) / 4)
    return _signal(images, [focus, *axes], 2, "Focal series")


def spectrum_image() -> Signal:
    """The map of ``hspy demo``."""
    return eds_map(microscope=Microscope(height=96, width=128))


def diffraction() -> Signal:
    """4D-STEM: two grains with turned lattices."""
    scan = [UniformAxis(name, "nm", size=24, scale=2.0) for name in "yx"]
    plane = [UniformAxis(f"k{name}", "1/nm", size=96, offset=-9.6, scale=0.2) for name in "yx"]
    patterns = []
    for turn in (0.1, 0.45):
        pattern = np.full((96, 96), 0.02)
        for index in np.ndindex(7, 7):
            h, k = np.array(index) - 3
            at = 2.6 * np.array(
                [h * np.cos(turn) - k * np.sin(turn), h * np.sin(turn) + k * np.cos(turn)]
            )
            distance = np.hypot(plane[0].values[:, None] - at[0], plane[1].values - at[1])
            pattern += (400 if h == k == 0 else 25 / (1 + h * h + k * k)) * (distance < 0.7)
        patterns.append(pattern)
    rows = np.arange(24)
    first = (rows[:, None] + 0.4 * rows) < 18
    thickness = 1 + 0.3 * np.sin(rows / 4)[:, None, None, None]
    mean = np.where(first[..., None, None], patterns[0], 0.7 * patterns[1]) * thickness
    counts = np.random.default_rng(5).poisson(mean).astype(np.uint16)
    return _signal(counts, [*scan, *plane], 2, "4D-STEM of two grains")


def ragged() -> Signal:
    """Positions of diffraction spots, as many as were found in each pattern."""
    rng = np.random.default_rng(6)
    items = np.empty((20, 30), object)
    for index in np.ndindex(items.shape):
        count = 1 + rng.poisson(4 + 4 * (index[1] > 14))
        angle = 0.3 * (index[1] > 14) + np.pi / 3 * rng.integers(0, 6, count)
        radius = 4.0 * rng.integers(1, 3, count)
        spots = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        items[index] = spots + rng.normal(0, 0.12, spots.shape)
    axes = [UniformAxis("y", "nm", size=20, scale=2.0), UniformAxis("x", "nm", size=30, scale=2.0)]
    return _signal(items, axes, 0, "Diffraction vectors")


def colours() -> Signal:
    """An RGB image, as HyperSpy holds it."""
    y, x = np.mgrid[0:160, 0:240]
    pixels = np.zeros((160, 240), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    pixels["R"] = 120 + 110 * np.sin(x / 25) * np.cos(y / 30)
    pixels["G"] = 130 + 90 * np.cos(x / 40 + y / 20)
    pixels["B"] = 140 + 80 * np.sin(y / 15 - x / 60)
    axes = [
        UniformAxis(name, "µm", size=size, scale=0.5) for name, size in (("y", 160), ("x", 240))
    ]
    return _signal(pixels, axes, 2, "Optical micrograph")


def hologram() -> Signal:
    """A complex wave: modulus and phase."""
    axes = [UniformAxis(name, "nm", size=160, offset=-40, scale=0.5) for name in "yx"]
    y, x = axes[0].values[:, None], axes[1].values
    inside = np.clip(1 - (x**2 + y**2) / 900, 0, None) ** 0.5
    wave = (1 - 0.4 * inside) * np.exp(1j * (5 * inside + x / 20))
    return _signal(wave.astype(np.complex64), axes, 2, "Reconstructed wave of a sphere")


KINDS: dict[str, Callable[[], Signal]] = {
    function.__name__: function
    for function in (
        *(spectrum, stack_of_spectra, line_scan, image, stack_of_images),
        *(spectrum_image, diffraction, ragged, colours, hologram),
    )
}


def _signal(
    data: np.ndarray,
    axes: list[UniformAxis | DataAxis],
    dimension: int,
    title: str,
    quantity: str = "",
) -> Signal:
    tree = {"General": {"title": title}, "Signal": {"quantity": quantity} if quantity else {}}
    return Signal(data, axes, signal_dimension=dimension, metadata=tree)


def make(folder: Path = FOLDER) -> list[Path]:
    """Draw all of them; the result is the files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, simulate in KINDS.items():
        path = folder / f"{name}.png"
        figure: Any = simulate().plot()
        figure.write(path, dpi=DPI, overwrite=True)
        made.append(path)
    return made


if __name__ == "__main__":
    make(*map(Path, sys.argv[1:2]))
