# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
#
# The commands of the project. Each makes the virtual environment .venv first where there is none, or brings it up to
# date where the requirements have changed. Nothing outside this folder is touched.
#   make demo PYTHON=python3.12      another interpreter for a new environment
#   make test ARGS="-m 'not slow'"   arguments for pytest
#   make package ARGS="--model OUT/segmentation/model.pt"

PYTHON ?= python3
ARGS ?=

VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test lint docs bench package

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## make the virtual environment, and nothing else

demo: $(INSTALLED)  ## simulated tissue -> points -> synthesis -> segmenter -> report, in demo_output/
	$(RUN) -m scripts.pipeline demo --output demo_output

# Tests are many small computations: one thread each is fastest, and equal thread counts give equal bits.
test: export OMP_NUM_THREADS ?= 1
test: $(INSTALLED)  ## run all tests
	$(RUN) -m pytest -q $(ARGS)

lint: $(INSTALLED)  ## check style and types
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -m pytest -q tests/zoo

docs: .venv-docs/.installed  ## make the API pages from docstrings, in site/
	.venv-docs/bin/python -m mkdocs build --strict --quiet

bench: $(INSTALLED)  ## time hover maps against MONAI's
	$(RUN) -m scripts.benchmarks hover

package: $(INSTALLED)  ## write the bundle with its weights as a zip file, in dist/
	$(RUN) -m scripts.package bundle $(ARGS)

$(INSTALLED): requirements.txt requirements-dev.txt constraints.txt pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	@echo "Installing into $(VENV): a few minutes the first time"
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement requirements-dev.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv-docs/.installed: requirements-docs.txt constraints.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement $<
	@touch $@
