# The published figures. Included by the Makefile.
ONLY ?=
JSON ?=

.PHONY: bench bench-deps
bench-deps: setup-dev ## what the measurements need: the runtime, and moto for the write units

bench: bench-deps ## speed, memory, size; ONLY=fingerprint|throughput|memory|query|start|writes, JSON=1
	PYTHONPATH=. $(BIN)/python -m bench.figures $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json)
