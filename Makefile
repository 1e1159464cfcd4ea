# Two commands do everything: make site, make test. SECTIONS="tensors classifier" narrows most of them.

PYTHON ?= python3
DEVICE ?= cpu
SECTIONS ?=
RECIPES ?=
SEEDS ?= 5
PORT ?= 8000
export DEVICE

ifeq ($(OS),Windows_NT)
  RUN := .venv/Scripts/python
else
  RUN := .venv/bin/python
endif
READY := .venv/ready

.PHONY: help install site serve test outputs gpu results labs check lint format bench lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

install: $(READY) ## make .venv and install what is pinned; the other targets do it when needed

$(READY): requirements.txt constraints.txt package.json package-lock.json tutorial/install.py
	@$(PYTHON) -m tutorial.install

site: $(READY) ## execute what is not current, then build build/site
	@$(RUN) -m tutorial site $(SECTIONS)

serve: $(READY) ## the site on http://127.0.0.1:8000, following what you save (PORT=...)
	@$(RUN) -m tutorial serve --port $(PORT)

test: lint site ## lint; every snippet, every page as a reader would run it, and the machinery
	@$(RUN) -m pytest -n 2 --dist loadfile snippets tests README.md CONTRIBUTING.md build/site/*.md

outputs: $(READY) ## accept the outputs of this machine: rewrite outputs/DEVICE/*.txt
	@$(RUN) -m tutorial outputs $(SECTIONS)

gpu: ## run on a GPU with the torch that PYTHON has, and write outputs/cuda/*.txt; installs nothing
	@DEVICE=cuda $(PYTHON) -m tutorial outputs $(SECTIONS)

results: $(READY) ## train each recipe with several seeds: outputs/DEVICE/results.json (RECIPES=... SEEDS=5)
	@$(RUN) -m tutorial results $(RECIPES) --seeds $(SEEDS)

labs: $(READY) ## make the fill-in notebooks, docs/labs/*.ipynb, from snippets/labs/*.py
	@$(RUN) -m tutorial labs

check: $(READY) ## compare pages with scripts, run nothing
	@$(RUN) -m tutorial check

lint: $(READY) ## ruff: lint and format
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

format: $(READY) ## mend what ruff can
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

bench: $(READY) ## how well two sections use two cores; what a good recipe saves; the preview's delay
	@$(RUN) benchmarks/parallel_sections.py
	@$(RUN) benchmarks/recipes.py
	@$(RUN) benchmarks/preview.py

lock: $(READY) ## pin anew what the direct requirements bring along
	@$(RUN) -m tutorial.install lock

clean: ## remove what was built; records and downloaded data too
	rm -rf build
