# The two commands of the README are `make quickstart` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
# Processes that test beside each other, a file at a time; 0 tests in one.
WORKERS ?= 2

.PHONY: setup quickstart test coverage lint clean

setup: $(STAMP)

# Pinned whole and without dependency resolution: MMagic's own list would not install.
$(STAMP): requirements/lock.txt setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --no-deps -r requirements/lock.txt
	$(BIN)/python -m pip install --no-deps --no-build-isolation -e .
	touch $@

quickstart: $(STAMP)
	$(BIN)/python tools/quickstart.py $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# Fails below the floor of pyproject.toml, which all tests together reach.
coverage:
	$(MAKE) test ARGS="--cov $(ARGS)"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage
