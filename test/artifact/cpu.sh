#!/usr/bin/env bash
# An artifact uses the registers of its target and no others, and on a CPU without them bind and run
# return MLC_RUN_CPU (4) before any such instruction. One of several targets runs the best that the
# CPU has.
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
mkdir "$work/fat" "$work/all"
fat() { "$mlc" optimize docs/examples/fashion/fashion.onnx -t $2 --dim batch=1 -o "$work/$1/model" -q; }
fat fat x86-avx2,x86-avx512
fat all x86-avx512,x86-sse2,x86-avx2
[ "$(count fat "$vex" '<model_x86_avx(2|512)_(k[0-9]|exec)')" = 0 ] || fail "fat: vectors before the CPU is checked"
[ "$(count fat '%zmm' '<model_x86_avx512')" = 0 ] || fail "fat: the code for AVX2 has registers of 512 bits"
[ "$(count fat 'vfmadd.*%zmm' -)" = "$(count avx512 'vfmadd.*%zmm' -)" ] || fail "fat: not the code for AVX-512"
[ "$(count fat 'vfmadd.*%ymm' '<model_x86_avx512')" = "$(count avx2 'vfmadd.*%ymm' -)" ] || fail "fat: not the code for AVX2"
python3 - "$work/fat/model.json" "$work/avx2/model.json" "$work/avx512/model.json" <<'P'
import json, sys
fat, avx2, avx512 = (json.load(open(p)) for p in sys.argv[1:])
assert fat["target"]["name"] == "x86-avx512,x86-avx2", fat["target"]
for mine, alone in zip(fat["targets"], (avx512, avx2)):
    assert mine["name"] == alone["target"]["name"], mine
    assert 0 < mine["code"] < alone["size"]["code"], mine
    assert mine["weights"] == alone["size"]["weights"], mine
assert sum(t["code"] for t in fat["targets"]) < fat["size"]["code"]
assert fat["ram"]["workspace"] == max(avx2["ram"]["workspace"], avx512["ram"]["workspace"])
P
# a convolution network for images of 224 x 224
"$here/make_model.py" convnet "$work/convnet.onnx"
for name in sse2 avx2 avx512; do
    mkdir "$work/conv-$name"
    "$mlc" optimize "$work/convnet.onnx" -t x86-$name -o "$work/conv-$name/model" -q
done
[ "$(count conv-avx2 '%zmm' -)" = 0 ] || fail "convnet for avx2: registers of 512 bits"
[ "$(count conv-avx2 'vfmadd.*%ymm' -)" -gt 100 ] || fail "convnet for avx2: few fused multiply-adds"
[ "$(count conv-avx512 'vfmadd.*%zmm' -)" -gt 100 ] || fail "convnet for avx512: few fused multiply-adds"
nm -u "$work/sse2/model.o" | grep -Eq ' (fma|floor|ceil|trunc|roundeven)f?$' && fail "sse2: a function call for every element"

if ! command -v qemu-x86_64 >/dev/null || [ "$(uname -m)" != x86_64 ]; then
    echo "cpu: the right registers; SKIP: no qemu-x86_64 to play other CPUs"
    exit 0
fi
for name in sse2 avx2 avx512 fat all conv-sse2 conv-avx2; do
    cc -O1 -std=c11 -Wall -Wextra -Werror -I"$work/$name" "$here/cpu.c" \
        "$work/$name/model.o" -static -lm -lpthread -o "$work/$name/prog"
done
right=$("$work/sse2/prog")
right=${right% *}
conv=$("$work/conv-sse2/prog")
conv=${conv% *}
expect() { # artifact, CPU, what it prints
    got=$(qemu-x86_64 -cpu "$2" "$work/$1/prog" 2>/dev/null) || fail "$1 dies on $2"
    [ "$got" = "$3" ] || fail "$1 on $2: $got, not $3"
}
for cpu in qemu64 Nehalem Haswell; do
    expect sse2 $cpu "$right x86-sse2"
    expect avx512 $cpu "4 4 0.000 none"
done
for cpu in qemu64 Nehalem; do
    expect avx2 $cpu "4 4 0.000 none"
    expect fat $cpu "4 4 0.000 none"
    expect all $cpu "$right x86-sse2"
done
for name in avx2 fat all; do
    expect $name Haswell "$right x86-avx2"
done
expect conv-avx2 Nehalem "4 4 0.000 none"
expect conv-avx2 Haswell "$conv x86-avx2"
if grep -qw avx512vl /proc/cpuinfo; then
    for name in fat all; do
        got=$("$work/$name/prog")
        [ "$got" = "$right x86-avx512" ] || fail "$name on this machine: $got"
    done
    best="; AVX-512 chosen here"
fi
echo "cpu: the right registers; refused by CPUs that lack them, before any is touched; the best of several${best:-}"
