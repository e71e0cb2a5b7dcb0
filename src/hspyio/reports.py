"""What the functions of `hspyio` report: the types of what they return, for those who name them."""

from hspyio.api.examining.info import ExperimentInfo, FileInfo
from hspyio.api.examining.reports import (
    DamagedArray,
    DamagedPart,
    Differences,
    Finding,
    Report,
    Rescue,
    RescuedSignal,
    ValidationReport,
    Verification,
)
from hspyio.compare import Difference

__all__ = [
    "DamagedArray",
    "DamagedPart",
    "Difference",
    "Differences",
    "ExperimentInfo",
    "FileInfo",
    "Finding",
    "Report",
    "Rescue",
    "RescuedSignal",
    "ValidationReport",
    "Verification",
]
