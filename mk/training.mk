# How the shipped models are made. Included by the Makefile.
TRAINING := .venv-training
# The processor build where an index has one; whoever has a GPU installs the build for it: TORCH='torch==2.13.0 --index-url …'.
TORCH ?= torch==2.13.0

.PHONY: setup-training
setup-training: $(TRAINING)/.ready ## an environment with PyTorch and what else makes the models
$(TRAINING)/.ready: requirements/runtime.txt requirements/training.txt
	test -x $(TRAINING)/bin/python || $(PYTHON) -m venv $(TRAINING)
	$(TRAINING)/bin/python -m pip install -q --require-hashes --only-binary=:all: -r requirements/runtime.txt
	$(TRAINING)/bin/python -m pip install -q --require-hashes --prefer-binary -r requirements/training.txt
	$(TRAINING)/bin/python -m pip install -q $(TORCH)
	$(TRAINING)/bin/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@
