# make demo        train and serve a real model, from nothing
# make test        the whole test suite, but for what needs Docker
# make coverage    the same on the built wheel and the image's Python; tells what was not run
# make test-pythons   a part of it on the other versions of Python that are installed
# make fuzz        damaged bodies of every format, for an hour or so: EXAMPLES=20000 of each
# make test-fidelity  the rest of the matrix of models, data and forms against model.predict
# make soak        the server under load and kills for MINUTES=30, drawn from SEED=1: docs/soak.md
# make test-growth 2,000 models that come and go, with and without kills, leave nothing behind
# make image       the image, as byo:latest
# make test-image  the image, and the tests that need Docker and it
# make sbom        what the image holds, and what is known to be vulnerable in it
# make reproduce   the image twice from nothing, and how the two differ
# make bench       what is measured of serving, beside what others use
# make setup       the first step of most of these: .venv, from locked requirements
# make lint        ruff, mypy, and shellcheck where it is installed
# make notebook    run the quickstart notebook again and keep its outputs
# make notebook-open  the quickstart notebook in a browser; notebook-sdk, notebook-sdk-open: the SDK's
# make guard       compile handler/frontend again; needs a JDK
# make lock        renew the locked requirements
# make clean       remove what setup made

PYTHON ?= python3
MINIMUM := 3.11
# Test files at a time: much of the suite waits, for servers that start or notice something.
WORKERS ?= 2
PARALLEL := -n $(WORKERS) --dist loadfile
# Of make soak.
MINUTES ?= 30
SEED ?= 1
BIN := .venv/bin
UV := .setup/uv/bin/uv
LOCKS := requirements/build.txt requirements/dev.txt requirements/uv.txt
IMAGE ?= byo:latest
# Every version that is supported, and the image's among them; a machine may lack some.
VERSIONS := 3.11 3.12 3.13
IMAGE_VERSION := $(shell sed -n 's/^ARG BASE=python:\([0-9]*\.[0-9]*\).*/\1/p' Dockerfile)
IMAGE_PYTHON ?= $(shell .ci/find_python $(IMAGE_VERSION) || $(PYTHON) -c 'import sys; print(sys.executable)')
MEASURED := .setup/measured
ENVIRONMENT ?= .setup/python
# What is installed apart from the project, each from a lock of its own.
APART := jupyter moto sbom sdk2 sdk3
BENCH := .setup/bench
# What models share of memory depends on the version.
BENCH_PYTHON ?= $(IMAGE_PYTHON)
SBOM := .setup/sbom
JUPYTER := .setup/jupyter
SHELL_SCRIPTS = $(shell git ls-files '*.sh') .ci/run .ci/find_python .ci/class_archive $(wildcard docker/image_commands/*)
# A release that its maintainers withdraw, or did not make, is mostly known for that within days.
# What can't wait: make lock COOL_DOWN="0 days".
COOL_DOWN ?= 7 days
COMPILE := $(UV) pip compile --quiet --universal --python-version $(MINIMUM) --generate-hashes \
	--exclude-newer "$(COOL_DOWN)" --no-emit-index-url --custom-compile-command "make lock"

.PHONY: demo test fuzz test-fidelity test-growth soak coverage test-pythons test-python image test-image sbom reproduce bench setup lint guard notebook notebook-open notebook-sdk notebook-sdk-open lock clean prerequisites
.DEFAULT_GOAL := demo

demo: setup
	@$(BIN)/byo demo

# MEASURE=1 runs the same suite as `make coverage` does.
ifdef MEASURE
test: coverage
else
test: setup
	@$(BIN)/python -m pytest $(PARALLEL) -m "not engine and not fidelity and not hostile" $(TESTS)
endif

# Both run on the built wheel, as users install it; -P keeps the checkout's own packages out of reach.
coverage: $(MEASURED)/done
	@$(call install_wheel,$(MEASURED))
	@site=$$(echo $(MEASURED)/lib/python3.*/site-packages) \
		&& cp tests/measuring/processes.py $$site/measured_processes.py \
		&& echo "import measured_processes" > $$site/measured_processes.pth
	@rm -rf .setup/coverage && mkdir .setup/coverage
	@echo "[coverage] $$($(MEASURED)/bin/python --version), the built wheel"
	@$(MEASURED)/bin/python -P -m pytest --installed $(PARALLEL) -m "not engine and not fidelity and not hostile" $(TESTS)
	@$(MEASURED)/bin/python -m tests.measuring.report $(if $(TESTS),--part) .setup/coverage

test-pythons: $(UV)
	@for version in $(filter-out $(shell $(IMAGE_PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'),$(VERSIONS)); do \
		python=$$(.ci/find_python $$version) || \
			{ echo "[test-pythons] there is no Python $$version here: not tested with it"; continue; }; \
		$(MAKE) --no-print-directory test-python PYTHON=$$python ENVIRONMENT=.setup/python$$version || exit 1; \
	done

test-python: $(ENVIRONMENT)/done
	@$(call install_wheel,$(ENVIRONMENT))
	@echo "[test-pythons] $$($(ENVIRONMENT)/bin/python --version), the built wheel"
	@$(ENVIRONMENT)/bin/python -P -m pytest --installed $(PARALLEL) -m "not engine and not fidelity and not hostile and (portable or not slow)" $(TESTS)

# What fails is shown as a body: keep it as a file of tests/fuzz/corpus, by the name of its format.
EXAMPLES ?= 20000
fuzz: setup
	@BYO_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/fuzz tests/codecs/test_limits.py $(TESTS)

test-fidelity: setup
	@$(BIN)/python -m pytest $(PARALLEL) --dist load -m fidelity tests/fidelity $(TESTS)

soak: setup
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) --seed $(SEED) $(ARGUMENTS)

test-growth: setup
	@BYO_TEST_CYCLES=2000 $(BIN)/python -m pytest -s tests/serving/backend/test_growth.py $(TESTS)

image:
	@docker/build_and_push.sh --no-push $(IMAGE)

test-image: setup
	@if docker version >/dev/null 2>&1; then \
		$(MAKE) --no-print-directory image && \
		BYO_IMAGE=$(IMAGE) $(BIN)/python -m pytest -m engine $(TESTS); \
	else \
		echo "[test-image] skipped: no Docker engine answers (docker version)"; \
	fi

# Fails on what docker/sbom/allowed.toml does not list. Without a network: OSV="PyPI.zip Maven.zip".
sbom: $(SBOM)/done
	@$(SBOM)/bin/python docker/sbom $(IMAGE) dist/sbom.cdx.json $(addprefix --database ,$(OSV))

reproduce:
	@docker/reproducibility/reproduce.sh

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@if command -v shellcheck >/dev/null; then shellcheck $(SHELL_SCRIPTS); \
	else echo "[lint] shellcheck is not installed: the shell scripts were not looked at"; fi

guard: setup
	@$(BIN)/python docker/build_steps/frontend_jar.py $$(echo .venv/lib/python3.*/site-packages/mms/frontend/model-server.jar) \
		handler/frontend/src handler/frontend/guard.jar

notebook: setup
	@$(BIN)/python -m tests.notebooks.execute

notebook-sdk: setup
	@PYTHONPATH=. $$($(BIN)/python -m tests.container.sdk.environments sdk2) \
		-m tests.notebooks.execute notebooks/bring_your_own.ipynb

# $(1): the Python that the cells run in; $(2): the notebook. OPTIONS are for JupyterLab, as --no-browser.
define open_notebook
export JUPYTER_PATH="$(CURDIR)/$(JUPYTER)/kernels/$(2)/share/jupyter" \
	&& $(1) -m ipykernel install --prefix $(JUPYTER)/kernels/$(2) >/dev/null \
	&& exec $(JUPYTER)/bin/jupyter lab $(OPTIONS) $(2)
endef

notebook-open: setup $(JUPYTER)/done
	@$(call open_notebook,$(BIN)/python,notebooks/quickstart.ipynb)

notebook-sdk-open: setup $(JUPYTER)/done
	@$(call open_notebook,$$($(BIN)/python -m tests.container.sdk.environments sdk2),notebooks/bring_your_own.ipynb)

bench: $(BENCH)/done
	@$(BENCH)/bin/python -m benchmarks.serving --output benchmarks/results

$(BENCH)/done: requirements/bench.txt requirements/build.txt $(UV)
	@echo "[bench] $(BENCH), from its locked requirements"
	@$(UV) venv --quiet --clear --no-python-downloads --python "$$($(BENCH_PYTHON) -c 'import sys; print(sys.executable)')" $(BENCH)
	@VIRTUAL_ENV=$(BENCH) $(UV) pip sync --quiet --compile-bytecode --require-hashes \
		--build-constraints requirements/build.txt requirements/bench.txt
	@.ci/class_archive $(BENCH)
	@touch $@

$(SBOM)/done: requirements/sbom.txt $(UV)
	@echo "[sbom] $(SBOM), from its locked requirements"
	@$(UV) venv --quiet --clear --no-python-downloads --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(SBOM)
	@VIRTUAL_ENV=$(SBOM) $(UV) pip sync --quiet --require-hashes requirements/sbom.txt
	@touch $@

$(JUPYTER)/done: requirements/jupyter.txt $(UV)
	@echo "[notebook] $(JUPYTER), from its locked requirements"
	@$(UV) venv --quiet --clear --no-python-downloads --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(JUPYTER)
	@VIRTUAL_ENV=$(JUPYTER) $(UV) pip sync --quiet --require-hashes requirements/jupyter.txt
	@touch $@

# $(1): the environment; $(2): its Python.
define make_environment
echo "[setup] $(1), from locked requirements" \
	&& $(UV) venv --quiet --clear --no-python-downloads --python "$(2)" $(1) \
	&& $(UV) pip sync --quiet --python $(1)/bin/python --compile-bytecode --require-hashes \
		--build-constraints requirements/build.txt requirements/dev.txt \
	&& touch $(1)/done
endef

# $(1): the environment into which the wheel is built and installed.
define install_wheel
rm -rf $(1)/wheel && $(UV) build --quiet --wheel --no-build-isolation --python $(1)/bin/python --out-dir $(1)/wheel . \
	&& $(UV) pip install --quiet --python $(1)/bin/python --no-deps --reinstall-package byo --compile-bytecode $(1)/wheel/*.whl
endef

$(MEASURED)/done: $(LOCKS) $(UV)
	@$(call make_environment,$(MEASURED),$(IMAGE_PYTHON))

$(ENVIRONMENT)/done: $(LOCKS) $(UV)
	@$(call make_environment,$(ENVIRONMENT),$(PYTHON))

setup: .setup/done

.setup/done: $(LOCKS) pyproject.toml $(UV)
	@echo "[setup] .venv from $(words $(LOCKS)) locked requirement files (a minute at first)"
	@$(UV) venv --quiet --clear --no-python-downloads --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	@VIRTUAL_ENV=.venv $(UV) pip sync --quiet --compile-bytecode --require-hashes \
		--build-constraints requirements/build.txt requirements/dev.txt
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@.ci/class_archive .venv
	@touch $@

$(UV): requirements/uv.txt | prerequisites
	@echo "[setup] uv"
	@$(PYTHON) -m venv --clear .setup/uv
	@.setup/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# Each of these is named with the command that installs it, before anything is built.
prerequisites:
	@need() { echo "missing: $$1. Install it: $$2" >&2; exit 1; }; \
	command -v $(PYTHON) >/dev/null || need "Python $(MINIMUM) or newer" "apt-get install python3 python3-venv python3-dev, or make PYTHON=/path/to/python3"; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < tuple(map(int, "$(MINIMUM)".split("."))))' || need "Python $(MINIMUM) or newer ($$($(PYTHON) --version) is too old)" "apt-get install python3, or make PYTHON=/path/to/python3"; \
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || need "Python's venv module" "apt-get install python3-venv"; \
	$(PYTHON) -c 'import sys, sysconfig, os; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' || need "Python's header files (sagemaker-training is compiled)" "apt-get install python3-dev"; \
	command -v cc >/dev/null || command -v gcc >/dev/null || need "a C compiler (sagemaker-training is compiled)" "apt-get install gcc libc6-dev"

# One resolution decides every version; each half is a part of it.
lock: $(UV)
	@$(COMPILE) --upgrade requirements/uv.in --output-file requirements/uv.txt
	@$(COMPILE) --upgrade requirements/build.in --output-file requirements/build.txt
	@$(COMPILE) --upgrade pyproject.toml --all-extras --group dev --build-constraints requirements/build.txt --output-file requirements/dev.txt
	@for name in $(APART); do \
		$(COMPILE) --upgrade requirements/$$name.in --output-file requirements/$$name.txt; \
	done
	@for extra in serve train distributed skops java; do \
		$(COMPILE) pyproject.toml --extra $$extra --constraints requirements/dev.txt --output-file requirements/$$extra.txt; \
	done
	@$(COMPILE) pyproject.toml --extra serve --extra java requirements/bench.in --constraints requirements/serve.txt \
		--constraints requirements/java.txt --build-constraints requirements/build.txt --output-file requirements/bench.txt

clean:
	rm -rf .venv .setup
