# One file to start, test and measure genviz. `make help` lists what there is.
PYTHON ?= python3
BIN := .venv/bin
FRONT := genviz/stage/frontend

.PHONY: help app test check front bench assets clean
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

app: .venv/app ## install if need be, start the app and print its address
	@$(BIN)/genviz app

test: .venv/test ## install what tests need, then run all checks and tests
	@$(MAKE) --no-print-directory check front
	$(BIN)/pytest -n 2 --dist loadgroup

check: .venv/test ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

front: .venv/test ## the front end's types, style, tests, and that its build is the committed one
	@scripts/front.sh check

assets: .venv/test ## build the front end into genviz/stage/assets
	@scripts/front.sh build

bench: .venv/test ## measure what must be fast, beside its bound
	$(BIN)/python -m bench

clean: ## remove what was made here
	rm -rf .venv $(FRONT)/node_modules

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "genviz needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv .venv || { echo "Python cannot make virtual environments here: on Debian, apt-get install python3-venv"; rm -rf .venv; exit 1; }

.venv/app: .venv/bin/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/test: .venv/app
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@scripts/chromium.sh
	@touch $@
