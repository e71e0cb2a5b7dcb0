"""A notebook in a real JupyterLab, and as nbconvert's page, where these are installed.

``pip install jupyterlab`` beside the tests; they are not part of the extra ``test``.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hspyio
from support.browser import needs_browser

pytest.importorskip("jupyterlab")
nbconvert = pytest.importorskip("nbconvert")
pytestmark = needs_browser
CELLS = (
    "import hspyio, numpy as np",
    "s = hspyio.Signal(np.ones((8, 9, 64)), signal_dimension=1, title='map'); s",
    "s.axes",
    "s.metadata",
    "hspyio.save('map.hspy', s, progress=True, overwrite=True)",
    "hspyio.open('map.hspy')",
    "s.axes[0].scale = 0",
)
THEMES = "@jupyterlab/apputils-extension/themes.jupyterlab-settings"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(hspyio.__file__).parents[1])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    cells = [
        {"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": [], "source": source,
         "execution_count": None}
        for number, source in enumerate(CELLS)
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4}
    (folder / "n.ipynb").write_text(json.dumps({**notebook, "nbformat_minor": 5}))
    return folder


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.token=t"]
    words += [f"--ServerApp.root_dir={folder}", "--LabApp.news_url="]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *words],
        env={**ENVIRONMENT, "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/api?token=t").close()
            break
        except OSError:
            time.sleep(0.2)
    yield address
    server.terminate()
    server.wait(30)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_jupyterlab(browser: Any, lab: str, folder: Path, scheme: str) -> None:
    settings = folder / "settings" / THEMES
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"theme": f"JupyterLab {scheme.capitalize()}"}))
    page = browser.new_page(viewport={"width": 1280, "height": 2400}, color_scheme=scheme)
    page.set_default_timeout(60_000)
    page.goto(f"{lab}/lab/tree/n.ipynb?token=t&reset", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook")
    page.wait_for_timeout(3000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_selector("text=HspyWarning")
    shown = page.locator(".jp-OutputArea-output .hspyio")
    assert shown.count() == 4
    for number in range(4):
        box = shown.nth(number).bounding_box()
        assert box["x"] + box["width"] <= 1280
    widths = page.evaluate(
        "() => [...document.querySelectorAll('.hspyio th')]"
        ".map(one => one.getBoundingClientRect().width)"
    )
    assert min(widths) > 20
    # the warning's strip is the only one: a progress bar is no error
    red = '[data-mime-type="application/vnd.jupyter.stderr"]'
    assert page.locator(red).count() == 1
    found = page.evaluate(
        "() => [...document.querySelectorAll('.hspyio td')].map(o => getComputedStyle(o).color)"
    )
    [ink] = set(found)
    assert (sum(map(float, _numbers(ink))) > 380) == (scheme == "dark")


def _numbers(colour: str) -> list[str]:
    return colour.partition("(")[2].rstrip(")").replace(",", " ").split()[:3]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_in_the_page_of_nbconvert(browser: Any, folder: Path, theme: str, width: int) -> None:
    made = folder / f"{theme}.html"
    if not made.exists():
        words = ["--to", "html", "--execute", "--allow-errors", "--theme", theme]
        command = [sys.executable, "-m", "nbconvert", *words, "--output", made, folder / "n.ipynb"]
        subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True)
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.goto(made.as_uri())
    assert page.locator(".hspyio").count() == 4
    out = page.evaluate(
        "() => [...document.querySelectorAll('.hspyio *')].filter(one =>"
        " one.getBoundingClientRect().right > window.innerWidth).map(one => one.outerHTML)"
    )
    assert out == []
