# Every target does its own set-up; each is one line a person would type.
PYTHON := .venv/bin/python
NAMES := python3 python3.14 python3.13 python3.12
INSTALL := for each in $(NAMES); do \
	command -v $$each >/dev/null 2>&1 && exec $$each clicksend_portal/run/install.py "$$0"; done; \
	echo "The portal needs Python 3.12 or newer, and there is no python3." >&2; exit 1
# Settings with which nothing is served: for checks that only need them to be complete.
CHECK := set -a && . ./tests/production.env &&

.PHONY: run web services test browser check bench messages clean runtime development

run: runtime
	@$(PYTHON) -m clicksend_portal.run

# Parts of it, for a restore (docs/operations/backup.md): PostgreSQL and Valkey, without or with web.
web services: runtime
	@$(PYTHON) -m clicksend_portal.run $@

test: development
	@$(PYTHON) -m pytest -n 2 --dist worksteal $(ARGS)

# A browser keeps both cores busy by itself; the long stories before it share them. Those of every
# page are told by `make check`.
browser: development
	@$(PYTHON) -m pytest -m "slow and not browser" --ignore tests/architecture -n 2 --dist worksteal $(ARGS)
	@$(PYTHON) -m pytest -m browser $(ARGS)

check: development
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(CHECK) $(PYTHON) -m mypy
	.venv/bin/lint-imports
	.venv/bin/djlint templates --lint --quiet
	$(PYTHON) -m pytest -n 2 --dist worksteal -m "not browser" tests/architecture
	$(CHECK) $(PYTHON) manage.py check
	$(CHECK) $(PYTHON) manage.py check --deploy --fail-level WARNING

bench: development
	@BENCH="$(BENCH)" $(PYTHON) -m bench

# Collects the texts where gettext is installed, and compiles them anywhere.
messages: development
	@if command -v xgettext >/dev/null; then \
		$(CHECK) $(PYTHON) manage.py makemessages --locale nb --no-location --ignore .venv; fi
	@$(PYTHON) -m clicksend_portal.translations

# The data of the embedded services lies outside the checkout, and stays.
clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete

runtime:
	@sh -c '$(INSTALL)' requirements.txt

development:
	@sh -c '$(INSTALL)' requirements-dev.txt
