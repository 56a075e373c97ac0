#!/usr/bin/env bash
# Weights in a file of their own: the bytes are those of the section inside of an artifact, the
# object has none of them, and only the right file is taken.
#
#   weights.sh BUILD_DIR
set -eu
mlc=$1/mlc
here=$(dirname "$0")
model=docs/examples/fashion/fashion.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }

make() { # folder, options
    mkdir "$work/$1"
    "$mlc" optimize "$model" --dim batch=1 -o "$work/$1/model" -q "${@:2}"
}
make inside -t x86-avx2 --weights embed
make file -t x86-avx2 --weights file
make again -t x86-avx2 --weights file
make fat -t x86-sse2,x86-avx2 --weights file
[ ! -e "$work/inside/model.weights" ] || fail "a weights file where weights are inside"
for f in o weights h json; do
    cmp "$work/file/model.$f" "$work/again/model.$f" || fail "two builds differ"
done
objcopy -O binary --only-section=.rodata.mlc_weights "$work/inside/model.o" "$work/section"
tail -c +65 "$work/file/model.weights" | cmp - "$work/section" || fail "not the bytes of the section"
objdump -h "$work/file/model.o" | grep -q mlc_weights && fail "weights inside all the same"
[ "$(stat -c %s "$work/file/model.o")" -lt "$(stat -c %s "$work/section")" ] ||
    fail "the object is as large as weights"

# wrong in every way that can be seen without reading all of it
good=$work/file/model.weights
head -c -1 "$good" >"$work/short"
(cat "$good"; echo) >"$work/long"
head -c 20 "$good" >"$work/head"
: >"$work/empty"
python3 - "$model" "$good" "$work" <<'P'
import sys
model, good, work = sys.argv[1:]
raw = bytearray(open(model, "rb").read())
raw[-4000] ^= 1  # one bit of one weight
open(work + "/other.onnx", "wb").write(raw)
for at in (0, 7, 8, 16, 31):
    raw = bytearray(open(good, "rb").read())
    raw[at] ^= 1
    open(f"{work}/byte{at}", "wb").write(raw)
P
"$mlc" optimize "$work/other.onnx" --dim batch=1 -t x86-avx2 --weights file -o "$work/other" -q
[ "$(stat -c %s "$work/other.weights")" = "$(stat -c %s "$good")" ] || fail "the other build has another size"

flags="-std=c11 -O1 -Wall -Wextra -Werror"
for name in file fat; do
    cc $flags -I"$work/$name" "$here/weights.c" "$work/$name/model.o" -lm -lpthread -o "$work/$name/prog"
done
"$work/file/prog" "$good" "$work/fat/model.weights" "$work/other.weights" "$work"/{short,long,head,empty} "$work"/byte* >"$work/got" ||
    fail "prog: $? $(cat "$work/got")"
cat >"$work/plain.c" <<'C'
#include "model.h"
#include <stdio.h>
int main(void)
{
    static float image[784], logits[10];
    static _Alignas(64) char workspace[model_WORKSPACE_BYTES];
    model_io io = {image, logits};
    for (int i = 0; i < 784; i++)
        image[i] = (float)(i * 7 % 255);
    if (model_model.load_weights || model_run(&io, workspace) != MLC_RUN_OK)
        return 1;
    for (int i = 0; i < 10; i++)
        printf("%a\n", (double)logits[i]);
    return 0;
}
C
cc $flags -I"$work/inside" "$work/plain.c" "$work/inside/model.o" -lm -lpthread -o "$work/inside/prog"
"$work/inside/prog" >"$work/want"
cmp "$work/got" "$work/want" || fail "other results than with the weights inside"
"$work/fat/prog" "$work/fat/model.weights" "$good" | cmp - "$work/want" || fail "fat: other results"
echo "weights: a file of their own, the same bytes and results; every other file is refused"
