# Four commands, the same here and in CI: setup, run, test, check.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help docs reference release-check page schemas setup run clean clean-all clean-run test test-workers histories proof check audit fuzz lock psql try crm story change airflow pictures bench clients

PY := .venv/bin/python
STAMP := .venv/.installed
WORKERS_FLAG := $(if $(WORKERS),--workers $(WORKERS))
WAIT_FLAG := $(if $(filter 0 no,$(WAIT)),no,$(if $(WAIT),yes,auto))

# the shell waits for Python, which stops everything on Ctrl-C, and its 130 is not an error of make
UNTIL_CTRL_C := trap : INT TERM HUP;
AFTERWARDS := status=$$?; [ $$status -eq 130 ] || exit $$status

help: ## what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(STAMP) ## make .venv from requirements.lock

$(STAMP): requirements.lock scripts/setup
	@sh scripts/setup

run: $(STAMP) ## the whole stack and the main job (WAIT=0: end with the table; WORKERS=2: that many Celery workers)
	@$(UNTIL_CTRL_C) $(PY) -m local_stack run --wait $(WAIT_FLAG) $(WORKERS_FLAG); $(AFTERWARDS)

clean-run: $(STAMP) ## the same from nothing
	@$(PY) -m local_stack clean > /dev/null
	@$(UNTIL_CTRL_C) $(PY) -m local_stack run --wait $(WAIT_FLAG) $(WORKERS_FLAG); $(AFTERWARDS)

clean: $(STAMP) ## delete everything that make run has made on this machine (.venv stays)
	@$(PY) -m local_stack clean

clean-all: clean ## the same, and .venv
	@rm -rf .venv .venv-audit

psql: $(STAMP) ## psql in the source database of the running stack: make psql [ARGS="-c 'select 1'"]
	@$(PY) -m local_stack psql $(ARGS)

test: $(STAMP) ## the whole suite
	@$(PY) -m pytest -n 2 --dist loadfile

# one of them: make proof PROOF=tests/include/export/tasks/test_race.py
PROOF ?= tests/include/export/tasks/test_kills.py \
	tests/include/export/bulk/test_kills_bulk.py \
	tests/include/export/tasks/test_http_faults.py \
	tests/include/export/source/test_source_faults.py \
	tests/include/export/tasks/test_record_faults.py \
	tests/include/export/tasks/test_concurrency.py \
	tests/include/export/tasks/test_race.py \
	tests/include/export/tasks/test_memory.py
proof: $(STAMP) ## kills at every point, every HTTP fault in both modes, the race, the memory: at full length (half an hour)
	@$(PY) -m pytest --whole -v $(PROOF)

test-workers: $(STAMP) ## two Celery workers, killed and restarted (a quarter of an hour; needs redis-server)
	@$(PY) -m pytest --whole -v tests/acceptance/test_celery_workers.py

N ?= 3000
histories: $(STAMP) ## random histories of the product's code: make histories N=100000 [FROM=seed]
	@PYTHONPATH=.:plugins:tests/support $(PY) -m histories $(N) $(FROM)

clients: ## jsforce and the sf CLI, for the sandbox's tests (needs npm; without them those tests are skipped)
	@sh scripts/setup-javascript

schemas: $(STAMP) ## write the JSON Schemas of stream files and alerts.yaml
	@for name in stream alerts; do \
		PYTHONPATH=.:plugins $(PY) -m crm_export schema $$name > schemas/$$name.schema.json || exit 1; \
	done

docs: $(STAMP) ## build the site of the documents into .site/html
	@$(PY) scripts/docs_site.py

reference: $(STAMP) ## write the reference pages that are made from the code
	@PYTHONPATH=.:plugins $(PY) scripts/reference_pages.py

page: ## build the CRM Export page from plugins/crm_export/page/frontend (needs npm)
	@sh scripts/build-page

bench: $(STAMP) ## what moving rows costs here (ONLY="limit peers" ROWS=100000 ROUNDS=5 LARGE=1)
	@$(PY) -m benchmarks $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(LARGE),--large) $(if $(ONLY),--only $(ONLY))

check: $(STAMP) ## ruff, mypy, import-linter, words, links
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@PYTHONPATH=.:plugins .venv/bin/lint-imports
	@$(PY) scripts/words.py
	@$(PY) scripts/links.py

try: $(STAMP) ## try one record: make try STREAM=campaigns KEY=CMP_000025
	@$(PY) -m local_stack try "$(STREAM)" "$(KEY)"

crm: $(STAMP) ## any command of python -m crm_export against the running stack: make crm ARGS="status"
	@$(PY) -m local_stack crm $(ARGS)

story: $(STAMP) ## run a story against the running stack: make story N=1
	@$(PY) -m local_stack story $(N)

change: $(STAMP) ## touch 100 source rows of the running stack
	@$(PY) -m local_stack change

airflow: $(STAMP) ## any airflow command against the running stack: make airflow ARGS="dags test CRMExport"
	@$(PY) -m local_stack airflow $(ARGS)

pictures: $(STAMP) ## take the README's pictures from the running stack (needs a Chromium)
	@$(PY) -m local_stack pictures

fuzz: $(STAMP) ## 20,000 rows of random values through both transports, compared field by field: make fuzz ROWS=20000 SEED=1
	@FUZZ_ROWS=$(or $(ROWS),20000) FUZZ_SEED=$(or $(SEED),20261125) $(PY) -m pytest -q tests/include/export/source/test_column_sql.py -k random_rows

release-check: $(STAMP) ## all that a release is tried with, part by part: make release-check [ONLY="check docs"] (hours)
	@$(PY) scripts/release_check.py $(ONLY)

audit: $(STAMP) ## known vulnerabilities of the locked packages, and bandit over our own code
	@$(PY) scripts/audit.py

lock: $(STAMP) ## the lock files from requirements-{local,audit,docs}.in, for Python 3.11 to 3.13
	@for name in requirements-local.in:requirements.lock requirements-audit.in:requirements-audit.lock requirements-docs.in:requirements-docs.lock; do \
		$(PY) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-emit-find-links --custom-compile-command "make lock" "$${name%%:*}" -o "$${name##*:}" || exit 1; \
	done
