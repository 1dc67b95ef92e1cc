# make demo and make test do all the set-up by themselves; they need Python 3.11 or later, and make.
#
#   make demo      train softmax regression on MNIST three ways       make check     lint, formatting, types, layers
#   make test      run the tests                                      make bench     race others and hand-written code
#   make examples  run every example                                  make clean     remove what make made

VENV := .venv
BIN := $(VENV)/bin
IS_RECENT := import sys; sys.exit(sys.version_info < (3, 11))
# The first of these that is Python 3.11 or later; or say PYTHON=...
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c '$(IS_RECENT)' >/dev/null 2>&1 && echo $$name && break; done)
JOBS ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo test check bench examples clean

help:
	@sed -n 's/^#   //p' Makefile

# $(VENV)/NAME.installed is newer than pyproject.toml once the extra NAME is installed.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "symgrad needs Python 3.11 or later: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

.PRECIOUS: $(VENV)/%.installed
$(VENV)/%.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$*]"
	@touch $@

demo: $(VENV)/examples.installed
	$(BIN)/python examples/mnist_softmax.py

test: $(VENV)/test.installed
	$(BIN)/python -m pytest -n $(JOBS)

check: $(VENV)/test.installed $(VENV)/lint.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/bench.installed
	$(BIN)/python benchmarks/run.py

examples: $(VENV)/examples.installed
	$(BIN)/python examples/run_all.py

clean:
	rm -rf $(VENV) build dist examples/out .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
