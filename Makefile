# `make run`, and three tiers of checks: `make check`, `make test`, `.ci/run`. Each does all of its set-up in .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# A file's tests stay together, for they share what they set up. More processes than cores (WORKERS=4) end sooner on a
# machine that does nothing else, and make waits longer.
WORKERS ?= 3
PARALLEL := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# Tests start hundreds of Python programs, each of which would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run check quick test everything lint format lock schema rules peers variants clean help docs changelog dist install-lines

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: .venv/.installed-run  ## measure the reference agent on both engines and report (ARGS="--tasks 30")
	$(BIN)/durameter run $(ARGS)

check: .venv/.installed-dev  ## tier 1: lint, types, import rules, and every test that needs no server and is quick
	@$(MAKE) --no-print-directory --jobs 2 lint quick

quick: .venv/.installed-dev
	$(BIN)/pytest --quiet --numprocesses 3 --dist loadfile --hypothesis-profile quick \
	  -m "not servers and not long and not slow" $(ARGS)

test: .venv/.installed-dev lint  ## tier 2: lint, and the tests on real servers of both engines
	$(BIN)/pytest $(PARALLEL) -m "not slow" $(ARGS)

everything: .venv/.installed-dev lint  ## tier 3, as .ci/run runs it: the slow ones too
	$(BIN)/pytest $(PARALLEL) $(ARGS)

lint: .venv/.installed-dev  ## what CI checks besides the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.installed-dev  ## let the formatter write
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/.installed-dev  ## resolve the dependencies anew (asks the package index)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra all \
	  -o requirements/run.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev \
	  -c requirements/run.txt -o requirements/dev.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  -o requirements/build.txt requirements/build.in
	for each in docs release; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    -c requirements/run.txt -c requirements/dev.txt -o requirements/$$each.txt requirements/$$each.in || exit 1; \
	done

.venv/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "Python 3.11 or newer is needed, this is %d.%d: make PYTHON=python3.11 ..." % v[:2])'
	$(PYTHON) -m venv .venv || { echo "No venv could be made. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# The build backend is pinned as well, hence no build isolation.
.venv/.installed-run: requirements/run.txt requirements/build.txt pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed-dev: requirements/dev.txt .venv/.installed-run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

clean:  ## remove the environment and the caches in this folder (not measurements)
	rm -rf .venv .venv-docs build site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

rules: .venv/.installed-dev  ## write the pages of the rulebooks anew
	$(BIN)/durameter rules temporal --markdown > docs/rules-temporal.md
	$(BIN)/durameter rules inngest --markdown > docs/rules-inngest.md

peers: .venv/.installed-dev  ## write docs/peers.md anew: every scenario on a server, some minutes
	$(BIN)/python tests/peers/make_table.py

variants: .venv/.installed-dev  ## measure every variant of the reference agent beside the default, ten minutes
	$(BIN)/python benchmarks/variants.py

schema: .venv/.installed-dev  ## write the JSON Schema of measurement.json anew
	$(BIN)/python -c 'import json; from durameter.results.model import json_schema as s; print(json.dumps(s(), indent=2))' \
	  > harness/durameter/results/measurement.schema.json

install-lines: .venv/.installed-dev  ## write the install lines of docs/install.toml into the pages
	$(BIN)/python tests/docs/install_lines.py

# The site and the changelog have an environment of their own: nobody who only runs or tests needs it.
DOCS := .venv-docs/bin

.venv-docs/.installed: requirements/docs.txt
	@test -x $(DOCS)/python || $(PYTHON) -m venv .venv-docs
	$(DOCS)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@

docs: .venv-docs/.installed  ## build the documentation as a site in site/, strictly
	NO_MKDOCS_2_WARNING=1 $(DOCS)/mkdocs build --strict --quiet $(ARGS)

changelog: .venv-docs/.installed  ## show what the fragments in changelog.d/ come to (VERSION=0.2.0 writes it and removes them)
ifdef VERSION
	$(DOCS)/towncrier build --yes --version $(VERSION)
else
	$(DOCS)/towncrier build --draft --version unreleased
endif

# The wheel is built from what the sdist holds, so that a file which the sdist lacks is noticed.
dist: .venv/.installed-run  ## build the sdist and the wheel in dist/
	rm -rf dist build/sdist && mkdir -p build/sdist
	$(BIN)/python -m hatchling build -t sdist -d dist
	tar -xzf dist/durameter-*.tar.gz -C build/sdist --strip-components 1
	cd build/sdist && ../../$(BIN)/python -m hatchling build -t wheel -d ../../dist
