# The commands of this repository; README.md says what they do.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Pictures are large and short-lived: with an arena for each thread, glibc would keep many.
export MALLOC_ARENA_MAX ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
MANAGE := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help run rekognition install install-dev test check scripts lock messages bench mutants screenshots wheel

help:
	@echo "make run      serve the site; the first time this also installs it"
	@echo "make rekognition  serve Rekognition's faces alone, for AWS's own clients on this machine"
	@echo "make install  make the environment alone, in $(VENV)"
	@echo "make install-dev  the same with what the checks and tests use"
	@echo "make test     run the checks and all tests; ARGS='-m \"not browser and not slow\"' for the quick ones"
	@echo "make check    run the checks alone: ruff, mypy, migrations, eslint and tsc"
	@echo "make bench    measure, and print a table"
	@echo "make mutants  see which faults the tests would miss; ARGS='faceauth/odds.py --sample 20' for some of them"
	@echo "make screenshots  picture every page, into screenshots/; ARGS='notebook trash' for those that begin so"
	@echo "make messages collect the sentences for locale/ anew (needs gettext)"
	@echo "make wheel    build the package django-faceauth, into dist/ (needs gettext)"
	@echo "make lock     resolve the dependencies of pyproject.toml anew (needs uv)"

run: install
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) rekognition_collection create --exist-ok > /dev/null
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@exec $(BIN)/gunicorn -c secretly/gunicorn.conf.py

rekognition: install
	@exec $(MANAGE) rekognition_local --accept-any-credentials

install: $(VENV)/installed

install-dev: $(VENV)/installed-dev

test: check
	$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

check: $(VENV)/installed-dev scripts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(MANAGE) makemigrations --check --dry-run

# The site needs no Node; what judges its scripts does.
ifeq ($(shell command -v npm),)
scripts:
	@echo "There is no npm here, so the scripts of the pages were neither linted nor type-checked."
else
scripts: node_modules/.package-lock.json
	npm run --silent check
endif

node_modules/.package-lock.json: package-lock.json
	npm ci --silent --no-audit --no-fund

bench: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks

mutants: $(VENV)/installed-mutation
	@$(BIN)/python -m tools.mutants $(ARGS)

screenshots: $(VENV)/installed-dev
	$(BIN)/python -m secretly.tests.screenshots $(ARGS)

messages:
	$(MANAGE) makemessages -l ar -i .venv -i .ci -i node_modules -i var -i "*/tests/*" --no-wrap --no-obsolete --no-location
	$(MANAGE) compilemessages -l ar -i .venv

wheel: $(VENV)/installed-dev
	@$(BIN)/python -m tools.wheel

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header -q \
		-c requirements.lock -o requirements-dev.lock
	uv pip compile pyproject.toml --group mutation --universal --python-version 3.11 --generate-hashes --no-header -q \
		-c requirements-dev.lock -o requirements-mutation.lock
	uv pip compile pyproject.toml --group bench --universal --python-version 3.11 --generate-hashes --no-header -q \
		-o requirements-bench.lock

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Secretly needs Python 3.11 or newer: install it, then say make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@echo "Making the environment; this takes a minute, once."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Install Python's venv module (Debian: apt install python3-venv)."; exit 1; }

$(VENV)/installed: requirements.lock | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/installed

$(VENV)/installed-mutation: requirements-mutation.lock $(VENV)/installed-dev
	@$(PIP) install --require-hashes -r requirements-mutation.lock
	@touch $@
