"""Whether what reading an attack has come to is what is expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from support.attacks import foreign
from support.attacks.child import Outcome
from support.attacks.corpus import Attack

MOST = 256 * 2**20
"""Bytes of memory that reading an attack may take."""


def problems(outcomes: Mapping[str, Outcome], attack: Attack) -> Iterator[str]:
    """What is wrong."""
    for way, outcome in outcomes.items():
        if not outcome.ours:
            yield f"{way}: {outcome.kind}: {outcome.error}"
        if outcome.opened:
            yield f"{way}: opened {outcome.opened}"
        if outcome.peak > MOST:
            yield f"{way}: took {outcome.peak >> 20} MiB"
        if foreign.SECRET.decode().strip() in outcome.found or "stolen" in outcome.found:
            yield f"{way}: found what stands in another file"
    lazily = attack.refused if attack.lazily is None else attack.lazily
    for way, words in (("load", attack.refused), ("load lazy", lazily)):
        outcome = outcomes[way]
        missing = [word for word in words if word not in outcome.error]
        if missing or bool(words) != bool(outcome.error):
            yield f"{way}: not {words}, but {outcome.error or outcome.found[:300]}"
    missing = [word for word in attack.warned if word not in outcomes["load"].warned]
    if missing:
        yield f"load: not warned of {missing}, but of {outcomes['load'].warned[:2000]}"
