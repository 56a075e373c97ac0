# Sweeps: every request for memory refused once, every system call failed once.

# The programs under test are the same objects, linked with fail_alloc.c.
SWEEP := $(BUILD)/sweep
comma := ,
FAIL_ALLOC := $(BUILD)/obj/test/sweep/fail_alloc.o $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc \
    aligned_alloc strdup strndup realpath vasprintf asprintf fopen fdopen opendir getline ctx_init ctx_charge)
SWEEP_BIN := $(addprefix $(SWEEP)/,sweep mlc mlc-codegen mlc-runner-jit)

$(SWEEP_BIN): $(BUILD)/obj/test/sweep/fail_alloc.o | $(SWEEP)/
$(SWEEP)/:
	@mkdir -p $@

$(SWEEP)/sweep: test/sweep/sweep.c
	@$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(WARN) $< -o $@

$(SWEEP)/mlc: $(BUILD)/mlc
	@$(CC) $(OPT) $(BUILD)/obj/cli/main.o $(FAIL_ALLOC) $(BUILD)/libmlc.a $(LDLIBS) -o $@

$(SWEEP)/mlc-codegen: $(BUILD)/mlc-codegen
	@$(CC) $(OPT) $(CODEGEN_OBJ) $(FAIL_ALLOC) $(LLVM_LDFLAGS) -lm -lpthread -o $@

$(SWEEP)/mlc-runner-jit: $(BUILD)/mlc-runner-jit
	@$(CC) $(OPT) $(RUNNER_JIT_OBJ) $(FAIL_ALLOC) $(LLVM_LDFLAGS) -lm -lpthread -o $@

# What `make check` has time for.
.PHONY: sweep-short
sweep-short: all $(SWEEP_BIN)
	@test/sweep/alloc.sh $(BUILD) refused c99 runner
	@STEP=5 test/sweep/alloc.sh $(BUILD) codegen
	@STEP=50 test/sweep/alloc.sh $(BUILD) objects
	@test/sweep/memory.sh $(BUILD)
	@test/sweep/fault.sh -s 61 $(BUILD)

# Every request, and every limit of memory; under AddressSanitizer and LeakSanitizer every request too, but of objects every
# tenth.
.PHONY: alloc-sweep
alloc-sweep: all $(SWEEP_BIN)
	@test/sweep/alloc.sh $(BUILD)
	@test/sweep/memory.sh $(BUILD)
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan MODE=asan alloc-sweep-asan

.PHONY: alloc-sweep-asan
alloc-sweep-asan: all $(SWEEP_BIN)
	@test/sweep/alloc.sh $(BUILD) refused c99 codegen runner
	@STEP=10 test/sweep/alloc.sh $(BUILD) objects

# Every system call of a compilation failed and killed once; SKIP where strace cannot do it.
.PHONY: fault-sweep
fault-sweep: all $(SWEEP)/sweep
	@test/sweep/fault.sh $(BUILD)
