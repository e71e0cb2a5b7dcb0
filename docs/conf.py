"""How Sphinx builds the manual: ``make docs``. Nothing is fetched from elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from numpydoc.xref import DEFAULT_LINKS

import hspyio
from hspyio import errors, reports

HERE = Path(__file__).resolve().parent

project = "hspyio"
author = "The hspyio developers"
copyright = "The hspyio developers"
release = version = hspyio.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_generated"]
nitpicky = True
smartquotes = False  # --depth stays --depth

# Markdown
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
suppress_warnings: list[str] = []

# The reference
autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say them in words
autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_aliases = {
    **{word: word for word in DEFAULT_LINKS},  # they lead to Python's pages, which are elsewhere
    **{name: f"hspyio.errors.{name}" for name in errors.__all__},
    **{name: f"hspyio.reports.{name}" for name in reports.__all__},
    "Location": "hspyio.model.signal.Location",
    "Viewer": "hspyio.bridges.viewer.server.Viewer",
}
numpydoc_xref_ignore = {"of", "optional", "or"}
default_role = "py:obj"
add_module_names = False

# The pages
html_theme = "pydata_sphinx_theme"
html_title = "hspyio"
html_static_path = ["_static"]
html_css_files = ["hspyio.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# Versions of the manual, each a folder of the site; docs/release.md
VERSIONS = ("dev",)
SITE = os.environ.get("HSPYIO_DOCS", "").rstrip("/")
if SITE:
    made = HERE / "_generated" / "versions"
    made.mkdir(parents=True, exist_ok=True)
    listed = [{"version": name, "url": f"{SITE}/{name}/"} for name in VERSIONS]
    (made / "versions.json").write_text(json.dumps(listed), encoding="utf-8")
    html_static_path.append(str(made))
    html_theme_options |= {
        "switcher": {
            "json_url": f"{SITE}/dev/_static/versions.json",
            "version_match": "dev" if "dev" in release else release.rpartition(".")[0],
        },
        "check_switcher": False,
        "navbar_end": ["version-switcher", "theme-switcher", "navbar-icon-links"],
    }

_WITHOUT_SECTIONS = (
    "index",
    "getting-started",
    "which",
    "format",
    "from-rosettasciio",
    "benchmarks",
)
html_sidebars: dict[str, list[str]] = {
    page: [] for page in (*_WITHOUT_SECTIONS, "proposal", "security", "changelog", "contributing")
}


def make_pictures(app: Any) -> None:
    """The pictures of the pages on plots and on the viewer, which are made and not kept."""
    for script in ("make_pictures.py", "make_viewer_pictures.py"):
        subprocess.run([sys.executable, str(HERE / script)], check=True)


def leave_plain(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Single backticks in docstrings are links where they name something of the reference.

    Elsewhere, as for the name of a parameter, they are code; but what begins with ``hspyio.`` is
    meant as a link, and one that leads nowhere is an error.
    """
    target = node["reftarget"]
    if node.get("reftype") == "obj" and not target.startswith("hspyio"):
        is_type = isinstance(node.parent, nodes.classifier)
        return nodes.Text(content.astext()) if is_type else content
    return None


def setup(app: Any) -> None:
    """What Sphinx calls first."""
    app.connect("builder-inited", make_pictures)
    app.connect("missing-reference", leave_plain)
