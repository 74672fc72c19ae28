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

# ---- the learned voice detector -------------------------------------------------------------------------
# Fakes and their real counterparts (make fakes writes them), and the folder of media for the unseen test.
FAKES ?= build/fakes
VOICE_CHAINS ?= 2

.PHONY: train-voice
train-voice: $(TRAINING)/.ready ## the learned voice detector from FAKES=dir, tested on MEDIA=dir
	OMP_NUM_THREADS=1 PYTHONPATH=. $(TRAINING)/bin/python -m training.synthesis.voice --index "$(FAKES)/index.csv" \
		$(if $(MEDIA),--media "$(MEDIA)") --out shared/rightscan/models/shipped \
		--chains $(VOICE_CHAINS) --report build/voice/figures.json
