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
