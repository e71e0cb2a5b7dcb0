"""Blocks of files that are far away, kept in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hspyio.errors import OptionError
from hspyio.remote.object_bytes import ObjectBytes, open_object
from hspyio.remote.storage_options import storage_options_of
from support.range_server import Server, open_server

CONTENT = np.random.default_rng(1).bytes(300_001)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a").write_bytes(CONTENT)
    with open_server(tmp_path / "far") as made:
        yield made


def open_here(server: Server, folder: Path, **given: int) -> ObjectBytes:
    options = {"head": 4096, "block": 4096, "cache": folder, **given}
    return open_object(f"{server.url}/a", storage_options_of(options))


def read_all(source: ObjectBytes) -> bytes:
    return b"".join(source.read(n, min(5000, source.size - n)) for n in range(0, source.size, 5000))


def test_what_was_read_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        server.forget()
        assert read_all(open_here(server, tmp_path / "kept")) == CONTENT
    assert server.requests == 1  # which state it is in


def test_another_state_of_the_file_is_another_matter(server: Server, tmp_path: Path) -> None:
    read_all(open_here(server, tmp_path / "kept"))
    other = CONTENT[::-1]
    (tmp_path / "far" / "a").write_bytes(other)
    os.utime(tmp_path / "far" / "a", ns=(1, 1))
    assert read_all(open_here(server, tmp_path / "kept")) == other


@pytest.mark.parametrize("suffix", [".blocks", ".table"])
@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "empty"])
def test_what_is_damaged_is_fetched_again(
    server: Server, tmp_path: Path, suffix: str, damage: str
) -> None:
    read_all(open_here(server, tmp_path / "kept"))
    (path,) = (tmp_path / "kept").glob(f"*{suffix}")
    octets = bytearray(path.read_bytes())
    octets[50:400] = bytes(350)
    path.write_bytes({"changed": octets, "cut": octets[:100], "empty": b""}.get(damage, b""))
    if damage == "gone":
        path.unlink()
    assert read_all(open_here(server, tmp_path / "kept")) == CONTENT


def test_the_folder_stays_small_enough(server: Server, tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / "far" / "a").write_bytes(CONTENT + bytes(number + 1))
        read_all(open_here(server, tmp_path / "kept", cache_size=700_000))
    taken = sum(path.stat().st_blocks * 512 for path in (tmp_path / "kept").glob("*.blocks"))
    assert 300_000 < taken <= 700_000
    assert len(list((tmp_path / "kept").iterdir())) % 2 == 0


def test_only_the_user_can_look_into_it(server: Server, tmp_path: Path) -> None:
    read_all(open_here(server, tmp_path / "kept"))
    for path in [tmp_path / "kept", *(tmp_path / "kept").iterdir()]:
        assert path.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_none_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(OptionError, match="storage_options\\['cache'\\] cannot be used"):
        open_here(server, tmp_path / "kept")


def test_a_link_in_the_folder_is_not_followed(server: Server, tmp_path: Path) -> None:
    read_all(open_here(server, tmp_path / "kept"))
    (path,) = (tmp_path / "kept").glob("*.blocks")
    path.unlink()
    path.symlink_to(tmp_path / "victim")
    with pytest.raises(OptionError):
        open_here(server, tmp_path / "kept")
    assert not (tmp_path / "victim").exists()


def test_nothing_is_kept_of_what_tells_no_state(server: Server, tmp_path: Path) -> None:
    server.always.add("no tag")
    read_all(open_here(server, tmp_path / "kept"))
    assert not (tmp_path / "kept").exists()
