#!/usr/bin/env bash
# Artifacts between guard pages, fed with shapes and data that contradict the model: an error code,
# never an access outside of a buffer.
#
#   guard.sh BUILD_DIR [TRIALS]
set -eu
mlc=$(cd "$1" && pwd)/mlc
trials=${2:-200}
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }

cc -std=gnu11 -O1 -Wall -Wextra -Werror -I. "$here/guard.c" -ldl -o "$work/guard"
for model in "$here"/guard/*.mlc; do
    "$mlc" optimize "$model" -t host -q -o "$work/$(basename "$model" .mlc).so"
done

# STATUS MODEL ARGUMENT...: statuses are those of runtime/mlc_abi.h, shape 1, index 2, division 3
expect()
{
    local want=$1 model=$2 got
    shift 2
    got=$("$work/guard" "$work/$model.so" "$model" "$@") || fail "$model $*: exit $?"
    [ "${got#* }" = "$want" ] || { echo "FAIL: $model $*: $got, not $want"; bad=1; }
    cases=$((cases + 1))
}
cases=0 bad=0
while read -r line; do
    # shellcheck disable=SC2086 # words
    [ -z "$line" ] || expect $line
done <<'T'
0 add dims=4,4
0 add dims=1,4
1 add dims=2,3
1 add dims=-1,4
1 add dims=4611686018427387904,4
0 matmul dims=3,17,17
1 matmul dims=3,17,16
0 concat dims=2,5,2
1 concat dims=2,5,3
0 conv dims=5,5
1 conv dims=2,9
0 reshape dims=4 shape=2,3,4
0 reshape dims=4 shape=0,2,-1
1 reshape dims=4 shape=2,-1,0
1 reshape dims=4 shape=2,3,5
1 reshape dims=4 shape=-1,-1,4
1 reshape dims=4 shape=7,-1,1
0 expand dims=3 shape=3,4
1 expand dims=3 shape=2,4
0 slice dims=6 from=-3,0 to=1000000000000,5 step=1,2
0 slice dims=6 from=-1000000000000,4 to=9,-9 step=1,-1
1 slice dims=6 from=0,0 to=6,5 step=1,0
0 pad dims=3 pads=2,0,2,0
1 pad dims=0 pads=2,0,2,0
1 pad dims=3 pads=-2,0,-2,0
1 pad_constant dims=3 pads=-4,0,0,0
1 tile dims=3 repeats=-1,1
5 fill shape=1073741824,1073741824
1 fill shape=-1,2
2 gather dims=3 i=0,1,2,3
0 gather dims=3 i=-3,1,2,0
2 gather dims=0 i=0,0,0,0
2 gather_elements dims=2 i=0,1,0,0,1,2
2 gather_nd dims=2 i=0,0,1,3,1,4,0,0,0,0
2 scatter_nd dims=2 i=0,0,1,3,-3,0
2 scatter_elements dims=2 i=0,1,0,0,1,2
0 top_k dims=5 k=5
1 top_k dims=5 k=6
1 top_k dims=5 k=-1
1 resize dims=0 sizes=1,1,2,8
2 reverse_sequence dims=3 lengths=1,2,4
2 lstm dims=3 lengths=1,4
2 roi_align dims=2 batch=0,1,2
0 scan dims=3,3
1 scan dims=3,2
3 divide dims=2 y=1,0
0 split dims=0
2 loss dims=2 t=0,4
1 cumsum dims=2 axis=2
T
[ $bad = 0 ] || exit 1
echo "guard: $cases statuses as they should be"
for model in "$here"/guard/*.mlc; do
    name=$(basename "$model" .mlc)
    out=$("$work/guard" "$work/$name.so" "$name" "trials=$trials") || fail "$name: $out"
done
echo "guard: $(ls "$here"/guard/*.mlc | wc -l) models, $trials trials of each inside their buffers"
