# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3.11
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: venv demo test test-apps test-swift test-all lint bench bench-rewrites clean
.DEFAULT_GOAL := demo

venv: .venv/installed

# torch's version pin is satisfied by a local CPU wheel where pip is configured with one, else by the default index.
.venv/installed: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is needed and was not found; install Python 3.11 or name another: make PYTHON=python3.12" >&2; exit 3; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: venv
	$(BIN)/rmpsam-mobile demo --force

test: venv lint
	$(BIN)/pytest -m "not slow and not apps" -n 2 --dist loadfile

# Sample apps and phone link, rung by rung; a rung whose tool cannot be had is reported as skipped, with the reason.
test-apps: venv
	$(BIN)/pytest -q -n 2 --dist loadfile tests/apps tests/test_vectors.py tests/bench/test_host.py tests/bench/test_ios.py

# Real Swift in a folder of Debian 13: root, three minutes and 3.5 GB for the folder, a few more for builds and tests.
test-swift: venv
	RMPSAM_SWIFT=1 $(BIN)/pytest -m apps tests/apps/test_swift_toolchain.py

test-all: venv lint
	$(BIN)/pytest -n 2 --dist loadfile

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: venv
	$(BIN)/python -m benchmarks.eager_against_pte

bench-rewrites: venv
	$(BIN)/python -m benchmarks.rewrites
	$(BIN)/python -m benchmarks.deform_layers

clean:
	rm -rf .venv build dist demo_output *.egg-info
