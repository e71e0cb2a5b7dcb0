"""How soon the viewer shows a file, and follows the pointer: figures, no comparison.

``python -m benchmarks.viewing FILE [--rounds 3] [--moves 200]`` runs ``hspy view FILE`` and drives
it by a Chromium. The file has images at each position; with ``--make`` it is made first, 21 GB of
4D-STEM that take 2.4 GB. Times are those of the browser: of a page from the beginning of its
loading to when all pictures are painted, of a move from its event to when the new signal is
painted. The computer has to do nothing else, or the figures are those of a busy one.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

import hspyio

SIDE, POSITIONS, BLOCK = 400, 256, 8
SIZE = {"width": 1280, "height": 1000}

# What is painted is looked at after each frame, from the beginning on.
LOADING = """
const painted = (name) => {
  const models = [...(window.Bokeh?.documents[0]?._all_models.values() ?? [])];
  const image = models.find((model) => model.name == `${name}-image`)?.data.image?.[0];
  return image != null && image.length > 1 && Bokeh.documents[0].is_idle;
};
const look = () => {
  if (painted("signal") && painted("navigator")) {
    setTimeout(() => { window.first = performance.now(); });
  } else {
    requestAnimationFrame(look);
  }
};
requestAnimationFrame(look);
"""
MOVING = """() => {
  const model = (name) => [...Bokeh.documents[0]._all_models.values()]
    .filter((found) => found.name == name).at(-1);
  const view = Bokeh.index.find_one(model("navigator"));
  let began = null;
  window.took = [];
  const begin = () => { began ??= performance.now(); };
  addEventListener("pointermove", (event) => { if (event.buttons) begin(); }, true);
  addEventListener("keydown", begin, true);
  model("signal-image").properties.data.change.connect(() => {
    if (began == null) return;
    const since = began;
    began = null;
    requestAnimationFrame(() => setTimeout(() => { window.took.push(performance.now() - since); }));
  });
  window.forget = () => { began = null; };
  window.at = (x, y) => {
    const box = view.canvas_view.el.getBoundingClientRect(), { bbox } = view.frame;
    return [box.left + bbox.left + x * bbox.width, box.top + bbox.top + y * bbox.height];
  };
}"""


def patterns(path: Path, *, navigator: str | None) -> None:
    """A 4D-STEM file with a disk and a ring in each pattern, whose counts are drawn by chance."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    radius = np.hypot(y, x)
    mean = 0.1 + 30 * (radius < 40) + 3 * np.exp(-(((radius - 100) / 12) ** 2))
    few = random.poisson(mean, (48, SIDE, SIDE)).astype("u2")

    def block(block_info: Any = None) -> NDArray[np.uint16]:
        (top, bottom), (left, right) = block_info[None]["array-location"][:2]
        chosen = np.random.default_rng([top, left]).integers(0, 48, (bottom - top, right - left))
        rows, columns = np.arange(top, bottom) // 40, np.arange(left, right) // 40
        times = (1 + np.add.outer(rows, columns) % 3).astype("u2")
        return np.asarray(few[chosen] * times[..., None, None])

    sizes = (BLOCK,) * (POSITIONS // BLOCK)
    empty = np.empty((0,) * 4, "u2")
    data = da.map_blocks(block, dtype="u2", chunks=(sizes, sizes, (SIDE,), (SIDE,)), meta=empty)
    real = [{"name": name, "size": POSITIONS, "scale": 0.5, "units": "nm", "navigate": True}
            for name in "yx"]  # fmt: skip
    far = [{"name": name, "size": SIDE, "scale": 0.01, "units": "1/Å", "navigate": False}
           for name in ("ky", "kx")]  # fmt: skip
    hspyio.save(path, hspyio.Signal(data, [*real, *far], title="large"), navigator=navigator)


@contextmanager
def viewer(path: Path) -> Iterator[tuple[str, int]]:
    """The address and the number of a process that shows a file."""
    command = (sys.executable, "-m", "hspyio", "view", path, "--no-browser")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = None
            while found is None and (line := process.stdout.readline()):
                found = re.search(r"http://\S+", line)
            assert found is not None, "hspy view gave no address"
            yield found[0], process.pid
        finally:
            process.terminate()


def peak(process: int) -> int:
    """The most memory that a process has taken, in bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) * 1024


def first_picture(browser: Any, url: str) -> tuple[float, Any]:
    """Milliseconds until all pictures are painted, and the page."""
    page = browser.new_context(viewport=SIZE).new_page()
    page.add_init_script(LOADING)
    page.goto(url)
    page.wait_for_function("() => window.first")
    return float(page.evaluate("window.first")), page


def moves(page: Any, count: int, kind: str) -> list[float]:
    """Milliseconds from each move to when the new signal is painted."""
    page.evaluate("() => { window.took.length = 0; window.forget() }")
    random = np.random.default_rng(1)
    where = np.array([0.5, 0.5])
    page.mouse.move(*page.evaluate("args => window.at(...args)", where.tolist()))
    page.mouse.down()
    for step in range(-2, count):
        if kind == "keys":
            page.keyboard.press(("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")[step % 4])
        else:
            reach = 0.02 if kind == "steps" else 1
            where = np.clip(where + random.uniform(-reach, reach, 2), 0.3, 0.7)
            page.mouse.move(*page.evaluate("args => window.at(...args)", where.tolist()))
        known = len(page.evaluate("window.took"))
        deadline = time.monotonic() + 1
        while len(page.evaluate("window.took")) == known and time.monotonic() < deadline:
            page.wait_for_timeout(2)
        page.evaluate("window.forget()")  # of a move that led to the same position
        if step < 0:
            page.evaluate("window.took.length = 0")  # the drag begins
    page.mouse.up()
    return [float(value) for value in page.evaluate("window.took")]


def told(what: str, times: Sequence[float]) -> str:
    """A line of the report."""
    middle, most = np.percentile(times, (50, 95))
    return f"{what:28} median {middle:6.0f} ms, 95 % {most:6.0f} ms, of {len(times)}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m benchmarks.viewing", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--make", choices=("with", "without"), help="make it, with a navigator")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--moves", type=int, default=200)
    options = parser.parse_args()
    if options.make:
        patterns(options.file, navigator="sum" if options.make == "with" else None)
    from playwright.sync_api import sync_playwright

    print(f"load of the computer: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    firsts, most = [], 0
    with sync_playwright() as playwright:
        for number in range(options.rounds):
            with viewer(options.file) as (url, process):
                browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                took, page = first_picture(browser, url)
                firsts.append(took)
                if not number:
                    page.wait_for_timeout(1000)
                    page.evaluate(MOVING)
                    for kind in ("steps", "far", "keys"):
                        print(told(f"moves, {kind}", moves(page, options.moves, kind)), flush=True)
                most = max(most, peak(process))
                browser.close()
    print(told("first picture", firsts))
    print(f"{'peak memory':28} {most / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
