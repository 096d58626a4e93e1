# Every target sets up by itself: .venv is made once, with uv, and again when pyproject.toml changes.
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What to install beyond the core; on a machine without a GPU, UV_TORCH_BACKEND=cpu saves gigabytes.
EXTRAS ?= all
ARGS ?=

.PHONY: help compare paper replay atlas budgets psi gallery test lint bench bench-scale clean

help:
	@echo "make compare   the main job: kappa-guided search against TPE on MNIST, in 5 minutes; ARGS='--help'"
	@echo "make paper     the paper checked: docs/paper.md and its figures, from the recorded runs"
	@echo "make replay    samplers and pruners on the recorded runs: docs/replay.md, docs/pruning.md"
	@echo "make atlas     how the best rate moves in families of small tasks: docs/atlas.md"
	@echo "make budgets   what N full runs buy, with and without a search: docs/budgets.md"
	@echo "make psi       the rate as a function of loss and progress, beside schedules: docs/psi.md"
	@echo "make gallery   every figure with its code: docs/gallery.md; needs Chromium"
	@echo "make test      all tests"
	@echo "make lint      ruff and mypy"
	@echo "make bench     speed, side by side"
	@echo "make bench-scale   many workers: rates given twice, kills, size, damage; docs/scale.md"
	@echo "make clean     remove .venv and caches; studies and reports stay"

$(READY): pyproject.toml
	@if command -v uv >/dev/null; then uv venv --quiet --clear --python $(PYTHON) $(VENV); \
	else $(PYTHON) -m venv --clear $(VENV) && $(BIN)/python -m pip install --quiet uv; fi
	PATH="$(CURDIR)/$(BIN):$$PATH" uv pip install --quiet --python $(BIN)/python -e '.[$(EXTRAS)]'
	@touch $@

compare: $(READY)
	$(BIN)/python -m studies.compare $(ARGS)

replay: $(READY)
	$(BIN)/python -m studies.replay report $(ARGS)
	$(BIN)/python -m studies.replay report-pruners $(ARGS)

paper: $(READY)
	$(BIN)/python -m studies.paper report $(ARGS)

atlas: $(READY)
	$(BIN)/python -m studies.atlas report $(ARGS)

budgets: $(READY)
	$(BIN)/python -m studies.budgets report $(ARGS)

psi: $(READY)
	$(BIN)/python -m studies.psi report $(ARGS)

gallery: $(READY)
	$(BIN)/python -m studies.gallery $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m studies.bench $(ARGS)

bench-scale: $(READY)
	$(BIN)/python -m studies.scale duplicates $(ARGS)
	$(BIN)/python -m studies.scale chaos --heartbeat 3 $(ARGS)
	$(BIN)/python -m studies.scale growth $(ARGS)
	$(BIN)/python -m studies.scale fuzz $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
