# Two commands do everything: make site, make test. SECTIONS="tensors classifier" narrows most of them.

PYTHON ?= python3
DEVICE ?= cpu
SECTIONS ?=
RECIPES ?=
SEEDS ?= 5
PORT ?= 8000
RECORDS ?= build/main
FROM ?=
MINUTES ?=
PUBLISH ?=
TORCH ?= newest
ALL ?=
export TUTORIAL_ALL_TESTS := $(ALL)
# The exported pages are run as a reader would who copies everything.
TESTS ?= tests README.md CONTRIBUTING.md build/site/*.md
export DEVICE

ifeq ($(OS),Windows_NT)
  RUN := .venv/Scripts/python
else
  RUN := .venv/bin/python
endif
READY := .venv/ready
# Three at a time on two cores: tests in a browser wait half of the time.
PYTEST = $(RUN) -m pytest -rs -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help install site serve test run snippets machinery browser assemble pictures outputs gpu results
.PHONY: check lint format bench handout lighthouse links upgrade other-torch lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

install: $(READY) ## make .venv and install what is pinned; the other targets do it when needed

$(READY): requirements.txt constraints.txt package.json package-lock.json tutorial/install.py
	@$(PYTHON) -m tutorial.install

$(READY): | same-python

# A .venv whose Python is gone, as after an upgrade of the system, is made anew.
ifeq ($(realpath $(RUN)),)
.PHONY: $(READY)
endif

.PHONY: same-python
same-python:
ifneq ($(origin PYTHON),file)
	@$(PYTHON) -m tutorial.install same
endif

site: $(READY) ## execute what is not current, then build build/site
	@$(RUN) -m tutorial site $(SECTIONS)

serve: $(READY) ## the site on http://127.0.0.1:8000, following what you save (PORT=...)
	@$(RUN) -m tutorial serve --port $(PORT)

test: browser lint check site ## lint; every snippet, every page as a reader would run it, and the machinery
	@$(PYTEST) snippets $(TESTS)

run: $(READY) ## execute what is not current, build nothing
	@$(RUN) -m tutorial run $(SECTIONS)

snippets: run ## execute what is not current, and compare each cell's output with outputs/
	@$(RUN) -m pytest -q $(or $(SECTIONS:%=snippets/%.py),snippets)

machinery: browser ## what `make test` runs beside the snippets, on the site in build/site
	@$(PYTEST) $(TESTS)

browser: $(READY) ## fetch the browser for the tests (BROWSER_PATH: another; NO_BROWSER=1: none)
	@$(RUN) -m tests.browser.install

handout: browser ## print the session of build/site to a PDF, and link to it
	@$(RUN) -m tests.browser.handout

assemble: $(READY) ## build build/site from records made elsewhere, run nothing (PUBLISH=1: no stand-ins)
	@$(RUN) -m tutorial assemble $(if $(PUBLISH),--publish)

pictures: $(READY) ## which pictures differ from those of another run, side by side (RECORDS=its build folder)
	@$(RUN) -m tutorial pictures $(RECORDS)

outputs: $(READY) ## accept the outputs: rewrite outputs/DEVICE/*.txt, marking what varies (FROM=a build folder: run nothing)
	@$(RUN) -m tutorial outputs $(SECTIONS) $(if $(FROM),--records "$(FROM)")

gpu: DEVICE = cuda
gpu: ## write outputs/cuda/*.txt with the torch that PYTHON has (MINUTES=8: results too, ends in time)
	@$(PYTHON) -m tutorial $(if $(MINUTES),gpu --minutes $(MINUTES),outputs $(SECTIONS))

results: $(READY) ## train each recipe with several seeds: outputs/DEVICE/results.json (RECIPES=... SEEDS=5)
	@$(RUN) -m tutorial results $(RECIPES) --seeds $(SEEDS)

check: $(READY) ## compare pages, transcripts and scripts, run nothing
	@$(RUN) -m tutorial check

lint: $(READY) ## ruff: lint and format
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

format: $(READY) ## mend what ruff can
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

bench: $(READY) ## how well two sections use two cores; what a good recipe saves; the preview's delay; a change of prose
	@$(RUN) benchmarks/parallel_sections.py
	@$(RUN) benchmarks/recipes.py
	@$(RUN) benchmarks/preview.py
	@$(RUN) benchmarks/prose.py

lighthouse: $(READY) ## rate the site with Lighthouse, phone and desktop (PAGES="index tensors" RUNS=3)
	@$(RUN) benchmarks/lighthouse.py $(PAGES) --runs $(or $(RUNS),3)

links: site ## list the site's links to elsewhere and, where there is a network, check them
	@$(RUN) -m tutorial.site.links

upgrade: $(READY) ## move the pins to the newest torch pair, run everything, show what changed
	@$(RUN) -m tutorial.install upgrade
	-@$(RUN) -m tutorial outputs
	@git --no-pager diff outputs

other-torch: $(READY) ## install another torch than the pinned one: TORCH=newest or TORCH=nightly
	@$(RUN) -m tutorial.install torch $(TORCH)

lock: $(READY) ## pin anew what the direct requirements bring along
	@$(RUN) -m tutorial.install lock

clean: ## remove what was built; records and downloaded data too
	rm -rf build
