"""The bytes of a file that is far away: blocks, and what is asked for them."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hspyio.errors import UnreadableFileError
from hspyio.remote.object_bytes import ObjectBytes, open_object
from hspyio.remote.storage_options import storage_options_of
from support.range_server import Server, open_server

SIZE = 1_000_003
CONTENT = np.random.default_rng(1).bytes(SIZE)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("far")
    (folder / "a").write_bytes(CONTENT)
    with open_server(folder) as made:
        yield made


@pytest.fixture
def server(shared: Server) -> Server:
    shared.forget()
    shared.fail.clear()
    shared.always.clear()
    return shared


def open_here(server: Server, **given: int) -> ObjectBytes:
    options = {"head": 10_000, "block": 1024, "request": 50_000, "gap": 2000, **given}
    return open_object(f"{server.url}/a", storage_options_of(options))


ranges = st.tuples(st.integers(0, SIZE), st.integers(0, 60_000)).map(
    lambda pair: (pair[0], min(pair[1], SIZE - pair[0]))
)


@settings(max_examples=60)
@given(wanted=st.lists(ranges, max_size=12))
def test_every_range_is_that_of_the_file(shared: Server, wanted: list[tuple[int, int]]) -> None:
    source = open_here(shared)
    assert source.size == SIZE
    for offset, size in wanted:
        assert source.read(offset, size) == CONTENT[offset : offset + size]


@settings(max_examples=40)
@given(
    wanted=st.lists(ranges, max_size=30), order=st.randoms(use_true_random=False),
    gap=st.sampled_from([0, 500, 100_000]), request=st.sampled_from([4096, 30_000, 10**6]),
)  # fmt: skip
def test_ranges_that_are_fetched_ahead_are_those_of_the_file(
    shared: Server, wanted: list[tuple[int, int]], order: random.Random, gap: int, request: int
) -> None:
    source = open_here(shared, gap=gap, request=request, parallel=2)
    wanted.sort()
    offsets, sizes = (np.array([one[i] for one in wanted], np.int64) for i in (0, 1))
    with source.ahead(offsets, sizes) as near:
        asked = [*wanted, *wanted[:3]]  # some twice
        order.shuffle(asked)
        for offset, size in asked:
            assert near.read(offset, size) == CONTENT[offset : offset + size]


def test_many_threads_read_ahead_at_once(server: Server) -> None:
    source = open_here(server, request=20_000, parallel=3)
    wanted = [(n, 700) for n in range(0, SIZE - 700, 900)]
    offsets, sizes = (np.array([one[i] for one in wanted], np.int64) for i in (0, 1))
    wrong: list[int] = []
    with source.ahead(offsets, sizes) as near:

        def read(first: int) -> None:
            for offset, size in wanted[first::4]:
                if near.read(offset, size) != CONTENT[offset : offset + size]:
                    wrong.append(offset)

        threads = [threading.Thread(target=read, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    assert server.requests <= 1 + -(-SIZE // 20_000) + 1


def test_what_is_small_is_asked_for_once(server: Server) -> None:
    source = open_here(server)
    assert server.requests == 1
    for offset in (0, 100, 9_990):
        source.read(offset, 10)
    assert server.requests == 1
    for _ in range(3):
        source.read(500_000, 100)
        source.read(500_100, 100)
    assert server.requests == 2


def test_reading_on_and_on_asks_for_more_each_time(server: Server) -> None:
    source = open_here(server)
    for offset in range(10_000, 200_000, 500):
        source.read(offset, 500)
    assert server.requests <= 1 + 4 + 200_000 // (16 * 1024)


def test_what_is_expected_is_asked_for_in_few_requests(server: Server) -> None:
    source = open_here(server)
    places = list(range(100_000, 140_000, 2000))
    source.expect(places, [500] * len(places))
    for place in places:
        assert source.read(place, 500) == CONTENT[place : place + 500]
    assert server.requests == 2


def test_expecting_nonsense_does_nothing(server: Server) -> None:
    source = open_here(server)
    source.expect([-5, SIZE, 2**62, 5], [10, 10, 10, -3])
    assert source.read(SIZE - 5, 5) == CONTENT[-5:]


@pytest.mark.parametrize(("offset", "size"), [(-1, 5), (SIZE, 1), (SIZE - 3, 4)])
def test_outside_of_the_file_is_an_error(server: Server, offset: int, size: int) -> None:
    source = open_here(server)
    with pytest.raises(OSError, match="the file ends at"):
        source.read(offset, size)
    with (
        source.ahead(np.array([offset]), np.array([size])) as near,
        pytest.raises(OSError, match="the file ends at"),
    ):
        near.read(offset, size)


def test_a_block_that_failed_is_asked_for_again(server: Server) -> None:
    source = open_here(server, retries=0)
    server.fail["500"] = 1
    with pytest.raises(UnreadableFileError):
        source.read(500_000, 10)
    assert source.read(500_000, 10) == CONTENT[500_000:500_010]


def test_what_was_expected_in_vain_is_asked_for_again(server: Server) -> None:
    source = open_here(server, retries=0)
    server.fail["500"] = 1
    source.expect([500_000], [10])
    while server.requests < 2:
        pass
    assert source.read(500_000, 10) == CONTENT[500_000:500_010]


def test_one_error_does_not_change_another(server: Server) -> None:
    """Two threads may wait for one request; what one adds to its error is not the other's."""
    source = open_here(server, retries=0)
    server.always.add("500")
    caught: list[UnreadableFileError] = []
    for _ in range(2):
        with pytest.raises(UnreadableFileError) as found:
            source.read(500_000, 10)
        caught.append(found.value)
    assert caught[0] is not caught[1]


def test_blocks_are_let_go(server: Server) -> None:
    source = open_here(server)
    source.read(500_000, 10)
    source.forget()
    source.read(500_000, 10)
    assert server.requests == 3
