# What is generated: indexes of open sets (operators, passes) and protobuf-c code.

GENERATED := $(BUILD)/gen/ops.inc $(BUILD)/gen/onnx.pb-c.h
GENERATED_OBJ := $(BUILD)/obj/gen/onnx.pb-c.o
GENERATED_IR_OBJ :=

# X(id) for each `OP(id) = {` of ir/ops, sorted by operator name (see ir/ops/index.c).
OPS_FILES := $(wildcard ir/ops/*.c ir/ops/*/*.c)
$(BUILD)/gen/ops.inc: $(OPS_FILES) make/generate.mk
	@mkdir -p $(@D)
	@sed -n 's/^OP(\([a-z0-9_]*\)).*/X(\1)/p' $(OPS_FILES) | LC_ALL=C sort > $@

ONNX_PROTO_DIR ?= /usr/include/onnx
$(BUILD)/gen/onnx.pb-c.h $(BUILD)/gen/onnx.pb-c.c &: $(ONNX_PROTO_DIR)/onnx.proto
	@mkdir -p $(@D)
	protoc-c --c_out=$(@D) --proto_path=$(<D) $<

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	@$(CC) -I$(BUILD)/gen -O2 -w -c $< -o $@
