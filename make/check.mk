# The suites, from the quick to the thorough.

TESTDATA ?= $(patsubst %/node/test_abs/model.onnx,%,$(firstword $(wildcard /usr/share/libonnx-testdata/data/node/test_abs/model.onnx)))
SUITES := $(addprefix $(TESTDATA)/,node simple pytorch-converted pytorch-operator)
SAMPLE := $(addprefix $(TESTDATA)/,simple pytorch-converted pytorch-operator)

# Everything a change must pass; installs what is missing first.
.PHONY: check
check: deps
	@$(MAKE) --no-print-directory check-run

.PHONY: check-run
check-run: all
	@$(MAKE) --no-print-directory layers
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory cli-test
	@$(MAKE) --no-print-directory errors-test
	@$(MAKE) --no-print-directory fuzz-replay
	@test/cli/fresh_clone.sh
	@test/artifact/run.sh $(BUILD)
	@test/artifact/cpu.sh $(BUILD)
	@test/artifact/weights.sh $(BUILD)
	@test/artifact/strings.sh $(BUILD)
	@test/artifact/guard.sh $(BUILD)
	@$(MAKE) --no-print-directory sweep-short
	@$(MAKE) --no-print-directory install-test
	@test/conform/run.sh $(BUILD)/mlc interp test/conform/not_passing.txt $(SUITES)
	@test/conform/run.sh $(BUILD)/mlc host test/conform/not_passing.txt $(SAMPLE)
	@$(MAKE) --no-print-directory demo-run
	@echo "check: all suites passed"

# The same unit tests under AddressSanitizer and UndefinedBehaviorSanitizer.
.PHONY: check-asan
check-asan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan MODE=asan all
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan MODE=asan unit
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan MODE=asan fuzz-replay
	@test/conform/run.sh $(BUILD)-asan/mlc interp test/conform/not_passing.txt $(SUITES)

# Every conformance case, compiled; test/conform/counts.txt and docs/ops.md say what passes by operator.
CONFORM := $(BUILD)/conform
.PHONY: conform
conform: all
	@mkdir -p $(CONFORM)
	@KEEP=$(CONFORM)/interp test/conform/run.sh $(BUILD)/mlc interp test/conform/not_passing.txt $(SUITES)
	@KEEP=$(CONFORM)/host test/conform/run.sh $(BUILD)/mlc host test/conform/not_passing.txt $(SUITES)
	@test/conform/run.sh $(BUILD)/mlc x86-sse2 test/conform/not_passing.txt $(SAMPLE)
	@KEEP=$(CONFORM)/arm64-neon test/conform/run.sh $(BUILD)/mlc arm64-neon test/conform/not_passing.txt $(SAMPLE)
	@test/conform/count.sh $(BUILD) libonnx-testdata "interp=$(CONFORM)/interp host=$(CONFORM)/host c99" $(SUITES)
	@test/conform/count.sh $(BUILD) libonnx-testdata "arm64-neon=$(CONFORM)/arm64-neon" $(SAMPLE)
	@$(MAKE) --no-print-directory docs/ops.md

# The same for the suites of other ONNX releases, where they are: counted, and compared with nothing.
SHARED := $(or $(MLC_SHARED),../shared)
.PHONY: conform-more
conform-more: all
	@test/conform/count.sh $(BUILD) onnx-newest "interp host c99" \
	  $(addprefix $(SHARED)/onnx-backend/,node simple pytorch-converted pytorch-operator)
	@test/conform/count.sh $(BUILD) onnx-older "interp host c99" $(wildcard $(SHARED)/onnx-backend-old/v*/node)
	@$(MAKE) --no-print-directory docs/ops.md

# The page about operators, from `mlc list ops` and the counts; cli-test compares it.
.PHONY: docs/ops.md
docs/ops.md: $(BUILD)/mlc
	@$< list ops --json > $(BUILD)/ops.json
	@tools/ops_doc.py $(BUILD)/ops.json test/conform/counts.txt > $@.tmp && mv $@.tmp $@

# The newest suite and the cases of older releases, where they are: $MLC_SHARED.
.PHONY: conform-shared
conform-shared: all
	@test/conform/shared.sh $(BUILD)/mlc interp $${MLC_SHARED:-../shared}
	@test/conform/shared.sh $(BUILD)/mlc host $${MLC_SHARED:-../shared}

# More than 2 GiB of weights. Needs 8 GiB of disk in $TMPDIR, 8 GiB of memory and half a minute.
.PHONY: check-big
check-big: all
	@test/artifact/big.py $(BUILD)

# Real models against reference outputs; skipped where they are absent.
.PHONY: check-models
check-models: all
	@test/models/run.sh $(BUILD)/mlc host

VENV := $(BUILD)/venv
$(VENV)/ready:
	@python3 -m venv $(VENV)
	@$(VENV)/bin/pip install -q numpy onnx onnxruntime
	@touch $@

# ONNX models that mlc writes, judged by the ONNX checker and ONNX Runtime. Needs PyPI.
.PHONY: check-onnx
check-onnx: all $(VENV)/ready
	@for list in must_pass quantized; do \
	  $(VENV)/bin/python test/models/emit_onnx.py $(BUILD)/mlc $${MLC_SHARED:-../shared}/models test/models/$$list.txt || exit 1; done

# Operators of com.microsoft against ONNX Runtime. Needs PyPI.
.PHONY: check-contrib
check-contrib: all $(VENV)/ready
	@$(VENV)/bin/python test/ops/contrib.py $(BUILD)/mlc

# Operators of ai.onnx.ml against ONNX Runtime, on random models. Needs PyPI.
.PHONY: check-ml
check-ml: all $(VENV)/ready
	@$(VENV)/bin/python test/ops/ml.py $(BUILD)/mlc
# Generated models of single operators against onnx.reference and ONNX Runtime; writes the page about
# them. Needs PyPI.
.PHONY: check-single
check-single: all $(VENV)/ready
	@$(VENV)/bin/python test/ops/single.py $(BUILD)/mlc --table docs/single-op.md $(SINGLE)

# Ratios against peers, in one run with the peak of this machine. Needs PyPI.
$(BUILD)/bench/fma_peak: test/bench/fma_peak.c
	@mkdir -p $(@D)
	@$(CC) -O2 -mavx2 -mfma $< -o $@

.PHONY: bench
bench: all $(VENV)/ready $(BUILD)/bench/fma_peak
	@$(VENV)/bin/python test/bench/compare.py $(BUILD)/mlc $(BUILD)/bench/fma_peak $${MLC_SHARED:-../shared}/models --json $(BUILD)/bench.json $(BENCH)
