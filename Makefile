# Two commands on a fresh machine with Python 3.11 and make: `make demo` and `make test`.
# Everything is installed into .venv; nothing has to be there before.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := $(VENV)/.demo

.DEFAULT_GOAL := help
.PHONY: help demo test test-torch test-pythons fuzz interrupts screens lint types docs tutorials bench clean

help:  ## Say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group test --group lint --group docs --group bench
	touch $@

# A demo needs torch and nothing of what the tests, the site and the benchmarks need; where all of
# that is installed already, so is the demo's part.
$(DEMO): pyproject.toml constraints.txt
	@echo "make demo: 1. makes .venv and installs onnxspan, torch, onnx and onnxscript there"
	@echo "              (1 to 3 minutes; 1 GB of disk for a torch of the CPU, 5 GB for one of CUDA);"
	@echo "              2. traces four exports of two small models"
	@echo "              (half a minute) and shows them; 3. leaves a trace and a report in demo/."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --no-input --constraint constraints.txt --editable . --group demo
	touch $@

demo: $(if $(wildcard $(STAMP)),$(STAMP),$(DEMO))  ## Trace real exports of two small models and show the trees
	$(BIN)/onnxspan demo --save demo

test: $(STAMP)  ## Run the tests
	$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

test-torch:  ## Run the tests on another torch, in an environment of its own: TORCH=2.6.0
	@test -n "$(TORCH)" || { echo "say which torch: make test-torch TORCH=2.6.0, or TORCH=newest" >&2; exit 2; }
	$(PYTHON) tests/torch_versions.py $(TORCH) $(if $(REMOVE),--remove) --pytest="-n 2 $(PYTEST_ARGS)"

test-pythons:  ## Run a short part of the tests on the oldest and the newest Python that are here
	$(PYTHON) tests/python_versions.py $(if $(REMOVE),--remove) oldest newest

fuzz: $(STAMP)  ## Give 20 000 damaged traces and flight logs to every command: N=20000
	$(BIN)/python -W ignore tests/fuzzing.py $(or $(N),20000)

interrupts: $(STAMP)  ## Interrupt 1 000 exports of each exporter by signals, traced and untraced: N=1000
	$(BIN)/python tests/interrupting.py $(or $(N),1000)

screens: $(STAMP)  ## Make the docs' pictures of the report anew: needs a Chromium
	$(BIN)/python docs/tools/screens.py

lint: $(STAMP)  ## Check style, formatting and which part imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)  ## Check types
	$(BIN)/mypy

docs: $(STAMP)  ## Build the site, strictly, into site/
	$(BIN)/python docs/tools/attributes.py --check
	$(BIN)/python docs/tools/compatibility.py --check
	$(BIN)/python docs/tools/contributing.py
	$(BIN)/python docs/tools/atlas/build.py
	$(BIN)/python docs/tools/live.py
	$(BIN)/zensical build --strict --clean
	$(BIN)/python docs/tools/links.py

tutorials: $(STAMP)  ## Run every page's code and write the shown outputs anew
	$(BIN)/python docs/tools/pages/pages.py

bench: $(STAMP)  ## Measure the overhead; prints the table that the docs show
	$(BIN)/python benchmarks/overhead.py

clean:  ## Remove what was built, the environment included
	rm -rf $(VENV) .venv-torch-* .venv-python-* demo site .pytest_cache .mypy_cache .ruff_cache
