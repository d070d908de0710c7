# Short names for what the README describes. `make run` and `make test` need nothing but git, make,
# Python 3.11 or newer and a package registry.
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)

.PHONY: run subset test lint format lock clean

# The whole study on the embedded cities.
run: $(INSTALLED)
	$(SNAKEMAKE)

# The study on the real photographs.
subset: $(INSTALLED)
	$(SNAKEMAKE) --configfile config/subset.yaml

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

# The stamp is written last: an interrupted installation is done again.
$(INSTALLED): envs/requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "PocketVLAD needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r envs/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

# Exact versions from the short list envs/requirements.in, after it was changed.
lock: $(INSTALLED)
	$(BIN)/python -m pip install --quiet uv
	cd envs && ../$(BIN)/uv pip compile --universal --python-version 3.11 --no-annotate \
		--no-header --quiet requirements.in -o requirements.txt

clean:
	rm -rf results/mini logs/mini benchmarks/mini
