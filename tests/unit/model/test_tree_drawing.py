"""A tree drawn as text and as HTML."""

from __future__ import annotations

import numpy as np
import pytest

from hspyio.model.tree import MetadataTree
from hspyio.model.tree_drawing import tree_html


def test_repr_draws() -> None:
    long = repr("long " * 30)
    tree = MetadataTree(
        {"General": {"title": "x", "note": "long " * 30}, "empty": {}, "n": np.float64(1.5)}
    )
    tree["array"] = np.zeros((2, 3), "f4")
    tree["many"] = list(range(1000))
    assert repr(tree).splitlines() == [
        "├── General",
        "│   ├── title = 'x'",
        f"│   └── note = {long[:59]}…",
        "├── empty = {}",
        "├── n = 1.5",
        "├── array = array((2, 3), float32)",
        "└── many = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]",
    ]
    assert repr(MetadataTree()) == "MetadataTree()"


def test_repr_stays_on_its_lines_and_ends() -> None:
    tree = MetadataTree({"a\nb": "c\nd", "huge": 10**10000, "\ud800": "\ud800"})
    assert len(repr(tree).splitlines()) == 3
    (repr(tree) + tree._repr_html_()).encode()
    wide = MetadataTree({f"key {index}": index for index in range(1000)})
    lines = repr(wide).splitlines()
    assert len(lines) == 201
    assert lines[-1] == "… 800 more"


def test_html_is_escaped_and_balanced() -> None:
    tree = MetadataTree({"<b>": {"<i>&": "<script>alert(1)</script>"}})
    html = tree_html(tree, MetadataTree, "<label>")
    for bad in ("<script", "<i>", "<b>", "<label>"):
        assert bad not in html
    for tag in ("details", "ul", "li"):
        assert html.count(f"<{tag}") == html.count(f"</{tag}>")
    assert " open" not in html
    assert " open" in tree._repr_html_()


@pytest.mark.parametrize("text", ["x", "&" * 100])
def test_html_of_many_leaves_is_folded_and_under_a_megabyte(text: str) -> None:
    tree = MetadataTree({f"n{i}": {f"leaf {j}": text for j in range(100)} for i in range(100)})
    html = tree._repr_html_()
    assert len(html.encode()) < 1_000_000
    assert " open" not in html
    assert ("more; .paths() lists all of them</li>" in html) == (text != "x")
    assert html.count("<li>") == html.count("</li>")
