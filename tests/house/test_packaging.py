"""What goes with a release: the recipe for conda, the citation, and what is built.

``make dist`` builds and tries the packages themselves.
"""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

import hspyio
from hspyio import packages
from support.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RECIPE = ROOT / "packaging" / "conda" / "recipe.yaml"
CALLED = {"dask[array]": "dask-core", "isal": "python-isal", "matplotlib": "matplotlib-base"}
"""What conda-forge calls otherwise."""


def requirement(text: str) -> tuple[str, str]:
    """Name on conda-forge, and lowest version."""
    name, _, least = text.partition(">=")
    return CALLED.get(name, name), least


def of_conda(text: str) -> tuple[str, str]:
    name, _, least = text.partition(" >=")
    return name, least


@pytest.fixture(scope="module")
def recipe() -> Any:
    """The recipe with its context filled in, as YAML and simple substitution do."""
    raw = RECIPE.read_text(encoding="utf-8")
    context = yaml.safe_load(raw)["context"]
    return yaml.safe_load(re.sub(r"\$\{\{ (\w+) \}\}", lambda m: context.get(m[1], m[1]), raw))


def test_the_recipe_asks_for_what_the_project_asks_for(recipe: Any) -> None:
    python, *others = recipe["requirements"]["run"]
    assert python == f"python {PROJECT['requires-python']}"
    assert {*map(of_conda, others)} == {*map(requirement, PROJECT["dependencies"])}
    extras = {
        requirement(item) for listed in PROJECT["optional-dependencies"].values() for item in listed
    }
    assert {*map(of_conda, recipe["requirements"]["run_constraints"])} <= extras


def test_the_recipe_is_of_this_version_and_its_command(recipe: Any) -> None:
    assert recipe["package"] == {"name": "hspyio", "version": hspyio.__version__}
    [entry] = recipe["build"]["python"]["entry_points"]
    name, _, function = entry.partition(" = ")
    assert {name: function} == PROJECT["scripts"]
    assert recipe["about"]["license"] == PROJECT["license"]
    assert recipe["about"]["summary"] == PROJECT["description"]


@pytest.mark.skipif(find_spec("rattler_build") is None, reason="no py-rattler-build")
def test_rattler_renders_the_recipe() -> None:
    from rattler_build import RenderConfig, Stage0Recipe, VariantConfig

    stage = Stage0Recipe.from_yaml(RECIPE.read_text(encoding="utf-8"))
    [rendered] = stage.render(VariantConfig(), RenderConfig())
    found = rendered.recipe.to_dict()
    assert found["package"]["version"] == hspyio.__version__
    assert "noarch" in str(found["build"])
    assert "${{ " not in str(found["requirements"])


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == hspyio.__version__
    assert cited["license"] == PROJECT["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(cited)


def test_the_changelog_has_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(hspyio.__version__)} - ", text, re.MULTILINE)


def test_nobody_is_told_to_install_what_is_not_published() -> None:
    """Until there is a release, see docs/release.md."""
    asked = re.compile(r"pip install [\"']?hspyio\b|conda install .*hspyio")
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.py")]
    found = {
        str(path.relative_to(ROOT))
        for path in pages
        if not {"_build", "_generated", "generated"} & set(Path(path).parts)
        and asked.search(path.read_text(encoding="utf-8"))
    }
    assert found <= {"docs/release.md"}


def test_the_extra_that_is_named_for_a_package_brings_it() -> None:
    for package, extra in packages._EXTRAS.items():
        listed = PROJECT["optional-dependencies"][extra]
        brought = {re.split(r"[^\w-]", line)[0] for line in listed}
        assert package in brought or package == "scikit-image"  # an extra of RosettaSciIO's does
