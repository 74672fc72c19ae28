# Deployment: its tools, the checks of the template, the artefacts of the functions. Included by the Makefile.
DEPLOY := .venv-deploy
CHECKOV := .venv-deploy/checkov
EMULATOR := .venv-deploy/emulator
BUILD_TOOLS := build/tools

# The platform and Python that artefacts are for; LAMBDA_PLATFORM=host takes this machine's (tests do).
LAMBDA_PYTHON ?= 3.13
LAMBDA_PLATFORM ?= aarch64
# wheel: PyAV as published, with x264 and x265 (GPL) in it, for tests; build: on our own LGPL FFmpeg, for images.
FFMPEG ?= wheel
FFMPEG_VERSION := 8.1.2
FFMPEG_SHA256 := 464beb5e7bf0c311e68b45ae2f04e9cc2af88851abb4082231742a74d97b524c
FFMPEG_DIR := $(CURDIR)/build/ffmpeg
RPATH := -Wl,-rpath,/var/task/lib

ZIP_FUNCTIONS := ingest report likeness counters
IMAGE_FUNCTIONS := scan match register
LOCKS := layers/core/requirements $(patsubst %.in,%,$(wildcard functions/*/requirements.in)) \
	$(addprefix requirements/,deploy checkov emulator wheel pyav)

# ---- tools ------------------------------------------------------------------------------------------
$(BUILD_TOOLS)/.ready: requirements/wheel.txt
	test -x $(BUILD_TOOLS)/bin/python || $(PYTHON) -m venv $(BUILD_TOOLS)
	$(BUILD_TOOLS)/bin/python -m pip install -q --no-deps --require-hashes --only-binary=:all: -r $<
	touch $@

# The locks are complete, so nothing is resolved again (--no-deps). Each tool pins a boto3 of its own: each has an
# environment of its own, SAM's at the top. A present-day pip fills them in half the time of the one that Python
# 3.11 brings. Not compiled ahead: most of it is never imported.
$(DEPLOY)/.ready: requirements/deploy.txt
$(CHECKOV)/.ready: requirements/checkov.txt
$(EMULATOR)/.ready: requirements/emulator.txt
$(DEPLOY)/.ready $(CHECKOV)/.ready $(EMULATOR)/.ready: | $(BUILD_TOOLS)/.ready
	test -x $(@D)/bin/python || $(PYTHON) -m venv --without-pip $(@D)
	$(BUILD_TOOLS)/bin/python -m pip --python $(@D)/bin/python install -q --no-deps --no-compile --require-hashes \
		--prefer-binary -r $<
	touch $@

.PHONY: setup-deploy lock-packaging
setup-deploy: $(DEPLOY)/.ready $(CHECKOV)/.ready $(EMULATOR)/.ready $(BUILD_TOOLS)/.ready ## the tools that check, build and deploy the template

lock-packaging: ## resolve the dependencies of tools and functions anew; after the lock of the package itself
	for lock in $(LOCKS); do \
		UV_PYTHON_DOWNLOADS=never .venv-lock/bin/uv pip compile --no-config --upgrade --generate-hashes --universal \
			--python-version 3.11 -q --custom-compile-command "make lock" $$lock.in -o $$lock.txt; \
	done

# ---- checks of the template ----------------------------------------------------------------------------
# sam validate asks for a region although it calls nobody. Its --lint is cfn-lint, of which one version is enough.
.PHONY: template-check
template-check: $(DEPLOY)/.ready $(CHECKOV)/.ready ## cfn-lint, sam validate, checkov
	AWS_DEFAULT_REGION=ap-northeast-2 SAM_CLI_TELEMETRY=0 $(DEPLOY)/bin/sam validate --lint --template template.yaml
	$(CHECKOV)/bin/checkov --file template.yaml --config-file .checkov.yaml

# ---- artefacts -----------------------------------------------------------------------------------------
WHEEL := build/wheel/.built
$(WHEEL): $(BUILD_TOOLS)/.ready pyproject.toml README.md $(shell find shared/rightscan -type f -not -name '*.pyc')
	rm -rf build/wheel
	$(BUILD_TOOLS)/bin/python -m pip wheel -q --no-deps --no-build-isolation --wheel-dir build/wheel .
	touch $@

# Each glibc up to that of Amazon Linux 2023.
TARGET_FLAGS = $(if $(filter host,$(LAMBDA_PLATFORM)),,--implementation cp --python-version $(LAMBDA_PYTHON) \
	$(foreach glibc,manylinux2014 manylinux_2_17 manylinux_2_28 manylinux_2_34,--platform $(glibc)_$(LAMBDA_PLATFORM)))
INSTALL = $(BUILD_TOOLS)/bin/python -m pip install -q --no-deps --no-compile --only-binary=:all: $(TARGET_FLAGS)

# Other people's packages change with their lock alone, and are kept; ours is laid over a copy of them.
PACKAGES = build/packages/$(LAMBDA_PLATFORM)-$(LAMBDA_PYTHON)
lock_of = $(if $(filter core,$(1)),layers/core/requirements.txt,$(wildcard functions/$(1)/requirements.txt))
.SECONDEXPANSION:
build/packages/%.built: $$(call lock_of,$$(*F)) $(BUILD_TOOLS)/.ready
	rm -rf build/packages/$*
	mkdir -p build/packages/$*
	$(if $(call lock_of,$(*F)),$(INSTALL) --require-hashes --target build/packages/$* -r $(call lock_of,$(*F)))
	rm -rf build/packages/$*/bin
	touch $@

# $(1) a function, $(2) an empty folder.
define assemble
$(MAKE) --no-print-directory LAMBDA_PLATFORM=$(LAMBDA_PLATFORM) $(PACKAGES)/$(1).built
cp -a $(PACKAGES)/$(1)/. "$(2)"
$(INSTALL) --no-index --target "$(2)" build/wheel/*.whl
cp functions/$(1)/*.py "$(2)"
endef

# Byte code for a start without compiling, where this Python is the one that will run it. Checked against
# nothing at run time: the artefact is immutable, and zip loses the times that a check would look at.
define compile
$(BUILD_TOOLS)/bin/python -c 'import sys; sys.exit(0 if "%d.%d" % sys.version_info[:2] == "$(LAMBDA_PYTHON)" else 1)' \
	&& $(BUILD_TOOLS)/bin/python -m compileall -q --invalidation-mode unchecked-hash "$(1)" || true
endef

# `sam build` calls these with ARTIFACTS_DIR set. Its own Python builder would leave out shared/ silently.
BUILDS := build-IngestFunction build-ReportFunction build-LikenessFunction build-CountersFunction
.PHONY: $(BUILDS) build-CoreLayer
$(BUILDS): build-%Function: $(WHEEL)
	mkdir -p "$(ARTIFACTS_DIR)"
	$(call assemble,$(shell echo $* | tr A-Z a-z),$(ARTIFACTS_DIR))
	$(call compile,$(ARTIFACTS_DIR))
build-CoreLayer: $$(PACKAGES)/core.built
	mkdir -p "$(ARTIFACTS_DIR)/python"
	cp -a $(PACKAGES)/core/. "$(ARTIFACTS_DIR)/python"
	$(call compile,$(ARTIFACTS_DIR)/python)

.PHONY: sam-build
sam-build: $(DEPLOY)/.ready $(WHEEL) ## the zip functions and the layer, into .aws-sam/build
	SAM_CLI_TELEMETRY=0 $(DEPLOY)/bin/sam build $(foreach name,Scan Match Register,--exclude $(name)Function)

# Everything for this machine, for tests. Stamps stand beside the artefacts, so that these hold what is shipped.
HOST := build/host
.PHONY: host-artefacts
host-artefacts: $(foreach name,core $(ZIP_FUNCTIONS) $(IMAGE_FUNCTIONS),$(HOST)/$(name).built)
$(HOST)/core.built: layers/core/requirements.txt
$(HOST)/%.built: $(WHEEL) $(wildcard functions/*/requirements.txt functions/*/app.py)
	rm -rf $(HOST)/$*
	$(MAKE) --no-print-directory LAMBDA_PLATFORM=host $(HOST_RULE_$(if $(filter $(IMAGE_FUNCTIONS),$*),image,zip))
	touch $@
HOST_RULE_image = image-root TARGET=$* DEST=$(HOST)/$*
HOST_RULE_zip = build-$(NAME_$*) ARTIFACTS_DIR=$(HOST)/$*
NAME_core := CoreLayer
NAME_ingest := IngestFunction
NAME_report := ReportFunction
NAME_likeness := LikenessFunction
NAME_counters := CountersFunction

# What an image holds, into an empty folder; functions/*/Dockerfile runs this and nothing else.
.PHONY: image-root
image-root: override LAMBDA_PLATFORM := host
image-root: $(WHEEL) $(if $(filter build,$(FFMPEG)),build/pyav/.built) ## TARGET=scan|match|register [FFMPEG=wheel|build] DEST=dir: an image's content
	$(if $(filter $(IMAGE_FUNCTIONS),$(TARGET)),,$(error TARGET is "$(TARGET)", not one of: $(IMAGE_FUNCTIONS)))
	$(if $(filter wheel build,$(FFMPEG)),,$(error FFMPEG is "$(FFMPEG)", neither wheel nor build))
	mkdir -p "$(DEST)"
	test -z "$$(ls -A "$(DEST)")" || { echo "$(DEST) is not empty" >&2; exit 2; }
	$(call assemble,$(TARGET),$(DEST))
	$(if $(filter build,$(FFMPEG)),$(call own_pyav,$(DEST)))
	$(call compile,$(DEST))

# The published wheel gives way to ours. Its libraries are found by the paths linked into them and not by
# LD_LIBRARY_PATH: the guarded child that decodes has an environment of its own.
define own_pyav
test ! -d "$(1)/av" || { rm -rf "$(1)"/av "$(1)"/av.libs "$(1)"/av-*.dist-info \
	&& $(INSTALL) --no-index --target "$(1)" build/pyav/av-*.whl \
	&& mkdir -p "$(1)/lib" && cp -a $(FFMPEG_DIR)/lib/lib*.so.* "$(1)/lib/"; }
endef

# FFmpeg for reading alone: no GPL part, no outside library but zlib, no network, no device, no encoder or muxer.
build/ffmpeg/.built:
	command -v nasm >/dev/null || dnf install -y -q nasm
	rm -rf build/ffmpeg build/ffmpeg-src
	mkdir -p build/ffmpeg build/ffmpeg-src
	curl -sSfL --proto '=https' -o build/ffmpeg-src/ffmpeg.tar.xz https://ffmpeg.org/releases/ffmpeg-$(FFMPEG_VERSION).tar.xz
	echo "$(FFMPEG_SHA256)  build/ffmpeg-src/ffmpeg.tar.xz" | sha256sum --check --quiet
	tar -xJf build/ffmpeg-src/ffmpeg.tar.xz -C build/ffmpeg-src --strip-components=1
	cd build/ffmpeg-src && ./configure --prefix=$(FFMPEG_DIR) --enable-shared --disable-static --enable-pic \
		--disable-gpl --disable-nonfree --disable-autodetect --enable-zlib --disable-programs --disable-doc \
		--disable-network --disable-protocols --enable-protocol=file --disable-indevs --disable-outdevs \
		--disable-encoders --disable-muxers --disable-hwaccels --disable-debug --extra-ldflags=$(RPATH)
	grep -q '^#define CONFIG_GPL 0' build/ffmpeg-src/config.h
	$(MAKE) -C build/ffmpeg-src -j$$(nproc) install
	touch $@

build/pyav/.built: build/ffmpeg/.built requirements/pyav.txt functions/scan/requirements.txt
	rm -rf build/pyav
	$(PYTHON) -m venv build/pyav/venv
	build/pyav/venv/bin/python -m pip install -q --no-deps --require-hashes --only-binary=:all: -r requirements/pyav.txt
	sed -n '/^av==/,/# via/p' functions/scan/requirements.txt > build/pyav/av.txt
	LDFLAGS=$(RPATH) PKG_CONFIG_PATH=$(FFMPEG_DIR)/lib/pkgconfig build/pyav/venv/bin/python -m pip wheel -q --no-deps --require-hashes \
		--no-build-isolation --no-binary=av --wheel-dir build/pyav -r build/pyav/av.txt
	touch $@
