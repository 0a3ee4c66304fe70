# Everything one does with Samvirke. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help run test long matrix letters check style types demo token contracts lock bench bench-orders bench-letters bench-ocds clean
PYTHON ?= python3
BIN := .venv/bin

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Samvirke needs Python 3.11 or newer; name one with PYTHON=…")'
	@echo "Installing into .venv (about a minute the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

run: .venv/installed ## start everything with real data, print where to click; Ctrl-C stops it
	@$(BIN)/python -m services run

test: .venv/installed ## run all checks and all tests
	@$(MAKE) --no-print-directory --jobs 2 types style tests/clients/node_modules tests/clients/python/.venv .ubl
	@$(BIN)/python -m pytest --numprocesses 2

long: .venv/installed ## ten times as many random steps against the ceilings (about twenty minutes)
	@SAMVIRKE_LONG=10 $(BIN)/python -m pytest tests/agreements/test_every_ceiling.py

matrix: .venv/installed ## who may do what: every operation by every role and relation (some minutes)
	@WHOLE_MATRIX=1 $(BIN)/python -m pytest tests/permissions --numprocesses 2

letters: .venv/installed ## ten thousand letters on SvarUT's bad day, with fifty workers killed (about twenty minutes)
	@SAMVIRKE_LETTERS=10000 SAMVIRKE_KILLS=50 $(BIN)/python -m pytest tests/integration/test_a_bad_day.py

check: style types ## style, types and who may import whom

style: .venv/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: .venv/installed
	@$(BIN)/mypy

tests/clients/node_modules: tests/clients/package-lock.json
	@if command -v npm >/dev/null; then cd tests/clients && npm ci --silent --no-audit --no-fund && touch node_modules; \
	else echo "No npm here: the tests with foreign clients will say so and be skipped"; fi

tests/clients/python/.venv: tests/clients/python/requirements.txt
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@ || { rm -rf $@; \
	  echo "Authlib could not be installed: the tests with it will say so and be skipped"; }

.ubl: tests/clients/ubl.txt | .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target $@ -r $< && touch $@ \
	  || { rm -rf $@; echo "The schemas of UBL could not be installed: the tests with them will say so and be skipped"; }

demo: .venv/installed ## tell five stories against the running services, from an order to a mini-competition
	@$(BIN)/python -m services demo

token: .venv/installed ## print an access token of Brønnøy kommune from the running sandbox
	@$(BIN)/python -m services token

contracts: .venv/installed ## write each service's openapi.json anew
	@$(BIN)/python -m services contracts

lock: .venv/installed ## renew requirements.lock and that of the foreign clients (needs uv)
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --python-version 3.11 --universal --group dev pyproject.toml -o requirements.lock
	cd tests/clients/python && uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --python-version 3.11 --universal requirements.in -o requirements.txt

bench: .venv/installed ## measure at design size, beside limits and peers (needs wrk and npm; about a quarter of an hour)
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.growth
	@$(BIN)/python -m bench.tokens

bench-orders: .venv/installed ## a million orders before the next, 100,000 at once, 10,000 keys repeated (about an hour)
	@$(BIN)/python -m bench.orders
	@$(BIN)/python -m bench.flood
	@$(BIN)/python -m bench.repeats

bench-letters: .venv/installed ## the worker beside the bare adapter, 100,000 queued letters, a killed worker (about ten minutes)
	@$(BIN)/python -m bench.letters

bench-ocds: .venv/installed ## open data of 10,000 call-offs: time and memory (about two minutes)
	@$(BIN)/python -m bench.ocds

clean: ## remove the environment; data in .samvirke stays
	rm -rf .venv tests/clients/node_modules tests/clients/python/.venv .ubl
