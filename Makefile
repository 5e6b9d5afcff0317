.PHONY: help install demo test check judges check-aws bench bench-model bench-monitoring bench-drift bench-batch pictures clean
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
SOURCES := functions training monitoring local benchmarks checks cli
ARCHIVE ?= ../shared/data/cifar-bikes/cifar-100-python.tar.gz

help: ## Say what there is.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: .venv/installed ## Install everything, pinned, into .venv.

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 …")'
	@if command -v uv >/dev/null; then \
		{ test -x $(BIN)/python || uv venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv; } && \
		uv pip install --quiet --compile-bytecode --python .venv -r requirements.txt && \
		uv pip install --quiet --python .venv --no-deps -e .; \
	else \
		{ test -x $(BIN)/pip || $(PYTHON) -m venv .venv; } && \
		$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt && \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .; \
	fi
	@touch $@

demo: install ## Run the whole workflow on this machine; ARGS="--dataset cifar100" and others go to `workflow demo`.
	@$(BIN)/workflow demo $(ARGS)

test: install ## Run all tests, offline.
	@$(BIN)/python -m pytest -n 2

check: install ## Lint and type-check.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(SOURCES)
	@$(BIN)/cfn-lint template.yaml training/template.yaml
	@if command -v sam >/dev/null; then sam validate --lint && cd training && sam validate --lint; fi
	@if command -v checkov >/dev/null; then checkov; fi

JUDGES := out/judges
judges: install $(JUDGES)/node_modules/installed ## Judge the state machines by a validator and a second interpreter; needs Node and npm.
	@$(BIN)/python -m tests.judges.scenarios $(JUDGES)/cases.json
	@cd $(JUDGES) && node $(CURDIR)/tests/judges/judge.mjs cases.json

$(JUDGES)/node_modules/installed: tests/judges/package.json tests/judges/package-lock.json
	@mkdir -p $(JUDGES)
	@cp tests/judges/package.json tests/judges/package-lock.json $(JUDGES)
	@cd $(JUDGES) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

check-aws: install ## Let AWS judge the state machines (needs credentials); SMOKE=1 deploys a throwaway copy, which costs money.
	@$(BIN)/python -m checks.aws $(ARGS)

bench: install ## Time the functions: import, cold start, warm calls and their parts.
	@$(BIN)/python -m benchmarks.coldstart

bench-batch: install ## Classify 2,000 images on the local stack and say where the time goes; ARGS="--faults" breaks things meanwhile.
	@$(BIN)/python -m benchmarks.batch $(ARGS)

bench-model: install ## Cross-validate the algorithm beside others on real pixels: ARCHIVE=PATH is a CIFAR-100 archive.
	@$(BIN)/python -m benchmarks.model --archive $(ARCHIVE)

bench-monitoring: install ## Time the report on 10,000 to 100,000 captured records.
	@$(BIN)/python -m benchmarks.monitoring

bench-drift: install ## Drill the drift verdict on real images; ARGS="--archive PATH".
	@$(BIN)/python -m benchmarks.drift $(ARGS)

CHROMIUM ?= chromium
pictures: install ## Draw the pictures of the docs anew; needs Chromium.
	@$(BIN)/workflow demo --out out/pictures
	@$(CHROMIUM) --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-background-networking --no-first-run \
		--window-size=1280,1480 --screenshot=docs/report.png out/pictures/report.html

clean: ## Remove what was installed and what was written.
	rm -rf .venv out .aws-sam
