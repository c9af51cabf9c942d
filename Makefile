# A thin door: everything behind it is in tox.ini, the Procfile and the packages themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help up test bench lock clean

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

up: $(STAMP) ## run both services here until Ctrl-C
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec honcho start --no-prefix

test: $(STAMP) ## run all that CI runs
	@$(BIN)/tox run $(TOXARGS)

bench: $(STAMP) ## measure this project beside its peers
	@$(BIN)/tox run -e bench

lock: $(STAMP) ## look for newer versions within the ranges of pyproject.toml
	@$(BIN)/python -m pip install --quiet --requirement requirements/tools.txt
	@$(BIN)/uv pip compile --quiet --universal --upgrade pyproject.toml --output-file requirements/run.txt
	@$(BIN)/uv pip compile --quiet --universal --upgrade pyproject.toml --extra otel --group test --group lint --group tox --output-file requirements/dev.txt

clean: ## remove what was built here; the data in .data stays
	rm -rf $(VENV) .tox *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis

# uv takes seconds for what pip takes a minute for; where it does not get at the packages, as behind a
# mirror that only pip's settings name, pip does it.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --constraint requirements/dev.txt uv
	$(UV) --requirement requirements/dev.txt || $(PIP) --requirement requirements/dev.txt
	$(UV) --no-deps --editable . || $(PIP) --no-deps --editable .
	@touch $@
