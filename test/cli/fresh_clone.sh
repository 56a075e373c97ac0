#!/bin/sh
# A user's first try: a fresh clone, make, the first model, the first program.
#
#     test/cli/fresh_clone.sh
#
# What is committed must be enough: nothing of this folder but its history is used, and the clone
# must be as clean after the build as before.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail()
{
    echo "FAIL cli/fresh_clone: $1"
    exit 1
}
cd "$scratch"
git clone -q "$root" clone || fail "git clone"
cd clone
make -s -j"$(nproc)" >"$scratch/make.log" 2>&1 || { tail -n 20 "$scratch/make.log"; fail make; }
[ -z "$(git status --porcelain)" ] || fail "the build leaves files that git does not ignore"
PATH=$PWD/build:$PATH
mkdir "$scratch/first" && cd "$scratch/first"
cp ../clone/docs/examples/fashion/fashion.onnx .
mlc -h >help.txt || fail "mlc -h"
mlc inspect fashion.onnx >inspect.txt || fail "mlc inspect"
mlc optimize fashion.onnx -t host --dim batch=1 >out.txt 2>err.txt || fail "mlc optimize: $(cat err.txt)"
grep -q '^wrote ./fashion.o ' err.txt || fail "mlc optimize does not say what it wrote"
cat >main.c <<'EOF'
#include "fashion.h"
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    static float image[fashion_image_COUNT], logits[fashion_logits_COUNT];
    void *workspace = aligned_alloc(64, fashion_WORKSPACE_BYTES + 64);
    fashion_io io = {.image = image, .logits = logits};
    int status = fashion_run(&io, workspace);
    printf("%d, %d logits\n", status, fashion_logits_COUNT);
    return status;
}
EOF
cc -Wall -Werror main.c fashion.o -lm -lpthread -o first || fail "cc"
[ "$(./first)" = "0, 10 logits" ] || fail "the first program prints: $(./first)"
mlc run fashion.onnx --top 3 >run.txt || fail "mlc run"
mlc bench fashion.onnx --dim batch=1 --min-time 50ms >bench.txt || fail "mlc bench"
mlc profile fashion.onnx --dim batch=1 --min-time 50ms >profile.txt || fail "mlc profile"
echo "PASS cli/fresh_clone"
