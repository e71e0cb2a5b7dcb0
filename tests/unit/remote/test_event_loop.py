"""The thread of requests: given up at once, and not to be had in a forked process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

from hspyio.errors import UnreadableFileError
from hspyio.remote.event_loop import start, wait


async def _after(seconds: float, result: int) -> int:
    await asyncio.sleep(seconds)
    return result


def test_a_result_can_be_waited_for_by_any_thread() -> None:
    works = [start(_after(0.01, n)) for n in range(5)]
    found: list[int] = []
    threads = [threading.Thread(target=lambda one=one: found.append(wait(one))) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 1, 2, 3, 4]


def test_what_is_raised_comes_to_who_waits() -> None:
    async def fail() -> None:
        raise ValueError("it")

    with pytest.raises(ValueError, match="it"):
        wait(start(fail()))


def test_ctrl_c_gives_it_up() -> None:
    ended = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    work = start(hang())
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        wait(work)
    assert ended.wait(5)


def test_a_forked_child_is_told() -> None:
    wait(start(_after(0, 1)))
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            start(_after(0, 1))
        except UnreadableFileError as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.close(write)
    assert b"forked" in os.read(read, 1000)
    os.waitpid(child, 0)
    os.close(read)


def test_a_program_ends_while_something_hangs() -> None:
    code = (
        "import asyncio\nfrom hspyio.remote.event_loop import start\n"
        "start(asyncio.sleep(600))\nprint('done')"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (ended.stdout.strip(), ended.stderr) == ("done", "")
