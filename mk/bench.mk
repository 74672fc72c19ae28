# The published figures. Included by the Makefile.
ONLY ?=
JSON ?=

.PHONY: bench
bench: setup-dev ## speed, memory, size; ONLY=fingerprint|throughput|memory|query|start|writes, JSON=1
	PYTHONPATH=. $(BIN)/python -m bench.figures $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json)

# ---- identification -----------------------------------------------------------------------------------
# Folders of media; without them those below RIGHTSCAN_MEDIA.
MUSIC ?=
NOISE ?=
VOICES ?=
N ?=
SEED ?= 1
# report: music that may have been tuned on is left alone. all: every track is used, for music nobody has tuned on.
HALF ?= report
HARNESS ?=
HOURS ?= 10
SIZES ?= 350,5000,20000
IDENTIFICATION = PYTHONPATH=. $(BIN)/python -m bench.identification
MEDIA_OPTIONS = $(if $(MUSIC),--music "$(MUSIC)") $(if $(NOISE),--noise "$(NOISE)") $(if $(VOICES),--voices "$(VOICES)") \
	$(if $(N),--n $(N)) --seed $(SEED) --half $(HALF)

.PHONY: bench-fingerprint bench-more bench-negatives bench-growth
bench-fingerprint: $(VENV)/.bench ## recall under 31 conditions: MUSIC=dir NOISE=dir VOICES=dir [N=8] [SEED=1] [HALF=report|all] [HARNESS=bench.py]
	$(IDENTIFICATION) $(if $(HARNESS),harness --script "$(HARNESS)",excerpts) $(MEDIA_OPTIONS)

bench-more: $(VENV)/.bench ## the same for codecs, EQ, karaoke, loops, montages, loudspeakers
	$(IDENTIFICATION) more $(MEDIA_OPTIONS)

bench-negatives: $(VENV)/.bench ## false answers in HOURS=10 of programme that is in no catalogue
	$(IDENTIFICATION) negatives $(MEDIA_OPTIONS) --hours $(HOURS)

bench-growth: $(VENV)/.bench ## cost and recall at SIZES=350,5000,20000 recordings
	$(IDENTIFICATION) growth $(MEDIA_OPTIONS) --sizes $(SIZES)

# ---- synthetic sound --------------------------------------------------------------------------------------
# FAKES: a folder of GENERATOR/{real,fake}; without it the folder ai below RIGHTSCAN_MEDIA. WHAT: which parts, N: items of
# a generator or pieces of a kind, ENGINE: module:attribute of another engine.
FAKES ?=
WHAT ?= run long kinds decoders robust cost
ENGINE ?=
SYNTHESIS_REAL = $(if $(MUSIC)$(VOICES)$(NOISE),--real $(if $(MUSIC),"music=$(MUSIC)") $(if $(VOICES),"voices=$(VOICES)") \
	$(if $(NOISE),"noise=$(NOISE)"))
SYNTHESIS_OPTIONS = $(if $(ENGINE),--engine "$(ENGINE)") --seed $(SEED)
SYNTHESIS_run = $(if $(FAKES),"$(FAKES)") $(SYNTHESIS_REAL) $(if $(N),--most $(N))
SYNTHESIS_long = $(SYNTHESIS_run)
SYNTHESIS_robust = $(SYNTHESIS_run) --long 30
SYNTHESIS_kinds = $(SYNTHESIS_REAL) $(if $(N),--n $(N))
SYNTHESIS_decoders = $(if $(N),--n $(N)) $(if $(MUSIC),--music "$(MUSIC)")
SYNTHESIS_cost =

.PHONY: bench-synthesis
bench-synthesis: $(VENV)/.bench ## machine-made sound: FAKES=dir MUSIC=dir VOICES=dir NOISE=dir [WHAT="run long kinds decoders robust cost"] [N=12]
	$(foreach what,$(WHAT),PYTHONPATH=. $(BIN)/python -m bench.synthesis $(what) $(SYNTHESIS_$(what)) $(SYNTHESIS_OPTIONS) &&) true

# ---- voices -----------------------------------------------------------------------------------------------
# Of RIGHTSCAN_MEDIA; SINGERS: a folder with index.csv (path,person,group,register) for song and other languages.
SINGERS ?=

.PHONY: bench-likeness
bench-likeness: $(VENV)/.bench ## voices told apart, people never trained on: [SINGERS=dir]
	PYTHONPATH=. $(BIN)/python -m bench.likeness run $(if $(SINGERS),--singers "$(SINGERS)")

# ---- what they need -------------------------------------------------------------------------------------
# External harnesses call both programs; this project's own bench uses rubberband where it is there.
BENCH_PROGRAMS := ffmpeg rubberband
BENCH_PACKAGES := ffmpeg rubberband-cli

.PHONY: bench-deps bench-programs
bench-programs:
	@if command -v $(firstword $(BENCH_PROGRAMS)) >/dev/null && command -v $(lastword $(BENCH_PROGRAMS)) >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(BENCH_PACKAGES) >/dev/null; \
	else \
		echo "the harnesses call $(BENCH_PROGRAMS). Install first: $(BENCH_PACKAGES)"; exit 1; \
	fi

$(VENV)/.bench: $(VENV)/.dev requirements/bench.txt
	$(BIN)/python -m pip install -q --require-hashes --prefer-binary -r requirements/bench.txt
	touch $@

bench-deps: bench-programs $(VENV)/.bench ## what the harnesses need: ffmpeg, rubberband, scipy, soundfile, OpenCV, matplotlib
