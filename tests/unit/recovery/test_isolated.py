"""Reading in another process: the same nodes; what kills it is named, the rest is read."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hspyio.errors import (
    DamagedFileError,
    FilterError,
    HspyError,
    MissingFileError,
    NotHspyError,
    OptionError,
)
from hspyio.nodes.node import Array, Attribute, Damaged, Group, Rows, Text, Vlen
from hspyio.recovery import isolated, messages
from hspyio.recovery.isolated import open_isolated
from hspyio.recovery.messages import MessageError, Reader, Writer, receive, send
from support import places
from support.root import open_root

ARCHIVE = sorted(places.ARCHIVE.glob("v*"))
SHARED = places.SHARED


def plain(value: Any) -> Any:
    """Something that can be compared."""
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.shape, plain(value.tolist()))
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return repr(value)


def described(node: Any) -> Any:
    """A node and all that is in it."""
    if isinstance(node, Group):
        return (
            [(name, described(item)) for name, item in node.attributes.items()],
            [(name, described(item)) for name, item in node.members.items()],
        )
    if isinstance(node, Array):
        facts = (node.type, node.shape, node.chunks, node.filters)
        return (*facts, plain(node.source.read()))
    if isinstance(node, Attribute):
        return (node.type, plain(node.value))
    assert isinstance(node, Damaged)
    return node.reason


@pytest.mark.parametrize(
    "path", [*ARCHIVE, *(p for p in SHARED.rglob("*") if p.suffix in (".hspy", ".hdf5"))]
)
def test_the_nodes_are_the_same(path: Path) -> None:
    with open_root(path) as here, open_isolated(path) as there:
        assert described(there) == described(here)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file["good"] = np.arange(10.0)
        file["abort"] = np.arange(10)
        file["group/abort here/x"] = 1
        file["group/hang"] = 1
        file["group/memory"] = 1
        file["group/nonsense"] = 1
        file["big"] = rng.integers(0, 9, (700, 300, 200), "u1")
        file.create_dataset("zip", data=rng.random((50, 60)), chunks=(7, 60), compression="gzip")
        rows = file.create_dataset("rows", (2, 2), h5py.vlen_dtype("i2"))
        rows[0, 1] = [1, 2, 3]
        file.create_dataset("texts", data=["a", "µ", ""], dtype=h5py.string_dtype())
        file["soft"] = h5py.SoftLink("/gone")
        file.attrs["note"] = "µ"
    return path


SELECTIONS: list[Any] = [
    (),
    (3,),
    (slice(None), 5),
    (slice(1, 40, 7), slice(None, None, 2)),
    (slice(10, 10),),
    (slice(-3, None), slice(-20, -10)),
]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_selections(path: Path, selection: Any) -> None:
    with h5py.File(path) as file, open_isolated(path) as root:
        for name in ("zip", "big"):
            found = root.members[name].source.read(selection)
            assert found.dtype == file[name].dtype
            assert np.array_equal(found, file[name][...][selection])


def test_rows_and_texts(path: Path) -> None:
    with open_isolated(path) as root:
        rows = root.members["rows"]
        assert rows.type == Vlen(np.dtype("i2"))
        assert rows.source.rows().values.tolist() == [1, 2, 3]
        assert rows.source.read()[0, 1].tolist() == [1, 2, 3]
        texts = root.members["texts"].source.read()
        assert [bytes(text).decode() for text in texts] == ["a", "µ", ""]
        assert root.attributes["note"] == Attribute(Text(), "µ".encode())
        assert "which is not there" in root.members["soft"].reason


def test_progress_is_told(path: Path) -> None:
    told: list[int] = []
    from hspyio.arrays.workers import Work

    with open_isolated(path, work=Work(2, told.append, told.append)) as root:
        root.members["big"].source.read()
    assert told[0] == sum(told[1:]) == 42_000_000


def test_errors_are_those_of_reading(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError), open_isolated(tmp_path / "no.hspy"):
        pass
    (tmp_path / "text").write_text("text")
    with pytest.raises(NotHspyError, match="not an HDF5 file"), open_isolated(tmp_path / "text"):
        pass
    with pytest.raises(NotHspyError, match="is a folder"), open_isolated(tmp_path):
        pass
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("x", (10,), "f4", chunks=(10,), compression="gzip")
        data.id.write_direct_chunk((0,), b"junk")
        file.create_dataset("far", (3,), "f4", external=[("/etc/passwd", 0, 12)])
    with open_isolated(path) as root:
        with pytest.raises(DamagedFileError, match=r"/x: its"):
            root.members["x"].source.read()
        assert "allow_external=True" in root.members["far"].reason


def test_what_kills_the_process_is_named_and_the_rest_is_read(path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(isolated, "_PROGRAM", "support.crashing_child")
    monkeypatch.setenv("PYTHONPATH", str(places.TESTS))
    with open_isolated(path) as root:
        for _ in range(2):
            with pytest.raises(DamagedFileError, match=r"a.h5: /abort: reading it crashes HDF5"):
                root.members["abort"].source.read()
        group = root.members["group"]
        assert isinstance(group, Group)
        assert {name: getattr(node, "reason", "") for name, node in group.members.items()} == {
            "abort here": "reading it crashes HDF5",
            "hang": "reading it does not come to an end",
            "memory": "reading it takes more memory than there is",
            "nonsense": "the process that reads it does not answer: a message is too long",
        }
        assert root.members["good"].source.read().tolist() == list(range(10))


def test_a_file_that_kills_again_and_again_is_given_up(path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(isolated, "_PROGRAM", "support.crashing_child")
    monkeypatch.setattr(isolated, "_MOST_DEATHS", 0)
    monkeypatch.setenv("PYTHONPATH", str(places.TESTS))
    with open_isolated(path) as root:
        good = root.members["good"]
        with pytest.raises(DamagedFileError, match="crashes"):
            root.members["abort"].source.read()
        with pytest.raises(DamagedFileError, match="has crashed 0 times"):
            good.source.read()
        assert root.members["zip"] == Damaged("reading it has crashed 0 times")


def children() -> set[int]:
    """Processes that this one has started and not taken note of the end of."""
    return {int(p) for p in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


@pytest.mark.usefixtures("nothing_is_left")
def test_no_process_is_left(path: Path) -> None:
    with open_isolated(path) as root:
        root.members["good"].source.read()
    with pytest.raises(ZeroDivisionError), open_isolated(path):
        raise ZeroDivisionError
    with pytest.raises(HspyError), open_isolated(path.with_name("gone")):
        pass


VALUES: list[Any] = [
    b"",
    b"bytes\0",
    np.arange(6, dtype=">i2").reshape(2, 3),
    np.zeros((0, 3), "f4"),
    np.array(1.5),
    np.array([("a", 1)], [("x", "S2"), ("y", "<f8", (2,))]),
    np.array([b"a", b"", b"\xff"], object),
    np.array([[b"a"], [b"b"]], object),
    np.array([], object),
    Rows(np.arange(3), np.array([[1], [2]])),
]


@pytest.mark.parametrize("value", VALUES)
def test_values_go_through_a_pipe(value: Any) -> None:
    writer, stream = Writer(), io.BytesIO()
    content = writer.value(value)
    send(stream, content, writer.buffers)
    stream.seek(0)
    received, buffers = receive(stream, 10_000)
    found = Reader(buffers).value(received)
    if isinstance(value, Rows):
        assert plain(found.values) == plain(value.values)
        assert plain(found.lengths) == plain(value.lengths)
    else:
        assert plain(found) == plain(value)


@pytest.mark.parametrize(
    "content",
    [
        {"bytes": 7},
        {"array": 0, "dtype": "O", "shape": [1]},
        {"array": 0, "dtype": "<f8", "shape": [100]},
        {"array": 0, "dtype": "<f8", "shape": [-1, -1]},
        {"array": 0, "dtype": "nonsense", "shape": [1]},
        {"array": 0, "dtype": {"fields": 3}, "shape": [1]},
        {"objects": [2], "items": [{"bytes": 0}] * 3},
        {
            "rows": {"array": 0, "dtype": "u1", "shape": [8]},
            "lengths": {"array": 1, "dtype": "i8", "shape": [1]},
        },
        {},
    ],
)
def test_nonsense_is_refused(content: Any) -> None:
    with pytest.raises(MessageError):
        Reader([bytearray(8), bytearray(b"\xff" * 8)]).value(content)


def test_long_messages_are_refused() -> None:
    stream = io.BytesIO()
    send(stream, {}, [b"12345", b"678"])
    stream.seek(0)
    with pytest.raises(MessageError, match="too long"):
        receive(stream, 7)
    with pytest.raises(MessageError, match="too long"):
        receive(io.BytesIO(b"\xff" * 12), 7)
    with pytest.raises(EOFError):
        receive(io.BytesIO(stream.getvalue()[:-1]), 8)
    with pytest.raises(MessageError, match="cannot be read"):
        receive(io.BytesIO(messages._HEAD.pack(1, 0) + b"{"), 8)


def test_kinds_of_errors_are_kept(path: Path) -> None:
    for kind in (FilterError, OptionError):
        answer = {"error": kind.__name__, "message": "why", "where": "/x"}
        assert type(isolated._error(answer, "a")) is kind
    for name in ("BaseException", "UnsupportedTypeError", "Problem", "no such"):
        found = isolated._error({"error": name, "message": "why", "where": "/x"}, "a")
        assert isinstance(found, HspyError)


def test_hangs_together_take_no_longer_than_one(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "hangs.h5"
    with h5py.File(path, "w") as file:
        for name in "abcdefgh":
            file[f"{name}/hang"] = 1
    monkeypatch.setattr(isolated, "_PROGRAM", "support.crashing_child")
    monkeypatch.setenv("PYTHONPATH", str(places.TESTS))
    started = []

    def start(arguments: list[str], **options: Any) -> Any:
        started.append(float(arguments[6]))
        return popen(arguments, **options)

    popen = isolated.subprocess.Popen
    monkeypatch.setattr(isolated.subprocess, "Popen", start)
    with open_isolated(path) as root:
        reasons = []
        for name in "abcdefgh":
            member = root.members[name]
            found = member.members["hang"] if isinstance(member, Group) else member
            reasons.append(found.reason)
    assert set(reasons[:6]) == {"reading it does not come to an end"}
    assert set(reasons[6:]) == {"reading it has not come to an end 6 times"}
    assert started == [2, 1, 0.5, 0.25, 0.25, 0.25]


def test_no_module_of_the_current_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "re", "h5py", "numpy", "hspyio"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    with open_isolated(str(ARCHIVE[-1])) as root:
        assert isinstance(root.members["Experiments"], Group)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """Hundreds of members, of which two kill the reader."""
    path = tmp_path / "crowded.h5"
    with h5py.File(path, "w") as file:
        for i in range(600):
            file[f"g{i:03}/x"] = i
        file["g150/abort here/x"] = 1
        file.move("g300", "h")
        file["h300/abort here"] = 1
        file["g299b/abort here"] = 1
        file.create_group("abort here")
        file.create_group("g400b")
        file["g500/hang"] = 1
    return path


def test_members_are_asked_for_by_the_hundred(
    crowded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        isolated, "send", lambda stream, about: (asked.append(about), send(stream, about))
    )
    with open_root(crowded) as here, open_isolated(crowded) as there:
        assert list(there.members) == list(here.members)
        assert [*map(len, map(_members, there.members.values()))] == [
            *map(len, map(_members, here.members.values()))
        ]
    assert len(asked) < 20
    assert max(len(about["about"] or "") for about in asked) > 100


def test_what_kills_it_among_hundreds_is_named(
    crowded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "_PROGRAM", "support.crashing_child")
    monkeypatch.setenv("PYTHONPATH", str(places.TESTS))
    with open_root(crowded) as here, open_isolated(crowded) as there:
        for name, node in here.members.items():
            found = there.members[name]
            if name == "abort here":
                assert described(found) == "reading it crashes HDF5"
                continue
            for key in _members(node):
                deadly = key in ("abort here", "hang")
                assert isinstance(found.members[key], Damaged) == deadly, (name, key)


def _members(node: Any) -> Any:
    return node.members


def test_large_groups_have_their_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A healthy group that takes longer than a hang is waited for."""
    path = tmp_path / "large.h5"
    with h5py.File(path, "w", libver="latest") as file:
        group = file.create_group("many")
        for i in range(20_000):
            group.attrs.create(f"a{i}", i, dtype="i8")
    monkeypatch.setattr(isolated, "_PATIENCE", 0.2)
    with open_isolated(path) as root:
        group = root.members["many"]
        assert isinstance(group, Group), group
        assert len(group.attributes) == 20_000
