"""From 2.2: the Stage and Camera nodes."""

from __future__ import annotations

from hspyio.schema.versions.step import Step, Tree, move

__all__ = ["STEP"]

_TEM = "Acquisition_instrument.TEM"
_SEM = "Acquisition_instrument.SEM"


def _migrate(metadata: Tree) -> None:
    move(metadata, f"{_TEM}.tilt_stage", f"{_TEM}.Stage.tilt_alpha")
    # exposure_time goes before exposure, which stays where it was if both are there.
    move(metadata, f"{_TEM}.exposure_time", f"{_TEM}.Detector.Camera.exposure")
    move(metadata, f"{_TEM}.exposure", f"{_TEM}.Detector.Camera.exposure")
    move(metadata, f"{_SEM}.tilt_stage", f"{_SEM}.Stage.tilt_alpha")


STEP = Step((3, 0), _migrate)
