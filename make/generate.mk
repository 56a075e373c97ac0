# What is generated: indexes of open sets (operators, passes) and protobuf-c code.

GENERATED := $(BUILD)/gen/ops.inc $(BUILD)/gen/targets.inc $(BUILD)/gen/onnx.pb-c.h
GENERATED_OBJ := $(BUILD)/obj/gen/onnx.pb-c.o
GENERATED_IR_OBJ :=

# X(id) for each `OP(id) = {` of ir/ops, sorted by the record's name (ir/ops/index.c searches it).
# The name is the first string after OP(id).
OPS_FILES := $(sort $(wildcard ir/ops/*.c ir/ops/*/*.c))
$(BUILD)/gen/ops.inc: $(OPS_FILES) make/generate.mk
	@mkdir -p $(@D)
	@awk '/^OP\([a-z0-9_]+\)/ { id = $$0; sub(/^OP\(/, "", id); sub(/\).*/, "", id) } \
	  id != "" && match($$0, /"[^"]+"/) { print substr($$0, RSTART + 1, RLENGTH - 2), id; id = "" }' \
	  $(OPS_FILES) | LC_ALL=C sort | sed 's/.* \(.*\)/X(\1)/' > $@

# X(id) for each `TARGET(id) = {` of codegen/target (see codegen/target/target.c).
TARGET_FILES := $(sort $(wildcard codegen/target/*/*.c))
$(BUILD)/gen/targets.inc: $(TARGET_FILES) make/generate.mk
	@mkdir -p $(@D)
	@sed -n 's/^TARGET(\([a-z0-9_]*\)).*/X(\1)/p' $(TARGET_FILES) | LC_ALL=C sort > $@

ONNX_PROTO_DIR ?= /usr/include/onnx
$(BUILD)/gen/onnx.pb-c.h $(BUILD)/gen/onnx.pb-c.c &: $(ONNX_PROTO_DIR)/onnx.proto
	@mkdir -p $(@D)
	protoc-c --c_out=$(@D) --proto_path=$(<D) $<

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	@$(CC) -I$(BUILD)/gen -O2 -w -c $< -o $@
