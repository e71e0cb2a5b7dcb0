"""Damaged copies of files: what broken drives, broken transfers and other hands make of them."""

from __future__ import annotations

from collections.abc import Callable

from torture.scene import Chance

_LENGTHS = (1, 8, 64, 512, 4096)
_ALIGNED = 8
"""What HDF5 stores begins at multiples of this."""


def mutant(content: bytes, donor: bytes, chance: Chance) -> tuple[str, bytes]:
    """Damage a copy of a file.

    Parameters
    ----------
    content, donor : bytes
        A file, and one that spliced parts are taken from.
    chance : Chance
        Decides what is done to it, and where.

    Returns
    -------
    str, bytes
        What was done, and the damaged copy.
    """
    name = chance.choice(_KINDS)
    changed = DAMAGES[name](content, donor, chance)
    first = next(
        (i for i, pair in enumerate(zip(content, changed, strict=False)) if _differ(pair)), -1
    )
    return f"{name}, first at {first}, {len(changed)} of {len(content)} bytes", changed


def _differ(pair: tuple[int, int]) -> bool:
    return pair[0] != pair[1]


def _flipped(content: bytes, donor: bytes, chance: Chance) -> bytes:
    """One bit, or a few."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 1, 3, 30))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _replaced(content: bytes, donor: bytes, chance: Chance) -> bytes:
    """One byte, or a number of HDF5's, by one that is likely to matter."""
    length = chance.choice((1, 2, 4, 8))
    value = chance.choice(
        (0, 1, 2, 255, 2**31, 2**32 - 1, 2**63, 2**64 - 1, chance.randrange(2**64))
    )
    start = chance.randrange(len(content) - length)
    new = (value % 256**length).to_bytes(length, "little")
    return content[:start] + new + content[start + length :]


def _zeroed(content: bytes, donor: bytes, chance: Chance) -> bytes:
    """A block that was never written."""
    start, length = _block(content, chance)
    return content[:start] + bytes(length) + content[start + length :]


def _filled(content: bytes, donor: bytes, chance: Chance) -> bytes:
    """A block of noise, or of a flash memory that was erased."""
    start, length = _block(content, chance)
    noise = chance.choice((chance.randbytes(length), b"\xff" * length))
    return content[:start] + noise + content[start + length :]


def _swapped(content: bytes, donor: bytes, chance: Chance) -> bytes:
    """Two blocks, each in the place of the other."""
    length = min(chance.choice(_LENGTHS), len(content) // 2)
    ends = len(content) - 2 * length
    one, other = sorted(_aligned(chance.randrange(ends + 1), chance) for _ in range(2))
    other += length
    parts = (
        content[other : other + length],
        content[one + length : other],
        content[one : one + length],
    )
    return content[:one] + b"".join(parts) + content[other + length :]


def _cut(content: bytes, donor: bytes, chance: Chance) -> bytes:
    """The end is missing."""
    return content[: chance.randrange(len(content))]


def _moved(content: bytes, donor: bytes, chance: Chance) -> bytes:
    """Some bytes are lost or doubled, and what follows has moved."""
    start, length = _block(content, chance)
    if chance.randrange(2):
        return content[:start] + content[start + length :]
    return content[: start + length] + content[start:]


def _spliced(content: bytes, donor: bytes, chance: Chance) -> bytes:
    """A part of another file: a block in its own place or another one, or all from there on."""
    start, length = _block(content, chance)
    origin = chance.choice((start, _aligned(chance.randrange(len(donor)), chance)))
    if chance.randrange(4) == 0:
        return content[:start] + donor[origin:]
    part = donor[origin : origin + length]
    return content[:start] + part + content[start + len(part) :]


def _block(content: bytes, chance: Chance) -> tuple[int, int]:
    length = min(chance.choice(_LENGTHS), len(content) // 2)
    return _aligned(chance.randrange(len(content) - length), chance), length


def _aligned(place: int, chance: Chance) -> int:
    return place if chance.randrange(3) == 0 else place // _ALIGNED * _ALIGNED


DAMAGES: dict[str, Callable[[bytes, bytes, Chance], bytes]] = {
    "flipped": _flipped,
    "replaced": _replaced,
    "zeroed": _zeroed,
    "filled": _filled,
    "swapped": _swapped,
    "cut": _cut,
    "moved": _moved,
    "spliced": _spliced,
}
_KINDS = (*DAMAGES, *("flipped",) * 5, *("replaced", "zeroed", "spliced", "swapped"))
