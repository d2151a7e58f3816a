# The four main commands, the same here and in CI: setup, run, test, check.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help docs reference release-check page schemas setup run clean clean-all clean-run test test-workers histories proof check audit fuzz lock psql try crm story change airflow pictures bench clients

PY := .venv/bin/python
STAMP := .venv/.installed
WORKERS_FLAG := $(if $(WORKERS),--workers $(WORKERS))
WAIT_FLAG := $(if $(filter 0 no,$(WAIT)),no,$(if $(WAIT),yes,auto))

# without byte code every process compiles the project again, and pytest rewrites every test
unexport PYTHONDONTWRITEBYTECODE

# on Ctrl-C the shell waits for Python, which stops everything; its exit status 130 is no error of make
UNTIL_CTRL_C := trap : INT TERM HUP;
AFTERWARDS := status=$$?; [ $$status -eq 130 ] || exit $$status

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(STAMP) ## make .venv from requirements.lock

$(STAMP): requirements.lock scripts/setup
	@sh scripts/setup

run: $(STAMP) ## start the stack and run the export (WAIT=0: end after the table; WORKERS=2: this many Celery workers)
	@$(UNTIL_CTRL_C) $(PY) -m local_stack run --wait $(WAIT_FLAG) $(WORKERS_FLAG); $(AFTERWARDS)

clean-run: $(STAMP) ## the same, after make clean
	@$(PY) -m local_stack clean > /dev/null
	@$(UNTIL_CTRL_C) $(PY) -m local_stack run --wait $(WAIT_FLAG) $(WORKERS_FLAG); $(AFTERWARDS)

clean: $(STAMP) ## delete everything that make run has created on this machine except .venv
	@$(PY) -m local_stack clean

clean-all: clean ## make clean, and delete .venv
	@rm -rf .venv .venv-audit

psql: $(STAMP) ## run psql in the source database of the running stack: make psql [ARGS="-c 'select 1'"]
	@$(PY) -m local_stack psql $(ARGS)

test: $(STAMP) ## run all tests
	@$(PY) -m pytest -n 4 --dist loadfile --no-loadscope-reorder

# a single one: make proof PROOF=tests/include/export/tasks/test_race.py
PROOF ?= tests/include/export/tasks/test_kills.py \
	tests/include/export/bulk/test_kills_bulk.py \
	tests/include/export/tasks/test_http_faults.py \
	tests/include/export/source/test_source_faults.py \
	tests/include/export/tasks/test_record_faults.py \
	tests/include/export/tasks/test_concurrency.py \
	tests/include/export/tasks/test_race.py \
	tests/include/export/tasks/test_memory.py
proof: $(STAMP) ## run the fault tests at full length: kills, HTTP faults, races, memory (half an hour)
	@$(PY) -m pytest --whole -v $(PROOF)

test-workers: $(STAMP) ## run the test with two Celery workers, killed and restarted (15 minutes; needs redis-server)
	@$(PY) -m pytest --whole -v tests/acceptance/test_celery_workers.py

N ?= 3000
histories: $(STAMP) ## run random histories against the product's code: make histories N=100000 [FROM=seed]
	@PYTHONPATH=.:plugins:tests/support $(PY) -m histories $(N) $(FROM)

clients: ## install jsforce and the sf CLI for the sandbox's tests (needs npm; without them those tests are skipped)
	@sh scripts/setup-javascript

schemas: $(STAMP) ## write the JSON Schemas of stream files and alerts.yaml
	@for name in stream alerts; do \
		PYTHONPATH=.:plugins $(PY) -m crm_export schema $$name > schemas/$$name.schema.json || exit 1; \
	done

docs: $(STAMP) ## build the documentation site into .site/html
	@$(PY) scripts/docs_site.py

reference: $(STAMP) ## write the reference pages that are generated from the code
	@PYTHONPATH=.:plugins $(PY) scripts/reference_pages.py

page: ## build the CRM Export page from plugins/crm_export/page/frontend (needs npm)
	@sh scripts/build-page

bench: $(STAMP) ## run the benchmarks (ONLY="limit peers" ROWS=100000 ROUNDS=5 LARGE=1)
	@$(PY) -m benchmarks $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(LARGE),--large) $(if $(ONLY),--only $(ONLY))

check: $(STAMP) ## run ruff, mypy, import-linter, and check words and links
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@PYTHONPATH=.:plugins .venv/bin/lint-imports
	@$(PY) scripts/words.py
	@$(PY) scripts/links.py

try: $(STAMP) ## try one record: make try STREAM=campaigns KEY=CMP_000025
	@$(PY) -m local_stack try "$(STREAM)" "$(KEY)"

crm: $(STAMP) ## run a command of python -m crm_export against the running stack: make crm ARGS="status"
	@$(PY) -m local_stack crm $(ARGS)

story: $(STAMP) ## run a story against the running stack: make story N=1
	@$(PY) -m local_stack story $(N)

change: $(STAMP) ## touch 100 source rows of the running stack
	@$(PY) -m local_stack change

airflow: $(STAMP) ## run an airflow command against the running stack: make airflow ARGS="dags test CRMExport"
	@$(PY) -m local_stack airflow $(ARGS)

pictures: $(STAMP) ## take the README's pictures from the running stack (needs a Chromium)
	@$(PY) -m local_stack pictures

fuzz: $(STAMP) ## send 20,000 rows of random values through both transports and compare each field: make fuzz ROWS=20000 SEED=1
	@FUZZ_ROWS=$(or $(ROWS),20000) FUZZ_SEED=$(or $(SEED),20261125) $(PY) -m pytest -q tests/include/export/source/test_column_sql.py -k random_rows

release-check: $(STAMP) ## run every check of a release, one after the other: make release-check [ONLY="check docs"] (hours)
	@$(PY) scripts/release_check.py $(ONLY)

audit: $(STAMP) ## check the locked packages for known vulnerabilities, and our own code with bandit
	@$(PY) scripts/audit.py

lock: $(STAMP) ## write the lock files from requirements-{local,audit,docs}.in, for Python 3.11 to 3.13
	@for name in requirements-local.in:requirements.lock requirements-audit.in:requirements-audit.lock requirements-docs.in:requirements-docs.lock; do \
		$(PY) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-emit-find-links --no-strip-extras --custom-compile-command "make lock" "$${name%%:*}" -o "$${name##*:}" || exit 1; \
	done
