# The doors to the project: setup, demo, test, check, bench.
PYTHON ?= python3
BIN := .venv/bin
# A worker per core, one thread each; a file's tests stay together, since they share what they trained. In the order of
# the folders, many small files come last, so that all workers end at about the same time.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
STAMP := .venv/.installed

.PHONY: setup demo test test-slow check bench weights results clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(STAMP)

demo: setup
	$(BIN)/radarode demo --out demo-out --overwrite

test: setup
	$(PYTEST)

test-slow: setup
	$(PYTEST) -m slow

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(PYTEST)

bench: setup
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[bench]"
	$(BIN)/python benchmarks/run.py

# Reproduces the default weights from nothing but the seed (about 25 minutes on 2 idle cores).
weights: setup
	$(BIN)/radarode train runs/default --config default
	cp runs/default/weights/config.json runs/default/weights/weights.safetensors src/radarode/weights/small/

# The table of results in the README (minutes).
results: setup
	$(BIN)/python benchmarks/results.py

clean:
	rm -rf .venv build dist demo-out
