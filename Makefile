# Two commands for a newcomer: `make demo` and `make test`. Needs Debian, Python 3.11 with venv, and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PORT ?= 8000
TWO_AT_ONCE := $(BIN)/pytest -n 2 --dist loadgroup tests
SQLITE_TESTS := $(TWO_AT_ONCE) -m "not outage and not integration and not slow"
WITH_POSTGIS := $(BIN)/python scripts/private_postgres.py run --
POSTGIS_TESTS := $(TWO_AT_ONCE) -m "not database_free and not outage and not integration and not slow"
INTEGRATION_TESTS := $(BIN)/pytest tests/integration -m integration
OUTAGE_TESTS := $(BIN)/pytest tests -m outage

.PHONY: help demo run test test-slow integration chaos bench check clean
.DEFAULT_GOAL := help

help:  ## shows this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

.venv/.product: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what TerraFusion needs (about a minute) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.tests: .venv/.product requirements-dev.txt
	@echo "Installing what the tests need ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: .venv/.product  ## a county valued in front of you: SQLite, no service, no root
	@$(BIN)/python manage.py demo

run: .venv/.product  ## serves web (PORT, default 8000) and workers until interrupted
	@$(BIN)/python manage.py serve --port $(PORT)

check: .venv/.tests  ## lint, imports, types, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	DJANGO_SETTINGS_MODULE=terrafusion.settings.test $(BIN)/python manage.py makemigrations --check --dry-run

test: check  ## everything, on SQLite and on a private PostgreSQL + PostGIS
	$(SQLITE_TESTS)
	$(INTEGRATION_TESTS)
	$(WITH_POSTGIS) sh -ec '$(POSTGIS_TESTS); $(INTEGRATION_TESTS); $(OUTAGE_TESTS)'

integration: .venv/.tests  ## the contract's flows over HTTP, on a real web server and workers, on both databases
	$(INTEGRATION_TESTS)
	$(WITH_POSTGIS) $(INTEGRATION_TESTS)

test-slow: .venv/.tests  ## what is too long for every run: thousands of damaged files, a load killed at every part; seeded
	$(BIN)/pytest -n 2 tests -m slow -rP

CHAOS := TERRAFUSION_CHAOS=full TERRAFUSION_CHAOS_REPORT=$(CURDIR)/var/chaos.jsonl
chaos: .venv/.tests  ## every failure in full, for an hour and a half, written to bench/results/chaos.md
	@mkdir -p var && rm -f var/chaos.jsonl
	$(CHAOS) $(BIN)/pytest tests/chaos -m "not outage and not slow"
	$(CHAOS) $(WITH_POSTGIS) $(BIN)/pytest tests/chaos
	$(BIN)/python -m tests.chaos.report var/chaos.jsonl bench/results/chaos.md

bench: .venv/.tests  ## accuracy and speed against peers, written to bench/results
	$(BIN)/python -m bench.valuation_king
	$(BIN)/python scripts/private_postgres.py run -- $(BIN)/python -m bench.ingestion
	$(BIN)/python -m bench.jobs
	$(WITH_POSTGIS) $(BIN)/python -m bench.jobs
	$(BIN)/python -m bench.reporting
	$(WITH_POSTGIS) $(BIN)/python -m bench.market_analysis
	$(BIN)/python -m bench.market_data_sets
	$(BIN)/python -m bench.gis_export
	$(WITH_POSTGIS) $(BIN)/python -m bench.gis_export
	$(BIN)/python -m bench.whole_county
	$(WITH_POSTGIS) $(BIN)/python -m bench.whole_county

clean:  ## removes the virtual environment and all local state
	rm -rf .venv var
