# What holds for the tree as a whole: who includes whom, style that a machine can check, and that
# adding an operator touches one file.

.PHONY: layers
layers:
	@tools/layers.sh && test/tools/layers_test.sh

.PHONY: lint
lint: $(GENERATED)
	@CC="$(CC) -std=gnu11 $(CPPFLAGS)" LLVM_CFLAGS="-I$(shell $(LLVM_CONFIG) --includedir)" tools/lint.sh

.PHONY: one-file-test
one-file-test: $(BUILD)/mlc
	@test/ops/one_file_test.sh $(BUILD)
