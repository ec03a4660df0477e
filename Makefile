# What CI calls and what you call are the same. Set PYTHON to use another interpreter.
PYTHON ?= python

.PHONY: all lint types test docs site bench web app
all: lint types test

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest

docs:  # docs/cli.md, from --help
	$(PYTHON) docs/make_cli.py

site:  # the documents as a site, in build/site: python -m http.server -d build/site
	$(PYTHON) docs/make_site.py
	$(PYTHON) -m zensical build --strict --clean

bench:  # pass what you like: make bench WHAT="quality --help"
	$(PYTHON) -m benchmarks.$(WHAT)

app:  # the studio as an app to double-click, in build/app/; see docs/app.md
	$(PYTHON) app/build.py

web:  # the studio's page without a server, in site/; see docs/web.md
	$(PYTHON) web/build.py
