# Two commands on a fresh machine with python3 (3.11 or later), a C++ compiler and make:
#   make sweep   compare all five regularizers on MNIST
#   make test    lint, types and tests; make test-clusters those of Dask, Ray and Slurm
# And make bench, two hours: the measurements in benchmarks/README.md.
# All set up .venv first, once.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
CLUSTERS := $(addprefix tests/packs/,test_clusters.py engines/test_contract.py engines/test_slurm.py \
	engines/test_dask.py)
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet
# In a third of pip's time; but it does not know what pip is told of mirrors and certificates.
UV_INSTALL := $(BIN)/uv pip install --python $(BIN)/python --system-certs

.PHONY: sweep test test-clusters bench lowest lock clean

sweep: $(INSTALLED)
	$(BIN)/python -m regsweep -m

test: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m regsweep.data
	-$(BIN)/python -m regsweep.data fashion_mnist
	$(BIN)/python -m pytest -n 2 --dist worksteal $(CLUSTERS:%=--ignore=%)

# On schedulers that they start themselves, and wait for more than they compute.
test-clusters: $(INSTALLED)
	$(BIN)/python -m regsweep.data
	$(BIN)/python -m pytest -n 3 --dist worksteal $(CLUSTERS)

# Everything but `python -m benchmarks.finalists` and `benchmarks.cocktail`, hours each, and the
# GPU's part, benchmarks.gpu.
bench: $(INSTALLED)
	$(BIN)/python -m regsweep.data
	$(BIN)/python -m pytest -m full
	$(BIN)/python -m benchmarks.cost
	$(BIN)/python -m benchmarks.width
	$(BIN)/python -m benchmarks.own
	$(BIN)/python -m benchmarks.framework
	$(BIN)/python -m benchmarks.size
	$(BIN)/python -m benchmarks.engines
	$(BIN)/python -m benchmarks.gather
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.parity
	$(BIN)/python -m benchmarks.looks
	$(BIN)/python -m benchmarks.null
	$(BIN)/python -m benchmarks.effect
	$(BIN)/python -m benchmarks.plateau
	$(BIN)/python -m benchmarks.rows
	$(BIN)/python -m benchmarks.tables

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "regsweep needs Python 3.11 or later; set PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) uv
	$(UV_INSTALL) --compile-bytecode -r requirements.lock || $(PIP_INSTALL) -r requirements.lock
	$(PIP_INSTALL) --no-deps --editable .
	touch $@

# Whether a compiled sweep is right at the lowest versions of pyproject.toml; minutes.
lowest: $(INSTALLED)
	$(BIN)/python tests/lowest_versions.py

# Renews the locked versions within the ranges of pyproject.toml.
lock: $(INSTALLED)
	echo '# Locked versions for every platform; renewed by `make lock`.' > requirements.lock.new
	$(BIN)/uv pip compile --universal --python-version 3.11 --extra dev --upgrade \
		--no-annotate --no-header --no-emit-index-url --quiet pyproject.toml >> requirements.lock.new
	mv requirements.lock.new requirements.lock

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache
