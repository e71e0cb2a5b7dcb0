# Needs make and Python 3.11 or newer; everything else goes into .venv.
#   make demo   make check   make test   make lint   make docs   make bench   make torture   make clean
#   make dist: wheel and sdist, tried with the oldest and newest dependencies on every Python here.
#   make test-zarr: what is written for Zarr 3, which RosettaSciIO's tests have to do without.
#   make test-zspy: what RosettaSciIO reads and writes with Zarr 2, and formats that need more packages.
# Another Python: make test PYTHON=/path/to/python3.12

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check
PYTEST_ARGS ?= -n 2 --dist worksteal

.PHONY: demo check test test-zarr test-zspy lint format docs bench torture dist clean

demo: $(VENV)/.installed
	$(BIN)/hspy demo

# The inner loop: under a minute.
check: $(VENV)/.installed-test
	HSPYIO_EXAMPLES=20 $(BIN)/python -m pytest $(PYTEST_ARGS) -m 'not slow' tests/unit

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-zarr: $(VENV)-zarr/.installed
	$(VENV)-zarr/bin/python -m pytest $(PYTEST_ARGS) tests/unit/bridges/exporting/test_references.py \
		tests/unit/bridges/exporting/test_export.py tests/unit/bridges/exporting/test_export_tiff.py \
		tests/unit/bridges/importing/test_by_xarray.py

test-zspy: $(VENV)-zspy/.installed
	$(VENV)-zspy/bin/python -m pytest $(PYTEST_ARGS) tests/interop/test_zspy.py \
		tests/interop/test_importing.py tests/unit/zarr2/test_reader.py

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The manual, in docs/_build/html/index.html; a warning is an error.
docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs docs/_build/html
	@echo "The manual is built: docs/_build/html/index.html"

# Without a network, and so without Zarr 2, all else is measured.
bench: $(VENV)/.installed-test
	-@$(MAKE) --no-print-directory $(VENV)-zspy/.installed
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.readme

torture: $(VENV)/.installed-test
	$(BIN)/python -m torture

dist: $(VENV)-dist/.installed
	$(VENV)-dist/bin/python packaging/dist.py $(DIST_ARGS)

clean:
	rm -rf $(VENV) $(VENV)-zarr $(VENV)-zspy $(VENV)-dist .pycache .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
	rm -rf docs/_build docs/_generated docs/api/generated

# A stamp each, so that pip runs again only when pyproject.toml changes.
# The tests need all that the demo needs, so their stamp counts for both.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[test]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[docs]'
	@touch $(VENV)/.installed $@

$(VENV)-zarr/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-zarr
	$(VENV)-zarr/bin/python -m pip install -q --disable-pip-version-check -e '.[test-zarr]'
	@touch $@

$(VENV)-dist/.installed:
	$(PYTHON) -m venv $(VENV)-dist
	$(VENV)-dist/bin/python -m pip install -q --disable-pip-version-check \
		'build>=1.2' 'check-wheel-contents>=0.6' 'twine>=6' 'uv>=0.5'
	@touch $@

$(VENV)-zspy/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-zspy
	$(VENV)-zspy/bin/python -m pip install -q --disable-pip-version-check -e '.[test-zspy]'
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found; name one: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
