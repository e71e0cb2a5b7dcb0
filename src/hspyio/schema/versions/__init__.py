"""One step a format version, tree -> tree (format, section 6.3).

To add a version: a file with a ``STEP``, a line below, a file in ``tests/archive``.
"""

from __future__ import annotations

from dataclasses import replace

from hspyio import names
from hspyio.model.parts import SignalParts
from hspyio.schema.versions import v1_1, v1_2, v3_0
from hspyio.schema.versions.step import Step, Version, copied

__all__ = ["CURRENT", "STEPS", "Version", "migrate", "parse_version"]

STEPS: tuple[Step, ...] = (v1_1.STEP, v1_2.STEP, v3_0.STEP)


def parse_version(text: str) -> Version | None:
    """Parse ``"3.3"`` as ``(3, 3)``; ``None`` for what is no version."""
    parts = text.strip().split(".")
    if not parts or not all(part.isdecimal() and len(part) < 6 for part in parts):
        return None
    return tuple(int(part) for part in parts)


CURRENT: Version = parse_version(names.CURRENT_VERSION) or ()


def migrate(parts: SignalParts, version: Version) -> SignalParts:
    """Bring the metadata of a signal to the current format.

    Parameters
    ----------
    parts : SignalParts
        As decoded.
    version : tuple of int
        The version of the file.

    Returns
    -------
    SignalParts
        New parts; what was given stays as it is.
    """
    metadata = copied(parts.metadata)
    for step in STEPS:
        if version < step.before:
            step.migrate(metadata)
    general = metadata.get("General")
    # Last, because the steps move an old title here first (defect R7).
    title = general.get("title") if isinstance(general, dict) else None
    if isinstance(title, str) and title == names.UNNAMED and not parts.literal_title:
        metadata["General"]["title"] = ""
    return replace(parts, metadata=metadata)
