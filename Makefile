# make run     install what is missing into .venv, fill a new database with the built-in course and demo people, serve
# make test    linters, then every test         make check   linters only
# make format  lay the code out                 make lock    renew the locked libraries (requirements/README.md)
# make clean   remove what tools wrote; never the data in instance/

PYTHON ?= python3
PORT ?= 8000
WORKERS ?= 2
PYTEST_ARGS ?=
STRICT ?=
UPGRADE ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
SOURCES := lms courses assessments analytics migrations wsgi.py
FEATURES := lms courses assessments analytics

# Else every program that is started, by tests too, compiles the product anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check format lock clean python

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

# Names what this machine lacks, with the command that mends it, before anything half works.
python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "Missing: $(PYTHON). Mend with: sudo apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Missing: Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)."; \
	  echo "Mend with: sudo apt-get install python3 python3-venv (Debian 12, Ubuntu 24.04 or newer),"; \
	  echo "or name a newer one: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Missing: the modules venv and pip of $(PYTHON). Mend with: sudo apt-get install python3-venv"; exit 1; }

$(BIN)/python: | python
	@echo "Making .venv"
	@$(PYTHON) -m venv --clear .venv

# The locks name everything, so pip resolves nothing (--no-deps): a resolver would reach for a release newer than the
# lock wherever an extra is asked for. The stamps are newer than the locks they were made from, so nothing is downloaded or installed twice.
.venv/run.stamp: requirements/lock.txt | $(BIN)/python
	@echo "Installing the locked libraries into .venv (once; about a minute)"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements/lock.txt
	@touch $@

.venv/dev.stamp: requirements/lock.txt requirements/dev.txt | $(BIN)/python
	@echo "Installing the locked libraries and test tools into .venv (once; about a minute)"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements/lock.txt -r requirements/dev.txt
	@$(PIP) check >/dev/null || { echo "requirements/ lacks something: make lock"; $(PIP) check; exit 1; }
	@touch .venv/run.stamp $@

# Clients of the record store that others wrote, for tests of the group `node`. Where there is no npm, that group is left
# out, aloud, like the other groups. Scripts of packages never run.
NODE_CLIENTS := $(if $(shell command -v npm),tests/node/node_modules/.package-lock.json)

tests/node/node_modules/.package-lock.json: tests/node/package.json tests/node/package-lock.json
	@echo "Installing the locked clients of the record store into tests/node/node_modules (once; some seconds)"
	@cd tests/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

.venv/project.stamp: pyproject.toml .venv/run.stamp
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# LMS_LOCAL: SQLite and a secret of its own under instance/, on this machine only (docs: settings).
run: export LMS_LOCAL = 1
run: export PORT := $(PORT)
run: .venv/run.stamp .venv/project.stamp
	@$(BIN)/lms init
	@$(BIN)/lms demo
	@exec $(BIN)/lms serve --port $(PORT)

# pytest closes by naming each group of tests this machine could not run (tests/groups.py); STRICT=1 makes that a failure,
# and so is a coverage below the floor in pyproject.toml. A choice of tests (PYTEST_ARGS) is not measured.
test: check
	@LMS_TEST_STRICT=$(STRICT) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(if $(STRICT),$(if $(PYTEST_ARGS),,-p tests.measured)) $(PYTEST_ARGS)

# mypy takes longer than all others together, so they run beside it.
check: .venv/dev.stamp .venv/project.stamp $(NODE_CLIENTS)
	@$(BIN)/mypy $(SOURCES) tests benchmarks & types=$$!; \
	$(BIN)/ruff check . && \
	$(BIN)/ruff format --check . && \
	$(BIN)/lint-imports && \
	$(BIN)/djlint --quiet --lint $(FEATURES) && \
	$(BIN)/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive $(SOURCES) && \
	sha256sum --quiet --check requirements/vendored.sha256; \
	others=$$?; wait $$types && exit $$others

format: .venv/dev.stamp
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

lock:
	@command -v uv >/dev/null 2>&1 || { \
	  echo "Missing: uv. Mend with: $(PYTHON) -m pip install uv (in a venv of its own)"; exit 1; }
	@for extra in "lock.txt" "dev.txt --extra dev --constraint requirements/lock.txt"; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --custom-compile-command "make lock   (see requirements/README.md)" $(if $(UPGRADE),--upgrade) \
	    pyproject.toml requirements/build.in --output-file requirements/$$extra >/dev/null || exit 1; \
	done

clean:
	@rm -rf .venv tests/node/node_modules build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache \
	  .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	@find $(FEATURES) migrations tests -name __pycache__ -type d -prune -exec rm -rf {} +
