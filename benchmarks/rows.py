"""One line of the report: what was compared, the figures, the target and whether it is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Times

MIB = 2**20
GRAPH_SECONDS, GRAPH_TASKS = 1, 20_000


@dataclass(frozen=True)
class Section:
    """A table of the report.

    Attributes
    ----------
    title : str
        Its heading.
    note : str
        What its figures are.
    theirs, ours, figure : str
        The headings of its columns.
    """

    title: str
    note: str
    theirs: str
    ours: str
    figure: str = "times as fast"


PEER = Section(
    "Against RosettaSciIO",
    "`durable=False`, as RosettaSciIO doesn't wait for the disk either. Both read the file that "
    "hspyio wrote, unless the row says otherwise.",
    "RosettaSciIO",
    "hspyio",
)
H5PY = Section(
    "Against h5py",
    "A call of h5py that writes or reads the data alone, in the same chunks and through the same "
    "filters; hspyio writes and reads the whole signal. `durable=False`; both read the file that "
    "hspyio wrote.",
    "h5py",
    "hspyio",
)
DURABLE = Section(
    "Writing and waiting for the disk",
    "`durable=True`, hspyio's default, which fsyncs, against RosettaSciIO, which doesn't.",
    "RosettaSciIO",
    "hspyio",
)
ZSPY = Section(
    "Against zspy",
    "Each with its default compression: RosettaSciIO's .zspy against an .hspy of hspyio's, and "
    "where the row says so against its .zspy; both read the .zspy that RosettaSciIO wrote.",
    "zspy",
    "hspyio",
)
CODEC = Section(
    "Against the codecs alone",
    "Reading: the same chunks, in memory already, inflated and unshuffled into one new array, as a "
    "reader has to make one; the system clears its memory first. Without an array: into small "
    "buffers that are used again, so that nothing is left of the data. Writing: the same chunks "
    "cut out, shuffled, compressed and written into a plain preallocated file without HDF5. On as "
    "many threads.",
    "codec",
    "hspyio",
    "share of its speed",
)
SIZE = Section("Size of the files", "Both with default options.", "RosettaSciIO", "hspyio", "ratio")
MEMORY = Section(
    "Peak memory",
    "Above what the process holds after its imports and, for saving, with the array.",
    "RosettaSciIO",
    "hspyio",
    "above the array",
)
GRAPH = Section(
    "Graphs",
    "Seconds until the graph stands, and tasks that the array is made of.",
    "RosettaSciIO",
    "hspyio",
    "tasks",
)
OPENING = Section(
    "Opening lazily",
    "The index of the chunks is read when the first of them is.",
    "100 chunks",
    "many chunks",
    "times as long",
)
START = Section(
    "Start of the command line",
    "Whole processes, on a small file.",
    "import h5py",
    "hspy info",
    "times as long",
)
NAVIGATOR = Section(
    "Navigators",
    'What `navigator="sum"` adds to a save: the sum over each signal, of what is saved anyway. '
    "Both by hspyio, in one run, `durable=False`.",
    "without",
    "with",
    "times as long",
)
FAR = Section(
    "Far away",
    "A file of hspyio's on a web server that takes 30 ms to answer; h5py reads it through fsspec, "
    "with its default cache and with the best of three. From the address to what was asked for; "
    "only the first row reads all metadata by h5py, too.",
    "h5py over fsspec",
    "hspyio",
)
THREADS = Section(
    "Threads",
    "Both by hspyio, with gzip. More threads than the computer has processors are simulated: what "
    "the codec takes for each chunk runs at once on all threads, all the rest of one thread's time "
    "on one at a time; how fast the memory is, is no part of it.",
    "one thread",
    "more threads",
)
GROWTH = Section(
    "Growth",
    "Both by hspyio. What each of many costs, against each of few: 1 where the whole grows as they "
    "do, less where a part stays the same. Where one of them is read or appended, that time is "
    "shared out to all of them, too.",
    "few",
    "many",
    "each, times as long",
)
CHECK = Section(
    "Files read by h5py alone",
    "Every element of every file that either program wrote, against what was saved.",
    "files",
    "values in each",
    "equal",
)
SECTIONS = (
    PEER,
    H5PY,
    DURABLE,
    ZSPY,
    CODEC,
    SIZE,
    MEMORY,
    GRAPH,
    OPENING,
    START,
    NAVIGATOR,
    FAR,
    THREADS,
    GROWTH,
    CHECK,
)


@dataclass(frozen=True)
class Row:
    """A line of a section; `met` is None where there is no target."""

    section: Section
    what: str
    action: str
    theirs: str
    ours: str
    figure: str
    detail: str = ""
    target: str = ""
    met: bool | None = None


def speed(
    section: Section, what: str, action: str, *, ours: Times, theirs: Times, target: float | None
) -> Row:
    """How many times as fast."""
    ratio = ours.times_faster_than(theirs)
    low, high = ours.range_against(theirs)
    return Row(
        section,
        what,
        action,
        _seconds(theirs.median),
        _seconds(ours.median),
        f"{ratio:.2f}",
        f"{low:.2f} to {high:.2f}",
        "" if target is None else f"≥ {target:g}",
        None if target is None else ratio >= target,
    )


def longer(
    section: Section, what: str, action: str, *, ours: Times, theirs: Times, target: float
) -> Row:
    """How many times as long."""
    ratio = theirs.times_faster_than(ours)
    low, high = theirs.range_against(ours)
    return Row(
        section,
        what,
        action,
        _seconds(theirs.median),
        _seconds(ours.median),
        f"{ratio:.2f}",
        f"{low:.2f} to {high:.2f}",
        f"≤ {target:g}",
        ratio <= target,
    )


def growth(what: str, action: str, *, few: Times, many: Times, factor: float, target: float) -> Row:
    """How much longer each of many takes than each of few."""
    ratio = few.times_faster_than(many) / factor
    low, high = (bound / factor for bound in few.range_against(many))
    return Row(
        GROWTH,
        what,
        action,
        _seconds(few.median),
        _seconds(many.median),
        f"{ratio:.2f}",
        f"{low:.2f} to {high:.2f}",
        f"≤ {target:g}",
        ratio <= target,
    )


def size(what: str, *, ours: Path, theirs: Path, target: float | None) -> Row:
    """The size of one file against that of another."""
    mine, other = ours.stat().st_size, theirs.stat().st_size
    return Row(
        SIZE,
        what,
        "file",
        f"{other / 1e6:.2f} MB",
        f"{mine / 1e6:.2f} MB",
        f"{mine / other:.3f}",
        target="" if target is None else f"≤ {target:g}",
        met=None if target is None else mine <= target * other,
    )


def memory(
    what: str, action: str, *, ours: int | str, theirs: int | str, array: int, extra: int
) -> Row:
    """Peak memory in bytes, or why there is none; `array` and `extra` bytes are allowed."""
    met = isinstance(ours, int) and ours <= array + extra
    allowed = f"≤ {_mib(array + extra)}"
    above = _mib(ours - array) if isinstance(ours, int) else "fails"
    return Row(MEMORY, what, action, _mib(theirs), _mib(ours), above, "", allowed, met)


def graph(what: str, *, ours: tuple[float, int], theirs: tuple[float, int]) -> Row:
    """Seconds and tasks."""
    mine, other = (f"{_seconds(seconds)}, {tasks:,} tasks" for seconds, tasks in (ours, theirs))
    met = ours[0] < GRAPH_SECONDS and ours[1] < GRAPH_TASKS
    target = f"< {GRAPH_SECONDS} s, < {GRAPH_TASKS:,}"
    return Row(GRAPH, what, "graph", other, mine, f"{ours[1]:,}", "", target, met)


def _mib(value: int | str) -> str:
    return value if isinstance(value, str) else f"{value / MIB:.0f} MiB"


def check(what: str, files: int, values: int, problems: Sequence[str]) -> Row:
    """Whether files hold what was saved."""
    figure = "; ".join(problems[:3]) or "yes"
    return Row(CHECK, what, "", str(files), f"{values:,}", figure, met=not problems)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.1f} ms"
