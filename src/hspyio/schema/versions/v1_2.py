"""From 1.1: the tree of HyperSpy 0.7, with General, Signal and Acquisition_instrument."""

from __future__ import annotations

from hspyio.schema.versions.step import Step, Tree, get, move

__all__ = ["STEP"]

_EELS = ("dwell_time", "dwell_time_units", "exposure", "exposure_units")


def _migrate(metadata: Tree) -> None:
    move(metadata, "_internal_parameters", "_HyperSpy")
    move(metadata, "_HyperSpy.stacking_history", "_HyperSpy.Stacking_history")
    move(metadata, "_HyperSpy.folding", "_HyperSpy.Folding")
    # Under Signal, where HyperSpy looks for it (defect R6).
    move(metadata, "Variance_estimation", "Signal.Noise_properties.Variance_linear_model")
    if isinstance(get(metadata, "TEM.EELS"), dict):
        for name in _EELS:
            move(metadata, f"TEM.{name}", f"TEM.EELS.{name}")
        # Detector.EELS, as the files of 1.2 have it (defect R5).
        move(metadata, "TEM.EELS", "TEM.Detector.EELS")
    move(metadata, "TEM.EDS", "TEM.Detector.EDS")
    move(metadata, "SEM.EDS", "SEM.Detector.EDS")
    move(metadata, "TEM", "Acquisition_instrument.TEM")
    move(metadata, "SEM", "Acquisition_instrument.SEM")
    move(metadata, "Sample.Xray_lines", "Sample.xray_lines")
    for name in ("title", "date", "time", "original_filename"):
        move(metadata, name, f"General.{name}")
    for name in ("record_by", "signal_origin", "signal_type"):
        move(metadata, name, f"Signal.{name}")


STEP = Step((1, 2), _migrate)
