# make demo: a chain over real traffic.  make test: the whole suite.  Needs Python 3.11 or later, with venv and pip.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench clean

help:
	@echo "make demo    make the environment, run firewall, ttl and monitor over captures/mixed.pcap"
	@echo "make test    run all tests and doctests"
	@echo "make lint    ruff, ruff format and mypy --strict"
	@echo "make bench   measure beside C (needs gcc)"
	@echo "make clean   remove what the others made"

# Stamps: each is as old as what it stands for, so that a second run does nothing.
$(BIN)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Wirebrick needs Python 3.11 or later; PYTHON=python3.11 make ... names another one" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(BIN)/.run: $(BIN)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(BIN)/.test: $(BIN)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(BIN)/.run

$(BIN)/.dev: $(BIN)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(BIN)/.run $(BIN)/.test

demo: $(BIN)/.run
	@mkdir -p out
	@echo "wirebrick run firewall:rules=captures/demo.acl ttl monitor:out=out/flows.csv --in captures/mixed.pcap --out out/demo.pcap"
	@echo
	@$(BIN)/wirebrick run firewall:rules=captures/demo.acl ttl monitor:out=out/flows.csv \
	    --in captures/mixed.pcap --out out/demo.pcap
	@echo "flows:  out/flows.csv"

# A file's tests stay in one process: what they compile, and the labs they set up, are made once.
test: $(BIN)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests src

lint: $(BIN)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict

bench: $(BIN)/.run
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
