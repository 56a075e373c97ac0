#!/usr/bin/env bash
# An artifact uses the registers of its target and no others, and on a CPU without them bind and run
# return MLC_RUN_CPU (4) before any such instruction.
#
#   cpu.sh BUILD_DIR
set -eu
mlc=$1/mlc
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }

# instructions of $1 that match $2, in functions whose names do not match $3
count() {
    objdump -d --no-show-raw-insn "$work/$1/model.o" | awk -v what="$2" -v but="$3" \
        '/^[0-9a-f]+ </ { on = $2 !~ but } on && /^ / && $0 ~ what { n++ } END { print n + 0 }'
}
vex='\t[vk][a-z0-9]+ '
for name in sse2 avx2 avx512; do
    mkdir "$work/$name"
    "$mlc" optimize docs/examples/fashion/fashion.onnx -t x86-$name --dim batch=1 -o "$work/$name/model" -q
    [ "$(count $name "$vex" '<model_(k[0-9]|exec)')" = 0 ] || fail "$name: vectors before the CPU is checked"
done
[ "$(count sse2 "$vex" -)" = 0 ] || fail "sse2: VEX or EVEX instructions"
[ "$(count sse2 '%[yz]mm' -)" = 0 ] || fail "sse2: wide registers"
[ "$(count avx2 '%zmm' -)" = 0 ] || fail "avx2: registers of 512 bits"
[ "$(count avx2 'vfmadd.*%ymm' -)" -gt 0 ] || fail "avx2: no fused multiply-add"
[ "$(count avx512 'vfmadd.*%zmm' -)" -gt 0 ] || fail "avx512: no fused multiply-add of 512 bits"
nm -u "$work/sse2/model.o" | grep -Eq ' (fma|floor|ceil|trunc|roundeven)f?$' && fail "sse2: a function call for every element"

if ! command -v qemu-x86_64 >/dev/null || [ "$(uname -m)" != x86_64 ]; then
    echo "cpu: the right registers; SKIP: no qemu-x86_64 to play other CPUs"
    exit 0
fi
for name in sse2 avx2 avx512; do
    cc -O1 -std=c11 -Wall -Wextra -Werror -I"$work/$name" "$here/cpu.c" \
        "$work/$name/model.o" -static -lm -lpthread -o "$work/$name/prog"
done
right=$("$work/sse2/prog")
expect() { # artifact, CPU, what it prints
    got=$(qemu-x86_64 -cpu "$2" "$work/$1/prog" 2>/dev/null) || fail "$1 dies on $2"
    [ "$got" = "$3" ] || fail "$1 on $2: $got, not $3"
}
for cpu in qemu64 Nehalem Haswell; do
    expect sse2 $cpu "$right"
    expect avx512 $cpu "4 4 0.000"
done
expect avx2 qemu64 "4 4 0.000"
expect avx2 Nehalem "4 4 0.000"
expect avx2 Haswell "$right"
echo "cpu: the right registers; refused by CPUs that lack them, before any is touched"
