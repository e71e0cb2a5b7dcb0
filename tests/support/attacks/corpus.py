"""The table of attacks: what is expected of each.

What is refused is refused by an error that holds the words given; what is read is read with a
warning that holds them, or without any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from h5py import h5t

from support.attacks import axes, foreign, graphs, sizes, values

__all__ = ["ATTACKS", "Attack"]

HERE = "/Experiments/Handmade"
DATA = f"{HERE}/data"
TREE = f"{HERE}/metadata"
ELSEWHERE = "has its values in other files; allow_external=True reads them"
LINKED = "is a link to another file, 'canary.h5', to "
MANY = "is one more link to what 8 others in this file lead to"
TOO_LARGE = "takes 1.1 PB of memory"
UNWRITTEN = "of which the file has 0 bytes"


@dataclass(frozen=True)
class Attack:
    """One file.

    Attributes
    ----------
    make : callable
        Writes it.
    refused : tuple of str
        What the error of an eager load says; none if the attacked signal is read.
    warned : tuple of str
        What its warnings say.
    lazily : tuple of str or None
        What the error of a lazy load, or of the first value of it, says; as the eager one's by
        default.
    """

    make: Callable[[Path], None]
    refused: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    lazily: tuple[str, ...] | None = None


def refused(make: Callable[[Path], None], *words: str) -> Attack:
    """An attack on the data: nothing of the signal is read."""
    return Attack(make, refused=words)


def eager(make: Callable[[Path], None], *words: str) -> Attack:
    """An attack on the data that does no harm lazily."""
    return Attack(make, refused=words, lazily=())


def warned(make: Callable[[Path], None], *words: str) -> Attack:
    """An attack beside the data: they are read, and what is wrong is named."""
    return Attack(make, warned=words)


ATTACKS: dict[str, Attack] = {
    # other files
    "external link": warned(foreign.linked_experiment, "/Experiments/Linked: " + LINKED),
    "external link to a fifo": warned(foreign.linked_fifo, "/Experiments/Linked: " + LINKED),
    "external link as data": refused(foreign.linked_data, f"{DATA}: {LINKED}"),
    "soft link through an external one": warned(foreign.linked_node, f"{TREE}/node: {LINKED}"),
    "name with a slash": warned(foreign.slashed_name, f"{TREE}/away/metadata: ", "is none"),
    "external storage": refused(foreign.storage(foreign.absolute), f"{DATA}: {ELSEWHERE}"),
    "external storage upwards": refused(foreign.storage(foreign.upwards), f"{DATA}: {ELSEWHERE}"),
    "external storage in a fifo": refused(
        foreign.storage(foreign.absolute, fifo=True), f"{DATA}: {ELSEWHERE}"
    ),
    "virtual dataset": refused(foreign.virtual, f"{DATA}: {ELSEWHERE}"),
    "virtual dataset without limit": refused(foreign.endless_virtual, f"{DATA}: {ELSEWHERE}"),
    # links
    "soft-link loop": warned(graphs.soft_loop, f"{TREE}/a: is a link", "in a circle"),
    "dangling link": warned(graphs.dangling, f"{TREE}/gone: ", "'/nowhere/at/all'"),
    "soft links that multiply": warned(graphs.soft_explosion, f"{TREE}/link14: ", "in a circle"),
    "long soft links": warned(graphs.long_soft_link),
    "group in itself": warned(graphs.itself, f"{TREE}/node/self: is a link to a group that holds"),
    "2**30 paths": warned(graphs.doubled, MANY),
    "a thousand names of one experiment": warned(graphs.doubled_experiments, MANY),
    "hundreds of names of one array": warned(graphs.many_names, MANY),
    "10,000 nested groups": warned(graphs.nested, f"{TREE}/g/g/g", "nested deeper than 100"),
    "10,000 nested lists": warned(graphs.nested_experiment, f"{TREE}/_list_1_g", "nested deeper"),
    # sizes
    "1 PB in chunks": eager(sizes.data_in_chunks, f"{DATA}: {TOO_LARGE}", "lazy=True"),
    "1 PB in one block": eager(sizes.data_in_one_block, f"{DATA}: {TOO_LARGE}", "lazy=True"),
    "1 PB in five dimensions": eager(sizes.data_in_many_dimensions, f"{DATA}: {TOO_LARGE}"),
    "1 PB of texts": refused(sizes.text_data, f"{DATA}: is said to have", UNWRITTEN),
    "1 PB of rows": eager(sizes.ragged_data, f"{DATA}: is said to have", UNWRITTEN),
    "1 PB in chunks as metadata": warned(sizes.metadata_in_chunks, f"{TREE}/array: {TOO_LARGE}"),
    "1 PB in one block as metadata": warned(
        sizes.metadata_in_one_block, f"{TREE}/array: {TOO_LARGE}"
    ),
    "1 PB as an axis": warned(sizes.experiment_axes, f"{HERE}/axis-0/axis: {TOO_LARGE}"),
    "2 GB of nothing": warned(sizes.unfilled_metadata),
    "2 GB of ones": warned(sizes.filled_metadata, f"{TREE}/array1: is said to have", UNWRITTEN),
    "lists of nothing": warned(sizes.unfilled_lists, f"{TREE}/_list_1: is said", UNWRITTEN),
    "texts of nothing": warned(sizes.unfilled_texts, f"{TREE}/fixed: is said", UNWRITTEN),
    "chunk that inflates": refused(sizes.inflating_data, f"{DATA}: its chunk at (0,) cannot be"),
    "chunks that inflate as metadata": warned(
        sizes.inflating_metadata,
        *(f"{TREE}/{name}: its chunk at (0,)" for name in ("array", "_list_items", "texts")),
    ),
    "chunk of structures that inflates": refused(sizes.inflating_structure, DATA, "chunk at (0,)"),
    "chunk that inflates twice": warned(sizes.inflating_twice, f"{TREE}/array: its chunk at (0,)"),
    "chunk wider than its array": refused(sizes.wide_chunk, f"{DATA}: its chunks are of 3.2 GB"),
    "one text for all": warned(sizes.one_text_for_all, f"{TREE}/_list_texts: is said to have"),
    "one row for all": warned(
        sizes.one_row_for_all, f"{TREE}/numbers: is said to have", f"{TREE}/rows: "
    ),
    "one text for all in an attribute": warned(
        sizes.one_text_in_attribute,
        f"{TREE}@texts: cannot be read: its texts or rows are said to be longer than the file",
    ),
    "hints that inflate": warned(sizes.inflating_hints, "the type hints inflate to more than"),
    "hints without end": warned(sizes.deep_hints, f"{HERE}@_hspyio_types: cannot be read"),
    "hints that make much of little": warned(
        values.hinted, *(f"/{name}: its type hint makes no sense" for name in ("bytes", "text"))
    ),
    # values
    "old dates": warned(values.old_dates),
    "pickles": warned(values.pickles),
    "references": warned(
        values.references,
        *(f"{TREE}{place}: " for place in ("@object", "@region", "/structure", "/_list_regions")),
    ),
    "types": warned(values.types, f"{TREE}@null: is an empty", f"{TREE}@time: ", f"{TREE}@rows: "),
    "data of times": refused(values.data_of_type(h5t.UNIX_D32LE), DATA),
    "data of references": refused(values.data_of_type(h5t.STD_REF_OBJ), DATA, "references"),
    "opaque bytes that are objects": warned(values.opaque_tags, f"{TREE}@a0: ", f"{TREE}/d0: "),
    "types within types": warned(values.nested_types, f"{TREE}@structures: ", "types within"),
    "broken texts": warned(values.broken_texts),
    "titles that are none": warned(values.titles),
    "members of the wrong kind": warned(values.members),
    "models that are none": warned(values.analysis),
    "members without a name": warned(values.nul_names),
    **{f"version {value!r:.20}": warned(values.version(value)) for value in values.VERSIONS},
    # axes
    **{
        f"axis size: {name}": warned(axes.size(value), f"{HERE}/axis-1", "the data 3")
        if name in ("huge", "other", "beyond")
        else warned(axes.size(value), f"{HERE}/axis-1", "size")
        for name, value in axes.SIZES.items()
        if name not in ("null", "none", "structure", "nothing")
    },
    **{f"axis size: {n}": warned(axes.size(axes.SIZES[n])) for n in ("null", "none", "structure")},
    "axis size: missing": warned(axes.attribute("size", None)),
    "wrong values of an axis": warned(axes.wrong_values, f"{HERE}/axis-1", "navigate"),
    "wrong points of an axis": warned(axes.wrong_points, f"{HERE}/axis-0", f"{HERE}/axis-1"),
    "formulas": warned(axes.formula, f"{HERE}/axis-0", "4611686018427387904"),
    "formulas within formulas": warned(axes.inner_formulas, f"{HERE}/axis-0"),
    "listed axes that are none": warned(axes.listed, f"{HERE}/axis-0"),
    "no axis": refused(axes.missing, f"{HERE}: there is no axis-1"),
}
