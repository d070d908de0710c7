# Short names for what the README describes. `make run` and `make test` need nothing but git, make,
# Python 3.11 or newer and a package registry.
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
# The study that report, city and the claims' targets are about: its config, and files laid over it.
CONFIG ?= config.yaml
# Of `make faults`: the study is `plain` or `asked`.
FAULTS ?= 300
SEED ?= 1
STUDY ?= plain
# Asked for once, where it is needed: what is wrong with the config is told there.
RESULTS = $(eval RESULTS := results/$(shell $(BIN)/python tools/study_name.py $(CONFIG)))$(RESULTS)

.PHONY: run subset subset-crops phone rehearsal bench city report check-claims record-claims refresh-claims manual picture page wheel test slurm cluster faults fuzz lint format lock nncodec clean

# The whole study on the embedded cities; the table of its first model comes first.
run: $(INSTALLED)
	$(SNAKEMAKE) --prioritize tabulate_preview

# The study on the real photographs.
subset: $(INSTALLED)
	$(SNAKEMAKE) --configfile config/subset.yaml

# Its network again, rounded on four times as many crops.
subset-crops: $(INSTALLED)
	$(SNAKEMAKE) --configfile config/subset.yaml config/subset-crops.yaml

# A network for phones on the same photographs.
phone: $(INSTALLED)
	$(SNAKEMAKE) --configfile config/phone.yaml

# All jobs of the study `paper` on stand-ins for its data and weights, in the folder `rehearsal`:
# docs/paper.md. A rehearsal that was ended goes on.
rehearsal: $(INSTALLED)
	PYTHONPATH="$(CURDIR)" $(BIN)/python tests/rehearse.py --cores $(CORES) $(if $(OPTIONS),-- $(OPTIONS))

# Other coders on the same models and photographs: results/subset/rivals.md. What the subset study
# has not made yet is made first.
bench: $(INSTALLED) nncodec
	$(SNAKEMAKE) rivals --configfile config/subset.yaml

# A city for a browser, of a study that has run or is made first: `pocketvlad serve` shows it.
city: $(INSTALLED) page
	$(SNAKEMAKE) city --configfile $(CONFIG)

# One HTML file of a study that has run: make report CONFIG=config/subset.yaml
report: $(INSTALLED)
	@test $(RESULTS) != results/
	@for file in table.csv speed.csv answer.rst; do test -f $(RESULTS)/$$file || { echo "$(RESULTS)/$$file is missing: run the study first ($(SNAKEMAKE) --configfile $(CONFIG))" >&2; exit 1; }; done
	$(SNAKEMAKE) $(RESULTS)/city_fragment.html --configfile $(CONFIG)
	$(SNAKEMAKE) --configfile $(CONFIG) --report $(RESULTS)/report.html --report-stylesheet report/style.css

# Holds a study's results against tests/expected.
check-claims: $(INSTALLED)
	$(BIN)/python tools/claims.py check $(CONFIG)

# Keeps what each training of this machine's results came to: tolerances are computed from these.
record-claims: $(INSTALLED)
	$(BIN)/python tools/claims.py record $(CONFIG) $(if $(SERIES),--series "$(SERIES)") $(if $(MACHINE),--machine "$(MACHINE)")

# After a deliberate change: what the results say becomes the claim, here and in the README.
refresh-claims: $(INSTALLED)
	$(BIN)/python tools/claims.py refresh $(CONFIG) $(if $(TIME),--time "$(TIME)") $(if $(HARDWARE),--hardware "$(HARDWARE)")

# The page on every key of a config, from the declarations.
manual: $(INSTALLED)
	$(BIN)/python -m pocketvlad.study.manual docs/config.md

# The picture that the README begins with, once `phone` has run: its models, and those of `subset`
# and `subset-crops` if these have run here. Until then it is results/subset/plots/size.svg.
picture: $(INSTALLED)
	$(SNAKEMAKE) results/phone/plots/studies.svg --configfile config/phone.yaml
	cp results/phone/plots/studies.svg docs/size.svg

# The page that city folders have, built into the package: it needs Node.js 20 or newer and npm.
page: pocketvlad/page/index.html

pocketvlad/page/index.html: $(shell find page/src -type f) page/build.js page/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer to build the page" >&2; exit 1; }
	cd page && npm ci --no-audit --no-fund --ignore-scripts --silent
	cd page && npm run --silent check && npm run --silent build -- ../pocketvlad/page
	touch $@

# The library and its command for another environment: pip install 'dist/pocketvlad-0.1.0-py3-none-any.whl[torch]'
# With the page in it: who installs the wheel needs no Node.js.
wheel: $(INSTALLED) page
	rm -rf build
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	rm -rf build

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(CORES) --no-loadscope-reorder

# Faults injected into a small study, by kind: docs/faults.md.
faults: $(INSTALLED)
	OMP_NUM_THREADS=1 PYTHONPATH="$(CURDIR)/tests:$(CURDIR)" \
		$(BIN)/python -m faults --study $(STUDY) --faults $(FAULTS) --seed $(SEED)

# Adds what profiles/slurm needs: docs/cluster.md.
slurm: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --no-deps -r envs/slurm.txt

# A reduced study on a Slurm cluster of three nodes, which the tests start and stop. They need root,
# and Debian's slurm-wlm and munge. ONLY="cities or group" leaves out the tests that take long.
cluster: slurm
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m cluster $(if $(ONLY),-k "$(ONLY)") tests/test_slurm.py

# Search for files that a reader fails on: make fuzz READER=pvlad SECONDS=3600. It goes on where the
# last search ended; what it finds is in the folder fuzz: docs/hostile.md.
READER ?= pvlad
SECONDS ?= 3600
fuzz: .venv-fuzz/installed
	OMP_NUM_THREADS=1 PYTHONPATH="$$(echo "$(CURDIR)"/$(VENV)/lib/python3*/site-packages)" \
		.venv-fuzz/bin/python tests/fuzz/run.py $(READER) $(SECONDS)

# Atheris, beside all that the other environment has.
.venv-fuzz/installed: envs/fuzz.txt $(INSTALLED)
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet -r envs/fuzz.txt
	touch $@

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules workflow
	$(BIN)/snakemake --lint
	$(BIN)/python -m pytest --quiet tests/test_architecture.py

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules workflow

# The stamp is written last: an interrupted installation is done again.
$(INSTALLED): envs/requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "PocketVLAD needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r envs/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

# Exact versions from the short lists envs/*.in, after one was changed.
lock: $(INSTALLED)
	$(BIN)/python -m pip install --quiet uv
	cd envs && for list in requirements nncodec fuzz; do \
		../$(BIN)/uv pip compile --universal --python-version 3.11 --no-annotate \
			--no-header --quiet $$list.in -o $$list.txt || exit 1; done

# The environment of a rival of our file format; it builds a C++ extension.
nncodec: .venv-nncodec/installed

.venv-nncodec/installed: envs/nncodec.txt
	$(PYTHON) -m venv .venv-nncodec
	.venv-nncodec/bin/python -m pip install --quiet -r envs/nncodec.txt
	touch $@

clean:
	rm -rf results/mini logs/mini benchmarks/mini
