# Hostile input: libFuzzer targets (test/fuzz/NAME_fuzz.c) and their corpora (test/fuzz/corpus/NAME).
#
#   make fuzz [FUZZ_TIME=60] [FUZZ="onnx text"]   each target in turn, under sanitizers
#   make fuzz-replay                              the corpora through the targets, without libFuzzer
#   make fuzz-coverage                            lines of frontend/onnx that the corpora reach
#   make fuzz-planted [FUZZ_TIME=60]              bugs planted on purpose, each of which must be found
#   make fuzz-peak                                memory of mlc on hostile files, measured
#   make fuzz-seeds                               the corpora, made anew

FUZZ      ?= $(sort $(patsubst test/fuzz/%_fuzz.c,%,$(wildcard test/fuzz/*_fuzz.c)))
FUZZ_TIME ?= 60
FUZZ_SEEN := $(BUILD)/fuzz/seen
FUZZ_PROGRAMS := $(BUILD)/fuzz/programs

# The folders of a target's corpus, for the shell.
fuzz_corpus = test/fuzz/corpus/$1 $$([ $1 != program ] || echo $(BUILD)/fuzz/programs)

# libFuzzer comes with clang as libclang-rt-N-dev: the first clang that has it.
FUZZ_CLANG ?= $(firstword $(foreach c,$(CLANG) clang-22 clang-21 clang-20 clang-19 clang,\
    $(if $(wildcard $(shell $c -print-file-name=libclang_rt.fuzzer-x86_64.a 2>/dev/null) \
                    $(shell $c -print-file-name=libclang_rt.fuzzer.a 2>/dev/null)),$c)))

# Everything is built a second time, by clang, instrumented.
FUZZ_OPT  := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
    -fno-sanitize-recover=undefined
FUZZ_OBJ   = $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(MLC_SRC) $(filter %.c,$(RUNTIME_SRC)))

$(BUILD)/fuzz/obj/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	@echo "  fuzz cc $<"
	@$(FUZZ_CLANG) $(CPPFLAGS) -std=gnu11 $(FUZZ_OPT) -w -ffp-contract=off -fno-math-errno -MMD -MP -c $< -o $@

$(BUILD)/fuzz/libmlc.a: $(FUZZ_OBJ) $(GENERATED_OBJ) $(filter $(BUILD)/obj/embed/%,$(RUNTIME_NATIVE_OBJ))
	@rm -f $@ && ar rcs $@ $^

$(addprefix $(BUILD)/fuzz/,$(FUZZ)): $(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/test/fuzz/%_fuzz.o $(BUILD)/fuzz/obj/test/fuzz/fuzz.o $(BUILD)/fuzz/libmlc.a
	@echo "  ld $@"
	@$(FUZZ_CLANG) $(subst fuzzer-no-link,fuzzer,$(FUZZ_OPT)) $^ $(LDLIBS) -o $@

# Mutations that know ONNX.
$(BUILD)/fuzz/onnx: $(BUILD)/fuzz/obj/test/fuzz/onnx_mutate.o

# Inputs that reach something new are kept in $(FUZZ_SEEN), findings in $(BUILD)/fuzz/found.
.PHONY: fuzz
fuzz: $(addprefix $(BUILD)/fuzz/,$(FUZZ)) $(FUZZ_PROGRAMS)
	@mkdir -p $(BUILD)/fuzz/found
	@for t in $(FUZZ); do mkdir -p $(FUZZ_SEEN)/$$t; echo "== $$t, $(FUZZ_TIME) s"; \
	  dict=""; [ ! -f test/fuzz/$$t.dict ] || dict="-dict=test/fuzz/$$t.dict"; \
	  $(BUILD)/fuzz/$$t -max_total_time=$(FUZZ_TIME) -timeout=20 -rss_limit_mb=2560 -print_final_stats=1 \
	    -verbosity=0 -artifact_prefix=$(BUILD)/fuzz/found/$$t- $$dict $(FUZZ_SEEN)/$$t $(call fuzz_corpus,$$t) || exit 1; done

# Bugs planted in scratch copies (test/fuzz/planted): all must be found, each within FUZZ_TIME seconds.
.PHONY: fuzz-planted
fuzz-planted: $(addprefix $(BUILD)/fuzz/,$(FUZZ)) $(FUZZ_PROGRAMS)
	@CC="$(FUZZ_CLANG)" LIBS="$(LDLIBS)" \
	  FLAGS='$(filter-out -DMLC_VERSION%,$(CPPFLAGS)) -std=gnu11 $(FUZZ_OPT) -ffp-contract=off -fno-math-errno' \
	  test/fuzz/planted.sh $(BUILD)/fuzz $(FUZZ_TIME) $(PLANTED)

# ---- the corpora ----
# Made anew by the generators; what they did not make is kept.
$(BUILD)/fuzz/program_seeds: $(BUILD)/obj/test/fuzz/program_seeds.o $(BUILD)/libmlc.a
	@mkdir -p $(@D)
	@$(CC) $(OPT) $^ $(LDLIBS) -o $@

# Serialized programs are not kept in the tree: their form changes with mlc.
$(FUZZ_PROGRAMS): $(BUILD)/fuzz/program_seeds $(wildcard test/fuzz/corpus/text/op_*)
	@rm -rf $@ && mkdir -p $@
	@$^ $@

.PHONY: fuzz-seeds
fuzz-seeds:
	@PYTHONDONTWRITEBYTECODE=1 python3 test/fuzz/seeds.py test/fuzz/corpus

# ---- without libFuzzer ----
$(BUILD)/fuzz-replay/%: $(BUILD)/obj/test/fuzz/%_fuzz.o $(BUILD)/obj/test/fuzz/fuzz.o $(BUILD)/obj/test/fuzz/replay.o $(BUILD)/libmlc.a
	@mkdir -p $(@D)
	@$(CC) $(OPT) $^ $(LDLIBS) -o $@

.PHONY: fuzz-replay
fuzz-replay: $(addprefix $(BUILD)/fuzz-replay/,$(FUZZ)) $(FUZZ_PROGRAMS)
	@for t in $(FUZZ); do $(BUILD)/fuzz-replay/$$t $(call fuzz_corpus,$$t) || exit 1; done

# At most 4 times the file + 200 MB.
.PHONY: fuzz-peak
fuzz-peak: all
	@PYTHONDONTWRITEBYTECODE=1 python3 test/fuzz/peak.py $(BUILD)

# frontend/onnx a third time, counting lines; its objects stand before the archive that has them too.
COVER     := $(BUILD)/fuzz/cover
COVER_OBJ := $(patsubst %.c,$(COVER)/%.o,$(wildcard frontend/onnx/*.c))
$(COVER)/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) -std=gnu11 -O0 -g --coverage -c $< -o $@

$(COVER)/run/%: $(COVER_OBJ) $(BUILD)/obj/test/fuzz/%_fuzz.o $(BUILD)/obj/test/fuzz/fuzz.o $(BUILD)/obj/test/fuzz/replay.o $(BUILD)/libmlc.a
	@mkdir -p $(@D)
	@$(CC) --coverage $^ $(LDLIBS) -o $@

.PHONY: fuzz-coverage
fuzz-coverage: $(addprefix $(COVER)/run/,onnx data)
	@find $(COVER) -name '*.gcda' -delete
	@for t in onnx data; do $(COVER)/run/$$t test/fuzz/corpus/$$t || exit 1; done
	@test/fuzz/coverage.sh $(COVER) frontend/onnx 80

.SECONDARY: $(COVER_OBJ) $(patsubst %,$(BUILD)/obj/test/fuzz/%.o,$(addsuffix _fuzz,$(FUZZ)) fuzz replay) \
    $(patsubst %,$(BUILD)/fuzz/obj/test/fuzz/%.o,$(addsuffix _fuzz,$(FUZZ)) fuzz)

-include $(patsubst %.o,%.d,$(FUZZ_OBJ)) $(wildcard $(BUILD)/fuzz/obj/test/fuzz/*.d $(BUILD)/obj/test/fuzz/*.d)
