# make            build (release)           make test        build and test
# make demo       train a small language model on a text and let it write, and ask a real one; make demo-c: the first in C
# make python     build the Python package; PYTHONPATH=build/python imports it
# make elixir     build the Elixir package into build/elixir; make test-elixir NX=folder: its tests with Nx, whose folder has
#                 nx/ebin, complex/ebin and telemetry/ebin
# make docs       the documentation's site in build/docs/html; what it is made with goes into build/docs/venv
# make manual     write build/manual.md: every Python name, every C function
# make wheel      a wheel in build/wheels, for this Python and this C library or newer ones
# make release    wheels, Debian packages and what belongs to them in build/release-files, checked (docs/packages.md)
# make web        libmlxc for WebAssembly and a page with a language model: build/web/page (docs/packages.md)
# make audit      asks who knows of holes in what this uses
# make bench      measure, beside NumPy, PyTorch and others where installed (BESIDE=their Python)
# make accuracy   write docs/accuracy.md: the error of each function in ULP
# make test FAMILY=reduce                   build and run one family's tests, in seconds
# make test-full  also under sanitizers and the torture build, and longer on random graphs
# make install PREFIX=/usr/local            STATIC=1: libmlxc.a as well; make format, make clean, make setup

PREFIX ?= /usr/local
TEXT   ?= /usr/share/common-licenses/GPL-3
STEPS  ?= 900
SMOL    = build/models/SmolLM2-135M-Instruct.Q4_1.gguf
JOBS   ?= $(shell nproc)
BUILD   = cmake --preset $(1) --log-level=WARNING $(if $(STATIC),-DMLXC_STATIC=ON) && cmake --build build/$(1) -j $(JOBS)
TEST    = $(call BUILD,$(1)) && ctest --preset $(1)

# make test FAMILY=reduce: the programs and Python files whose names have that word, the family's rows of the case table, and
# what they need.
FAMILY_CASES = $(wildcard tests/cases/op_cases_$(FAMILY).c tests/cases/op_cases_$(FAMILY)_*.c)
FAMILY_C  = $(notdir $(basename $(shell find tests -name 'test_*$(FAMILY)*.c' -o -name 'fuzz_*$(FAMILY)*.c'))) \
    $(if $(FAMILY_CASES),test_op_cases)
FAMILY_CLI = $(if $(shell find tests/cli -name 'test_*$(FAMILY)*.py'),mlx_program mlx_fake)
FAMILY_EX = $(if $(filter elixir,$(FAMILY)),mlxc)
FAMILY_PY = $(if $(shell find tests/python -name 'test_*$(FAMILY)*.py'),core)
BUILD_FAMILY = cmake --preset dev --log-level=ERROR > /dev/null && \
    cmake --build build/dev -j $(JOBS) --target $(FAMILY_C) $(FAMILY_PY) $(FAMILY_CLI) $(FAMILY_EX)

.DEFAULT_GOAL = build
.PHONY: setup setup-elixir setup-docs build python elixir test-elixir docs manual wheel release web audit test test-full demo demo-c bench accuracy install format clean

setup:
	@tools/setup.sh

setup-elixir: setup
	@tools/setup.sh elixir

setup-docs: setup
	@tools/setup.sh docs

build: setup
	$(call BUILD,release)

python: setup
	cmake --preset release --log-level=WARNING -DMLXC_PYTHON=ON -DMLXC_PYTHON_DIR=$(CURDIR)/build/python
	cmake --build build/release -j $(JOBS) --target core

elixir: setup-elixir
	cmake --preset release --log-level=WARNING
	cmake --build build/release -j $(JOBS) --target mlxc
	cd bindings/elixir && MIX_HOME=$(CURDIR)/build/elixir/home MIX_BUILD_PATH=$(CURDIR)/build/elixir/lib \
	    MLXC_LIB=$(CURDIR)/build/release ELIXIR_ERL_OPTIONS=+fnu mix compile

test-elixir: elixir
	ERL_LIBS=$(NX) sh bindings/elixir/test/run.sh $(CURDIR)/build/elixir-nx $(CURDIR)/build/release

docs: python elixir setup-docs
	cmake --build build/release -j $(JOBS) --target mlx_program
	python3 tools/docs/build.py build/python build/release/bin/mlx build/docs

manual: python
	python3 tools/docs/make_manual.py build/python include/mlx/c > build/manual.md

wheel: setup
	python3 tools/make_wheel.py build/wheels

release: setup
	python3 tools/release.py build/release-files $(if $(KEY),--key $(KEY)) $(if $(ONLY),--only $(ONLY))

web:
	@tools/setup.sh web
	tools/build_web.sh build/web

audit:
	@python3 tools/audit.py build/audit

ifdef FAMILY
test: setup-elixir
	$(if $(strip $(FAMILY_C) $(FAMILY_PY) $(FAMILY_CLI) $(FAMILY_EX)),,$(error No test is named after $(FAMILY)))
	$(BUILD_FAMILY) && ctest --preset dev --no-tests=error -R '^(python_)?test_.*$(FAMILY)|^(fuzz|check)_.*$(FAMILY)|^$(FAMILY)_package'
	$(if $(FAMILY_CASES),MLX_TEST_SOURCE=$(CURDIR) build/dev/tests/test_op_cases $(FAMILY)/)
else
test: setup-elixir setup-docs
	$(call TEST,dev)
endif

test-full: test
	$(call TEST,release)
	$(call TEST,asan)
	$(call TEST,torture)
	$(call TEST,tsan)
	build/dev/tests/test_graph_fuzz 5000 $$(date +%s)
	tools/test_neon.sh
	tools/check_musl.sh || [ $$? = 77 ]
	tests/package/luck.sh 1 $$(date +%s)
	now=$$(date +%s); tests/package/seeds.sh $$now $$((now + 99))
	MLX_DIFFERENTIAL_CASES=1500 ctest --preset dev -R python_test_differential
	python3 tests/package/check_wheel.py build/wheels
	tests/package/check_debian.sh || [ $$? = 77 ]
	tests/package/check_meson.sh || [ $$? = 77 ]
	tools/build_web.sh build/web && ctest --preset dev -R '^test_web$$' || [ $$? = 77 ]
	tests/package/check_reproducible.sh || [ $$? = 77 ]
	tests/package/check_elixir.sh build/dev || [ $$? = 77 ]
	sh bindings/elixir/test/asan.sh $(CURDIR)/build/asan $(CURDIR)/build/asan || [ $$? = 77 ]
	tests/package/fresh.sh || [ $$? = 77 ]
	$(MAKE) docs

demo: python
	PYTHONPATH=build/python:examples/python python3 -m language.language_model --text $(TEXT) --steps $(STEPS) \
	    --output build/language_model.safetensors
	@MODELS=smollm2 tools/get_models.sh build/models >/dev/null 2>&1 || \
	    echo "no package registry: no model that was trained before is asked"
	@test ! -f $(SMOL) || { set -x; PYTHONPATH=build/python python3 -m mlx generate -m $(SMOL) \
	    -p "What is the capital of France?"; }

demo-c: build
	build/release/examples/language_model $(TEXT) $(STEPS) build/language_model.safetensors

bench: build python
	@if python3 -c 'import numpy' 2>/dev/null; \
	then PYTHONPATH=build/python python3 bench/operations/compare.py $(if $(BESIDE),--python $(BESIDE)); \
	else echo "bench/operations/compare.py needs NumPy"; fi
	build/release/bench/bench_overhead

accuracy: build
	build/release/bench/bench_accuracy > docs/accuracy.md

install: setup
	cmake --preset release --log-level=WARNING
	cmake --build build/release -j $(JOBS) --target mlxc mlx mlx_manual
	cmake --install build/release --prefix $(PREFIX)
	@[ -n "$(DESTDIR)" ] || ldconfig 2>/dev/null || \
	    echo "Run ldconfig as root, or set LD_LIBRARY_PATH, so that programs find the library."

format:
	python3 tools/format.py

clean:
	rm -rf build
