# Everything runs in the environment that `make install` makes here from pyproject.toml and constraints.txt.

PYTHON ?= python3
RESULTS ?= results
QUICK_RESULTS ?= results-quick
STUDY ?= grand
STUDY_OPTIONS ?=
PYTEST_OPTIONS ?=

BIN := .venv/bin
INSTALLED := .venv/.installed
PACKAGES := $(wildcard regerr simulations validation paper_figures)

# A study shares the cores among its workers: threads inside the linear algebra would only compete with them.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install test lint reproduce quick-reproduce study benchmark clean

help:
	@echo "make install          the environment in .venv (PYTHON=$(PYTHON), 3.11 or newer)"
	@echo "make test             all tests (PYTEST_OPTIONS=\"-k affine\")"
	@echo "make lint             style and types"
	@echo "make reproduce        all studies and figures, into RESULTS=$(RESULTS)"
	@echo "make quick-reproduce  the same with few replicates, into QUICK_RESULTS=$(QUICK_RESULTS)"
	@echo "make study            one study, STUDY=$(STUDY), into RESULTS=$(RESULTS); it goes on where it stopped"
	@echo "make benchmark        speed, as ratios to plain numpy in the same run"
	@echo "make clean            removes results and caches; .venv stays"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "$(PYTHON) is not Python 3.11 or newer: name one that is, for instance make install PYTHON=python3.12" >&2; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]'
	@touch $@

test: install
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_OPTIONS)

lint: install
	$(BIN)/ruff check
	$(BIN)/mypy $(PACKAGES)

reproduce: install
	$(BIN)/regerr study icip --output $(RESULTS) $(STUDY_OPTIONS)
	$(BIN)/regerr study regions --output $(RESULTS) $(STUDY_OPTIONS)
	$(BIN)/python -m paper_figures $(RESULTS)

quick-reproduce:
	$(MAKE) reproduce RESULTS=$(QUICK_RESULTS) STUDY_OPTIONS="--quick $(STUDY_OPTIONS)"

study: install
	$(BIN)/regerr study $(STUDY) --output $(RESULTS) $(STUDY_OPTIONS)

benchmark: install
	$(BIN)/python -m validation.benchmarks

clean:
	rm -rf results results-quick build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o -type d -name __pycache__ -exec rm -rf {} +
