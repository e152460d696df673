# The two commands of the README are `make quickstart` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The site's packages would not fit beside those of the package.
DOCS_VENV := .venv-docs
DOCS_STAMP := $(DOCS_VENV)/.installed
ARGS ?=
# Processes that test beside each other, a file at a time; 0 tests in one.
WORKERS ?= 2

.PHONY: setup quickstart test coverage lint docs notebook clean

setup: $(STAMP)

# Pinned whole and without dependency resolution: MMagic's own list would not install.
$(STAMP): requirements/lock.txt setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --no-deps -r requirements/lock.txt
	$(BIN)/python -m pip install --no-deps --no-build-isolation -e .
	touch $@

quickstart: $(STAMP)
	$(BIN)/ganaug bench --yes $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# Fails below the floor of pyproject.toml, which all tests together reach.
coverage:
	$(MAKE) test ARGS="--cov $(ARGS)"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(DOCS_STAMP): requirements/docs.txt
	test -x $(DOCS_VENV)/bin/python || $(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --no-deps -r requirements/docs.txt
	touch $@

# Fails at a warning: a page, link, heading or class that is not there.
docs: $(STAMP) $(DOCS_STAMP)
	$(BIN)/python tools/misc/stage_site.py build/site_source
	$(BIN)/python tools/misc/draw_gallery.py build/site_source/docs
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict

# With the commands of the package's venv; its folders go to build/notebook.
notebook: $(STAMP) $(DOCS_STAMP)
	rm -rf build/notebook && mkdir -p build/notebook
	cp docs/*.ipynb build/notebook
	cd build/notebook && PATH="$(abspath $(BIN)):$$PATH" OMP_NUM_THREADS=1 timeout 1800 \
		$(abspath $(DOCS_VENV))/bin/jupyter-execute --timeout=1500 --inplace *.ipynb

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage
