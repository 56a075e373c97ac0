# mlc: `make help` lists the targets.
#
#   make          build/mlc and build/mlc-codegen
#   make demo     install what is missing, build, compile a real model, measure it
#   make check    install what is missing, build, pass the tests

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

BUILD   ?= build
VERSION := 0.1.0
CC      := gcc

# The newest LLVM that is here, 19 or later; `make LLVM_CONFIG=llvm-config-19` chooses.
LLVM_CONFIG ?= $(firstword $(foreach v,22 21 20 19,$(if $(shell command -v llvm-config-$v),llvm-config-$v)))
LLVM_MAJOR  := $(if $(LLVM_CONFIG),$(firstword $(subst ., ,$(shell $(LLVM_CONFIG) --version))))
# Bitcode of a newer clang cannot be read by an older LLVM, so clang is never the newer of the two.
CLANG       ?= $(firstword $(foreach v,22 21 20 19,$(if $(shell [ $v -le $(or $(LLVM_MAJOR),22) ] && command -v clang-$v),clang-$v)) clang)

# A library in the system's own folder is found without help; naming llvm-N-dev's would depend on it.
LLVM_LIBDIR  = $(shell $(LLVM_CONFIG) --libdir)
LLVM_HOME    = $(patsubst %/,%,$(dir $(realpath $(LLVM_LIBDIR)/libLLVM-$(LLVM_MAJOR).so)))
LLVM_LDFLAGS = -L$(LLVM_LIBDIR) $(if $(filter /usr/lib /usr/lib/%-linux-gnu,$(LLVM_HOME)),,-Wl,-rpath,$(LLVM_LIBDIR)) \
    -lLLVM-$(LLVM_MAJOR)

MODE ?= release
ifeq ($(MODE),asan)
  OPT := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
  OPT := -O2 -g
endif
WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers
CPPFLAGS := -I. -I$(BUILD)/gen -D_GNU_SOURCE -DMLC_VERSION='"$(VERSION)"'
CFLAGS   := -std=gnu11 $(OPT) $(WARN) -ffp-contract=off -fno-math-errno
LDLIBS   := -lprotobuf-c -ljansson -lsodium -lxxhash -lz -lm -lpthread

src = $(sort $(filter-out $(wildcard */main.c */*/main.c */*/*/main.c),$(foreach d,$1,$(wildcard $d/*.c $d/*/*.c $d/*/*/*.c))))

IR_SRC      := $(call src,ir)
MLC_SRC     := $(IR_SRC) $(call src,frontend passes calib codegen/lower codegen/target codegen/emit/object codegen/emit/c codegen/emit/header codegen/emit/report codegen/run cli)
CODEGEN_SRC := $(IR_SRC) $(call src,codegen/emit/llvm)
obj          = $(patsubst %.c,$(BUILD)/obj/%.o,$1)

.PHONY: all
all: $(BUILD)/mlc $(BUILD)/mlc-codegen $(BUILD)/mlc-runner $(BUILD)/mlc-runner-jit

include make/generate.mk
include make/deps.mk
include make/test.mk
include make/layers.mk
include make/check.mk
include make/runtime.mk
include make/sweep.mk
include make/demo.mk
include make/install.mk
include make/fuzz.mk

$(BUILD)/obj/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(CPPFLAGS) $(EXTRA_CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/obj/codegen/emit/llvm/%.o $(BUILD)/obj/codegen/run/jit/%.o: EXTRA_CPPFLAGS = -I$(shell $(LLVM_CONFIG) --includedir)

$(BUILD)/libmlc.a: $(call obj,$(MLC_SRC)) $(GENERATED_OBJ) $(RUNTIME_NATIVE_OBJ)
	@rm -f $@ && ar rcs $@ $^

$(BUILD)/mlc: $(BUILD)/obj/cli/main.o $(BUILD)/libmlc.a
	@echo "  ld $@"
	@$(CC) $(OPT) $< $(BUILD)/libmlc.a $(LDLIBS) -o $@

CODEGEN_OBJ = $(BUILD)/obj/codegen/emit/llvm/main.o $(call obj,$(CODEGEN_SRC)) $(GENERATED_IR_OBJ) $(RUNTIME_OBJ) $(BUILD)/obj/runtime/plan.o $(patsubst %.c,$(BUILD)/obj/%.o,$(RUNTIME_CALLS))
$(BUILD)/mlc-codegen: $(CODEGEN_OBJ)
	@echo "  ld $@"
	@$(CC) $(OPT) $^ $(LLVM_LDFLAGS) -lm -lpthread -o $@

$(BUILD)/mlc-runner: $(BUILD)/obj/codegen/run/main.o $(BUILD)/obj/codegen/run/serve.o $(BUILD)/obj/codegen/run/block.o
	@echo "  ld $@"
	@$(CC) $(OPT) $^ -ldl -lm -lpthread -o $@

RUNNER_JIT_OBJ := $(BUILD)/obj/codegen/run/jit/main.o $(BUILD)/obj/codegen/run/serve.o $(BUILD)/obj/codegen/run/block.o
$(BUILD)/mlc-runner-jit: $(RUNNER_JIT_OBJ)
	@echo "  ld $@"
	@$(CC) $(OPT) $^ $(LLVM_LDFLAGS) -lm -lpthread -o $@

.PHONY: clean
clean:
	rm -rf $(BUILD)

.PHONY: fmt
fmt:
	clang-format-19 -i $$(git ls-files '*.c' '*.h')

.PHONY: help
help:
	@sed -n 's/^#   make/  make/p' Makefile
	@echo "  make deps | install | uninstall | deb | check-asan | conform | conform-shared | check-models | check-single | fuzz | bench | alloc-sweep | fault-sweep | layers | lint | fmt | clean"

-include $(patsubst %.o,%.d,$(call obj,$(MLC_SRC) $(CODEGEN_SRC) $(RUNTIME_SRC) cli/main.c codegen/emit/llvm/main.c codegen/run/main.c codegen/run/jit/main.c))
