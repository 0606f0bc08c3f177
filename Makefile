# Every target but this list makes .venv first, which takes a while only once.

PYTHON := .venv/bin/python
REQUIRE := scripts/require.sh

.DEFAULT_GOAL := help
.NOTPARALLEL: # two cores and shared servers: one thing at a time
.PHONY: help setup demo test test-fast soak bench bench-peers lint protos stack-up stack-down needs-servers

help:
	@echo 'make setup       make .venv with aloft and everything it needs (5.5 GB, usually 2 to 3 minutes)'
	@echo 'make demo        active against random labelling on this machine, live (about 5 minutes)'
	@echo 'make test        everything a change can break, on real servers (usually 8 minutes, the first time 20)'
	@echo 'make test-fast   what needs no server (seconds)'
	@echo 'make soak        the long sweeps'
	@echo 'make bench       what an event and a re-rank of a million images cost, on real servers (10 GB of disk)'
	@echo 'make bench-peers the strategies beside scikit-activeml, small-text and modAL'
	@echo 'make lint        style, types, import contracts, protos, generated code'
	@echo 'make protos      generate services/aloft/api from protos/'
	@echo 'make stack-up    leave Kafka, MinIO, PostgreSQL, TorchServe and Prometheus running, for aloft demo --real'
	@echo 'make stack-down  end them'

setup: .venv/made

.venv/made: pyproject.toml constraints.txt scripts/setup.sh
	@$(REQUIRE) python
	@scripts/setup.sh

needs-servers:
	@$(REQUIRE) python servers

demo: setup
	@.venv/bin/aloft demo

test: needs-servers setup lint
	@$(PYTHON) -m tests.stack fetch
	$(PYTHON) -m pytest -m 'not soak and not bench' -n 2 --dist loadfile --no-loadscope-reorder

test-fast: setup
	$(PYTHON) -m pytest -m 'not soak and not bench and not servers'

soak: needs-servers setup
	@$(PYTHON) -m tests.stack fetch
	$(PYTHON) -m pytest -m soak

bench: needs-servers setup
	@$(PYTHON) -m tests.stack fetch
	@.venv/bin/aloft bench bus --json
	@.venv/bin/aloft bench rerank --json

bench-peers: setup
	@scripts/peers.sh

lint: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	$(PYTHON) scripts/settings_readers.py
	$(PYTHON) scripts/protos.py --check
	$(PYTHON) scripts/contracts.py
	$(PYTHON) scripts/evidence.py --check

protos: setup
	$(PYTHON) scripts/protos.py

stack-up: needs-servers setup
	@$(PYTHON) -m tests.stack fetch
	@$(PYTHON) -m tests.stack up

stack-down: setup
	@$(PYTHON) -m tests.stack down
