#!/usr/bin/env bash
# An artifact stands alone: it links with plain cc, gives the bytes of `mlc run`, exports only its
# own symbols and the shared thread pool, and two of them live in one program.
#
#   run.sh BUILD_DIR
set -eu
build=$1
mlc=$build/mlc
here=$(dirname "$0")
model=docs/examples/fashion/fashion.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }

target=x86-avx2
"$mlc" optimize "$model" -t $target -o "$work/one" -q
"$mlc" optimize "$model" -t $target -o "$work/two" --dim batch=3 -q

# the same bytes again, in another place
mkdir "$work/again"
(cd "$work/again" && cp "$OLDPWD/$model" copy.onnx && "$(cd "$OLDPWD" && realpath "$mlc")" optimize copy.onnx -t $target -o one -q)
cmp "$work/one.o" "$work/again/one.o" || fail "two builds of one model differ"

for p in one two; do
    foreign=$(nm -g --defined-only "$work/$p.o" | awk '{print $3}' | grep -v "^${p}_" | grep -vx mlc_pool_v1 || true)
    [ -z "$foreign" ] || fail "$p.o exports $foreign"
    nm -g --defined-only "$work/$p.o" | grep -q ' W mlc_pool_v1' || fail "the pool of $p.o is not weak"
done

cc -std=c99 -Wall -Wextra -Werror -pedantic -D_POSIX_C_SOURCE=200112L -I"$work" "$here/two_models.c" "$work/one.o" "$work/two.o" -lm -lpthread -o "$work/prog"
[ "$(nm "$work/prog" | grep -c ' mlc_pool_v1$')" = 1 ] || fail "two artifacts have two thread pools"

# input: 3 images of bytes; `mlc run` sees the same floats
"$work/prog" input "$work/in.bin"
python3 - "$work/in.bin" "$work/in.npy" <<'P'
import sys
raw = open(sys.argv[1], "rb").read()
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 28, 28), }"
head += " " * (63 - (len(head) + 10) % 64) + "\n"
open(sys.argv[2], "wb").write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + raw)
P
env -i PATH=/nonexistent "$work/prog" run "$work/in.bin" "$work/out.bin"
"$mlc" run "$model" -t $target --input image="$work/in.npy" --output "$work/outdir" -q >/dev/null
out=$(ls "$work"/outdir/*)
python3 - "$work/out.bin" "$out" <<'P' || fail "the linked artifact and mlc run differ"
import sys
mine, run = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read()
sys.exit(0 if len(mine) == 120 and mine in run else 1)
P
echo "artifact: links alone, same bytes as mlc run, only its own symbols, one pool for two models"
