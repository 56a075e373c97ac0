# Tests. Every test/<path>_test.c is one cmocka program linked with libmlc.a.

TEST_SRC := $(shell find test -name '*_test.c' 2>/dev/null | LC_ALL=C sort)
TEST_BIN := $(patsubst test/%.c,$(BUILD)/test/%,$(TEST_SRC))

$(BUILD)/test/%: $(BUILD)/obj/test/%.o $(BUILD)/libmlc.a
	@mkdir -p $(@D)
	@$(CC) $(OPT) $< $(BUILD)/libmlc.a $(LDLIBS) -lcmocka -o $@

.PHONY: unit
unit: $(TEST_BIN)
	@for t in $(TEST_BIN); do echo "== $$t"; $$t || exit 1; done
