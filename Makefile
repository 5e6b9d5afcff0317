.PHONY: help install sam demo test fuzz drills mutants check lint types templates judges check-aws bench bench-model bench-monitoring \
	bench-familiarity bench-drift bench-batch bench-costs bench-loop costs pictures notebook lock clean
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
export SAM_CLI_TELEMETRY := 0
SOURCES := functions contracts imaging inference review training monitoring local benchmarks checks cli tests
ARCHIVE ?= ../shared/data/cifar-bikes/cifar-100-python.tar.gz
PHOTOS ?= ../shared/data/photos

help: ## Show this help.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: .venv/installed ## Install everything for development, pinned, into .venv.

# Runs pip's (or uv's) install in an environment, which it creates if need be: $(call install,ENVIRONMENT,ARGUMENTS).
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 …")'
	@if command -v uv >/dev/null; then \
		{ test -x $(1)/bin/python || uv venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(1); } && \
		uv pip install --quiet --python $(1) $(2); \
	else \
		{ test -x $(1)/bin/pip || $(PYTHON) -m venv $(1); } && \
		$(1)/bin/pip install --quiet --disable-pip-version-check $(2); \
	fi
endef

# What the `workflow` command and the local stack need.
.venv/running: requirements.txt pyproject.toml
	$(call install,.venv,-r requirements.txt)
	$(call install,.venv,--no-deps -e .)
	@touch $@

# What tests, checks and benchmarks need on top of that. Compiled at once, as many processes of the tests start at a time.
.venv/installed: export UV_COMPILE_BYTECODE := 1
.venv/installed: .venv/running requirements/dev.txt
	$(call install,.venv,-r requirements/dev.txt)
	@touch $@

# Tools whose requirements conflict with the project's and with each other's.
.venv-%/installed: requirements/%.txt
	$(call install,.venv-$*,-r $<)
	@touch $@

.venv-mutants/installed: requirements.txt requirements/dev.txt requirements/mutants.txt
	$(call install,.venv-mutants,$(addprefix -r ,$^))
	@touch $@

sam: .venv-sam/installed ## Install the SAM CLI, pinned, into .venv-sam.

demo: .venv/running ## Run the whole workflow on this machine; ARGS="--dataset cifar100" are options of `workflow demo`.
	@$(BIN)/workflow demo $(ARGS)

# They often wait, so that three keep two cores busy.
PROCESSES ?= 3
test: install ## Run all tests, PROCESSES=3 at a time; they need no network.
	@$(BIN)/python -m pytest -n $(PROCESSES)

mutants: .venv-mutants/installed ## Change the code in small ways and report which changes no test notices; ARGS="functions.classify.*".
	@nice .venv-mutants/bin/python -m tests.mutants $(ARGS)

check: lint types templates ## Run the linters and type checkers.

lint: install ## Lint the Python code, and check its format.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: install ## Type-check the Python code.
	@$(BIN)/mypy $(SOURCES)

# What `sam build` and `sam local invoke` do first, and `sam validate` doesn't.
export READ_TEMPLATE := import sys; from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider as Stacks; \
	stacks, _ = Stacks.get_stacks(sys.argv[1]); sys.exit(not stacks[0].resources)

templates: install sam .venv-checkov/installed ## Lint both templates by cfn-lint, the SAM CLI and checkov.
	@$(BIN)/cfn-lint template.yaml training/template.yaml
	@for template in template.yaml training/template.yaml; do .venv-sam/bin/sam validate --lint -t $$template || exit; done
	@for template in template.yaml training/template.yaml; do .venv-sam/bin/python -c "$$READ_TEMPLATE" $$template || exit; done
	@.venv-checkov/bin/checkov

JUDGES := out/judges
ACCESSIBLE := tests/unit/review/page/test_accessibility.py tests/unit/monitoring/report/test_accessibility.py
judges: install $(JUDGES)/node_modules/installed ## Check the state machines, the report and the review page by tools of others; needs Node and npm.
	@$(BIN)/python -m tests.judges.scenarios $(JUDGES)/cases.json
	@cd $(JUDGES) && node $(CURDIR)/tests/judges/judge.mjs cases.json
	@AXE=$(CURDIR)/$(JUDGES)/node_modules/axe-core/axe.min.js $(BIN)/python -m pytest $(ACCESSIBLE)

$(JUDGES)/node_modules/installed: tests/judges/package.json tests/judges/package-lock.json
	@mkdir -p $(JUDGES)
	@cp tests/judges/package.json tests/judges/package-lock.json $(JUDGES)
	@cd $(JUDGES) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

FUZZ ?= 20000
fuzz: install ## Decode pictures changed at random, FUZZ=20000 of them, each in bounded time and memory.
	@$(BIN)/python -W ignore -m tests.fuzzing $(FUZZ)

DRILLS ?= 5
drills: install ## Repeat every drill, DRILLS=5 times, and write docs/reliability.md.
	@$(BIN)/python -m tests.drills $(DRILLS)

check-aws: install ## Check the state machines by AWS itself (needs credentials); SMOKE=1 deploys a temporary copy, which costs money.
	@$(BIN)/python -m checks.aws $(ARGS)

bench: install ## Measure the functions: import, cold start, warm calls and their parts.
	@$(BIN)/python -m benchmarks.coldstart

bench-batch: install ## Classify 2,000 images on the local stack and show where the time goes; ARGS="--faults" injects faults.
	@$(BIN)/python -m benchmarks.batch $(ARGS)

bench-model: install ## Cross-validate the algorithm and others on real images: ARCHIVE=PATH of CIFAR-100, PHOTOS=FOLDER.
	@$(BIN)/python -m benchmarks.model --archive $(ARCHIVE) --photos $(PHOTOS)

bench-costs: install ## Measure what an image takes, for `workflow costs`, and refill the docs that use it: PHOTOS=FOLDER of <class>/<image>.
	@$(BIN)/python -m benchmarks.costs --photos $(PHOTOS)
	@$(MAKE) --no-print-directory costs

costs: install ## Refill README's table of costs and docs/scale.md, and redraw docs/costs.png and docs/scale.png.
	@$(BIN)/python -m benchmarks.month
	@$(BIN)/python -m benchmarks.scale

bench-loop: install ## Measure what a person's decisions teach, and redraw docs/loop.png: ARCHIVE=PATH as above, PHOTOS=FOLDER of <class>/<image>.
	@$(BIN)/python -m benchmarks.loop --archive $(ARCHIVE) --photos $(PHOTOS)

bench-familiarity: install ## Measure how unfamiliar images are told apart: ARCHIVE and PHOTOS as above.
	@$(BIN)/python -m benchmarks.familiarity --archive $(ARCHIVE) --photos $(PHOTOS)

bench-monitoring: install ## Measure the report on 10,000 to 100,000 captured records.
	@$(BIN)/python -m benchmarks.monitoring

bench-drift: install ## Benchmark drift detection on real images; ARGS="--archive PATH".
	@$(BIN)/python -m benchmarks.drift $(ARGS)

CHROMIUM ?= chromium
pictures: install ## Redraw the pictures of the docs; needs Chromium.
	@$(BIN)/workflow demo --out out/pictures
	@CHROMIUM=$(CHROMIUM) $(BIN)/python -m tests.report_screenshots out/pictures/report out/pictures/report.html docs/report.png
	@CHROMIUM=$(CHROMIUM) $(BIN)/python -m tests.screenshots out/pictures/review docs/review.png

notebook: install ## Run the notebook, and keep its output and pictures in the file.
	@$(BIN)/python -m tests.notebooks.kernel

# Keeps the pinned versions that still fit; to upgrade a package, delete its line first.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate pyproject.toml
lock: ## Pin the packages that pyproject.toml names, after it has changed; needs uv.
	@mkdir -p out && cat requirements.txt requirements/dev.txt > out/constraints.txt
	@$(COMPILE) --constraints out/constraints.txt --extra local --output-file requirements.txt
	@sed -E 's/^([^=]+==).*/^\1/' requirements.txt > out/running.txt
	@$(COMPILE) --constraints out/constraints.txt --all-extras | grep -vf out/running.txt > requirements/dev.txt

clean: ## Delete what was installed and what was written.
	rm -rf .venv .venv-sam .venv-checkov .venv-mutants out notebooks/out mutants .aws-sam
