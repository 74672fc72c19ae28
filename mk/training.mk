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

.PHONY: train
train: ## all shipped models, from MEDIA=dir: hours on two cores, see training/README.md for both kinds of machine
	$(MAKE) train-fakes
	$(MAKE) train-voice
	$(MAKE) train-separation
	$(MAKE) train-likeness

# Settings of the shipped models. Processor: the defaults, one thread. GPU: DEVICE=cuda, more mixes a step, wall time.
DEVICE ?= cpu
MINUTES ?= 36
BATCH ?= $(if $(filter cuda,$(DEVICE)),32,8)
TRAIN := PYTHONPATH=.:shared $(TRAINING)/bin/python -W ignore -m

.PHONY: train-separation
train-separation: $(TRAINING)/.ready ## the separator, measured and with its card: MEDIA=dir [MINUTES=36] [DEVICE=cuda BATCH=32]
	$(TRAIN) training.separation all $(if $(MEDIA),--media "$(MEDIA)") --minutes $(MINUTES) --batch $(BATCH) --device $(DEVICE)

# ---- the encoder of voices ------------------------------------------------------------------------------
# One thread: 15 minutes to make the pool, then two runs of 6 and 15 processor minutes (or LIKENESS_MINUTES of a GPU,
# which is found by itself: then one run, larger batches). SINGERS: a folder of singers for the error table.
LIKENESS := OMP_NUM_THREADS=1 $(TRAIN) training.likeness
LIKENESS_OPTIONS = --media "$(MEDIA)" --build build/likeness
SINGERS ?=
LIKENESS_MINUTES ?=

.PHONY: train-likeness
train-likeness: $(TRAINING)/.ready ## the encoder of voices, its cohort, calibration and card: MEDIA=dir [SINGERS=dir] [LIKENESS_MINUTES=15 on a GPU]
	$(LIKENESS) pool $(LIKENESS_OPTIONS)
ifeq ($(LIKENESS_MINUTES),)
	$(LIKENESS) train $(LIKENESS_OPTIONS) --device cpu --part noises --part recorded --minutes 6
	cp build/likeness/weights.pt build/likeness/first.pt
	$(LIKENESS) train $(LIKENESS_OPTIONS) --device cpu --start build/likeness/first.pt --minutes 15 --rate 2e-3 --seed 2
else
	$(LIKENESS) train $(LIKENESS_OPTIONS) --people 192 --minutes $(LIKENESS_MINUTES)
endif
	$(LIKENESS) finish $(LIKENESS_OPTIONS) $(if $(SINGERS),--singers "$(SINGERS)")

# ---- the learned voice detector -------------------------------------------------------------------------
# Fakes and their real counterparts (make train-fakes writes them), and the folder of media for the unseen test.
# Not FAKES, which the benches take for folders of published fakes.
MADE ?= build/fakes
VOICE_CHAINS ?= 2

.PHONY: train-voice
train-voice: $(TRAINING)/.ready ## the learned voice detector from MADE=dir, tested on MEDIA=dir
	OMP_NUM_THREADS=1 PYTHONPATH=. $(TRAINING)/bin/python -m training.synthesis.voice --index "$(MADE)/index.csv" \
		$(if $(MEDIA),--media "$(MEDIA)") --out shared/rightscan/models/shipped \
		--chains $(VOICE_CHAINS) --report build/voice/figures.json

# ---- fakes ---------------------------------------------------------------------------------------------
# Fakes of every vocoder family and their real counterparts; see training/README.md. They stay out of git.
# Minutes of processor (or GPU) for all decoders together, and clips per split; 0 is all.
BUDGET ?= 45
VOICE_CLIPS ?= 40
MUSIC_CLIPS ?= 20
.PHONY: train-fakes
train-fakes: $(TRAINING)/.ready ## decoders trained on sound of clear licence, and what they make; MEDIA=dir BUDGET=minutes
	$(TRAIN) training.synthesis.fakes --out $(MADE) $(if $(MEDIA),--media "$(MEDIA)")
	$(TRAIN) training.synthesis.decoders --out $(MADE) \
		$(if $(MEDIA),--media "$(MEDIA)") --budget $(BUDGET) --n $(VOICE_CLIPS) --n-music $(MUSIC_CLIPS)
