"""Every block of code in README and the manual runs, and the manual leaves nothing out."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import hspyio
from hspyio import errors, testing
from support.fences import RUN, SHOWN, Reader, fences
from support.page_files import FILES
from support.places import ROOT

MADE = ("_build", "_generated", "generated")
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")),
    *(
        path
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if not set(MADE) & set(path.relative_to(ROOT).parts)
    ),
]
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
NEEDS = {
    "README.md": ("hyperspy", "xarray", "h5netcdf", "tifffile", "matplotlib"),
    "docs/cli.md": ("tifffile",),
    "docs/format.md": ("hyperspy",),
    "docs/from-rosettasciio.md": ("hyperspy", "exspy"),
    "docs/guide/far-away.md": ("obstore",),
    "docs/guide/hyperspy.md": ("hyperspy", "exspy"),
    "docs/guide/large-data.md": ("distributed",),
    "docs/guide/xarray.md": ("xarray", "h5netcdf", "tifffile"),
    "docs/plotting.md": ("matplotlib",),
    "docs/proposal.md": ("rsciio",),
    "docs/tutorials/archive.md": ("pandas",),
    "docs/tutorials/cluster.md": ("distributed",),
    "docs/tutorials/from-the-microscope.md": ("rsciio",),
    "docs/tutorials/without-hyperspy.md": ("matplotlib",),
    "docs/viewer.md": ("bokeh",),
}
"""Packages without which a page is skipped; all come with ``pip install '.[test]'``."""


@pytest.mark.parametrize("name", NAMES)
def test_the_blocks_of_a_page_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in NEEDS.get(name, ()):
        pytest.importorskip(package)
    if sys.platform == "win32":
        pytest.skip("the commands on the pages are for a Unix shell")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    reader = Reader(tmp_path, name)
    with warnings.catch_warnings():
        if name in NEEDS:  # other packages remark on themselves, once a process
            warnings.simplefilter("ignore")
        try:
            for fence in fences((ROOT / name).read_text(encoding="utf-8")):
                if name in FILES:
                    FILES[name](tmp_path, fence.text)
                reader.run(fence)
        finally:
            hspyio.disable_hyperspy()
    assert not reader.wrong, "\n\n".join(reader.wrong)


@pytest.mark.parametrize("name", NAMES)
def test_every_block_says_what_it_is(name: str) -> None:
    for fence in fences((ROOT / name).read_text(encoding="utf-8")):
        known = fence.language in RUN + SHOWN or re.fullmatch(r"\{[\w-]+\}", fence.language)
        assert known, f"{name}:{fence.line}: no test knows what to do with {fence.language!r}"


@pytest.mark.parametrize("name", NAMES)
def test_links_to_files_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
    kept = [target for target in targets if not target.startswith("_generated/")]
    assert [target for target in kept if not ((ROOT / name).parent / target).exists()] == []


@pytest.mark.parametrize("module", [hspyio, errors, testing], ids=lambda module: module.__name__)
def test_every_public_name_is_in_the_reference(module: Any) -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/api").glob("*.md"))
    words = set(re.findall(r"[\w.]+", pages))
    helpers = {"IMPORTED", "RESCUE", "UNREADABLE"}
    helpers |= {"byte_text", "located", "one_or_many", "reason_of", "warn_user"}
    assert set(module.__all__) - words <= helpers


def test_every_page_is_in_a_table_of_contents() -> None:
    listed = set()
    for path in PAGES:
        for fence in fences(path.read_text(encoding="utf-8")):
            if fence.language == "{toctree}":
                entries = re.findall(r"^(?!:)(?:.*<)?([\w./-]+)>?$", fence.text, re.MULTILINE)
                listed |= {(path.parent / f"{entry}.md").resolve() for entry in entries}
    docs = {path for path in PAGES if path.is_relative_to(ROOT / "docs")}
    assert docs - listed == {ROOT / "docs" / "index.md"}
    assert all(path.exists() for path in listed)
