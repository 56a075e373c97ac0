# Tests. Every test/<path>_test.c is one cmocka program linked with libmlc.a.

TEST_SRC := $(shell find test -name '*_test.c' 2>/dev/null | LC_ALL=C sort)
TEST_BIN := $(patsubst test/%.c,$(BUILD)/test/%,$(TEST_SRC))

$(BUILD)/test/%: $(BUILD)/obj/test/%.o $(BUILD)/libmlc.a
	@mkdir -p $(@D)
	@$(CC) $(OPT) $< $(BUILD)/libmlc.a $(LDLIBS) -lcmocka -o $@

# Tests of the LLVM emitter share a harness, and run mlc-codegen.
LLVM_TEST := test/codegen/emit/llvm
$(BUILD)/$(LLVM_TEST)/%: $(BUILD)/obj/$(LLVM_TEST)/%.o $(BUILD)/obj/$(LLVM_TEST)/model.o $(BUILD)/libmlc.a | $(BUILD)/mlc-codegen
	@mkdir -p $(@D)
	@$(CC) $(OPT) $(filter %.o,$^) $(BUILD)/libmlc.a $(LDLIBS) -ldl -lcmocka -o $@

# So do tests of the C emitter, without it.
C_TEST := test/codegen/emit/c
$(BUILD)/$(C_TEST)/%: $(BUILD)/obj/$(C_TEST)/%.o $(BUILD)/obj/$(LLVM_TEST)/model.o $(BUILD)/libmlc.a
	@mkdir -p $(@D)
	@$(CC) $(OPT) $(filter %.o,$^) $(BUILD)/libmlc.a $(LDLIBS) -ldl -lcmocka -o $@

# Objects of tests are kept: a second run only links.
.SECONDARY: $(TEST_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/$(LLVM_TEST)/model.o

# They are made again when a header of theirs changes.
-include $(TEST_SRC:%.c=$(BUILD)/obj/%.d) $(BUILD)/obj/$(LLVM_TEST)/model.d

.PHONY: unit
unit: $(TEST_BIN)
	@failed=; for t in $(TEST_BIN); do echo "== $$t"; $$t || failed="$$failed $$t"; done; \
	  [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

# Transcripts of the command line; `make cli-test UPDATE=1` takes what comes out as expected.
.PHONY: cli-test
cli-test: all
	@test/cli/run.sh $(if $(UPDATE),-u) $(BUILD)
	@$(BUILD)/mlc help --man | cmp - mlc.1 || { echo "mlc.1 is out of date: make mlc.1"; exit 1; }

# The pages of docs/errors/; `make errors-test UPDATE=1` takes what comes out as expected.
.PHONY: errors-test
errors-test: all
	@test/errors/run.sh $(if $(UPDATE),-u) $(BUILD)

# The manual page, from the tables of cli/.
.PHONY: mlc.1
mlc.1: $(BUILD)/mlc
	@$< help --man > $@.tmp && mv $@.tmp $@

-include $(TEST_SRC:%.c=$(BUILD)/obj/%.d)
