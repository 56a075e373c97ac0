# The runtime, three times: as bitcode per architecture inside mlc-codegen, which links it into every
# artifact; as native objects inside libmlc.a; and as text inside libmlc.a: its public header, and
# what C artifacts carry.
# Also inside libmlc.a: the runner for emulated machines, an object that links with any artifact.

# What calls.h lists; the last file has the table.
RUNTIME_CALLS := runtime/image.c runtime/image_jpeg.c runtime/image_png.c runtime/order.c runtime/suppress.c runtime/text.c runtime/text_make.c \
    runtime/text_match.c runtime/text_number.c runtime/top_k.c runtime/unique.c runtime/calls.c
RUNTIME_SRC := $(RUNTIME_CALLS) runtime/clock.c runtime/cores.c runtime/cpu.c runtime/dynamic.c runtime/launch.c \
    runtime/plan.c runtime/pool.c runtime/rt.c runtime/weights.c
RUNTIME_ARCHS := x86_64 aarch64
RUNTIME_FLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -fPIC -fno-stack-protector -fno-unwind-tables \
    -fno-asynchronous-unwind-tables -ffp-contract=off -fno-math-errno -Qn -Wall -Wextra -Werror -I.
RUNTIME_FLAGS_x86_64  := --target=x86_64-linux-gnu
RUNTIME_FLAGS_aarch64 := --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include

RUNTIME_OBJ        := $(foreach a,$(RUNTIME_ARCHS),$(BUILD)/obj/embed/mlc_runtime_$(a)_bc.o)
RUNTIME_NATIVE_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(RUNTIME_SRC)) \
    $(BUILD)/obj/embed/mlc_abi_h.o $(BUILD)/obj/embed/mlc_custom_h.o $(BUILD)/obj/embed/mlc_runtime_c.o \
    $(BUILD)/obj/embed/mlc_runner_aarch64_o.o

# One translation unit, so that no linker of bitcode is needed to build.
$(BUILD)/gen/runtime.c: make/runtime.mk
	@mkdir -p $(@D)
	@printf '#include "%s"\n' $(RUNTIME_SRC) > $@

$(BUILD)/gen/embed/mlc_runtime_%_bc: $(BUILD)/gen/runtime.c $(RUNTIME_SRC) $(wildcard runtime/*.h)
	@mkdir -p $(@D)
	@echo "  bc $*"
	@$(CLANG) $(RUNTIME_FLAGS) $(RUNTIME_FLAGS_$*) -emit-llvm -c -x c - -o $@ < $<

$(BUILD)/gen/embed/mlc_abi_h: runtime/mlc_abi.h
$(BUILD)/gen/embed/mlc_custom_h: runtime/mlc_custom.h
$(BUILD)/gen/embed/mlc_abi_h $(BUILD)/gen/embed/mlc_custom_h:
	@mkdir -p $(@D)
	@cp $< $@

# The runtime of C artifacts: text without includes and threads.
$(BUILD)/gen/embed/mlc_runtime_c: runtime/rt.h runtime/plan.c runtime/rt.c make/runtime.mk
	@mkdir -p $(@D)
	@awk 'FNR == 1 { print (NR > 1 ? "\n" : "#define MLC_RT_API static\n") "/* ---- " FILENAME " ---- */" } \
	  /^#ifndef MLC_RT_SERIAL/ { out = 1 } !out && !/^#include "/ { print } \
	  /^#endif/ { out = 0 }' runtime/rt.h runtime/plan.c runtime/rt.c > $@

RUNNER_LINKED := codegen/run/serve.c codegen/run/block.c codegen/run/linked/main.c
$(BUILD)/gen/embed/mlc_runner_aarch64_o: $(RUNNER_LINKED) codegen/run/serve.h codegen/run/block.h runtime/mlc_abi.h runtime/rt.h ir/expr/elem.def
	@mkdir -p $(@D)
	@echo "  cc $(RUNNER_LINKED) (aarch64)"
	@printf '#include "%s"\n' $(RUNNER_LINKED) | \
	    $(CLANG) $(RUNTIME_FLAGS) $(RUNTIME_FLAGS_aarch64) -c -x c - -o $@

# A file as `const unsigned char NAME[]`, a NUL after its end, and `const size_t NAME_size`.
$(BUILD)/obj/embed/%.o: $(BUILD)/gen/embed/%
	@mkdir -p $(@D)
	@printf '%s\n' '.section .rodata' '.global $*, $*_size' '.balign 16' \
	    '$*: .incbin "$<"' '1: .byte 0' '.balign 8' '$*_size: .quad 1b - $*' \
	    '.section .note.GNU-stack,"",@progbits' | $(CC) -c -x assembler - -o $@

.PRECIOUS: $(BUILD)/gen/embed/mlc_runtime_%_bc

# Tests of running artifacts need the runners.
unit: $(BUILD)/mlc-runner $(BUILD)/mlc-runner-jit
