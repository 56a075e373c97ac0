#!/usr/bin/env bash
# Adding an operator touches one file: a copy of the tree gets a single new file in ir/ops, is built,
# and knows the operator: it is listed, parsed, typed, folded, simplified and printed.
#
#     test/ops/one_file_test.sh [BUILD]     BUILD: a build folder whose objects are reused
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "${1:-$root/build}")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

cp -a "$root/Makefile" "$root/make" "$root/ir" "$root/frontend" "$root/passes" "$root/codegen" \
    "$root/cli" "$root/runtime" "$tree"
[ ! -d "$root/calib" ] || cp -a "$root/calib" "$tree"
mkdir "$tree/build"
cp -a "$build/gen" "$build/obj" "$build/libmlc.a" "$tree/build"
# Dependencies name the build folder they were made for.
find "$tree/build/obj" -name '*.d' -exec sed -i "s|$build/|build/|g; s|${1:-build}/|build/|g" {} +

cat > "$tree/ir/ops/zz_square_plus_one.c" <<'OP'
/* SquarePlusOne: y = x * x + 1. */
#include "ir/ops/op.h"

static void define(Te *t, const Node *n)
{
    (void)n;
    te_stage(t, te_out(t, 0));
    Ex x = te_load_bcast(t, te_in(t, 0));
    te_yield(t, te_add(t, te_mul(t, x, x), te_like(t, x, 1)));
}

OP(square_plus_one) = {
    .name = "SquarePlusOne", .domain = "example", .since = {1}, .min_in = 1, .max_in = 1,
    .traits = OP_ELEMENTWISE, .infer = infer_same, .define = define, .doc = "y = x * x + 1",
};
OP

before=$(cd "$tree" && find build/obj -name '*.o' | wc -l)
make -s -C "$tree" BUILD=build build/mlc
after=$(cd "$tree" && find build/obj -newer ir/ops/zz_square_plus_one.c -name '*.o' | wc -l)

cat > "$tree/example.mlc" <<'TEXT'
graph "g" opset 17 {
  in %x : f32[3]
  const %c : f32[3] = {1, 2, 3}
  %a = example::SquarePlusOne(%c)
  %b = example::SquarePlusOne(%x)
  %s = example::SquarePlusOne(%x)
  %t = Add(%a, %b)
  %y = Mul(%t, %s)
  out %y
}
TEXT
cat > "$tree/expected" <<'TEXT'
graph "g" opset 17 {
  in %x : f32[3]
  const %a : f32[3] = {0x1p+1, 0x1.4p+2, 0x1.4p+3}
  %b : f32[3] = example::SquarePlusOne(%x) from ["b", "s"]
  %t : f32[3] = Add(%a, %b)
  %y : f32[3] = Mul(%t, %b)
  out %y : f32[3]
}
TEXT
"$tree/build/mlc" list ops | grep -q 'SquarePlusOne' || { echo "mlc list ops does not show it"; exit 1; }
"$tree/build/mlc" ir "$tree/example.mlc" -p fold,cse > "$tree/actual"
diff -u "$tree/expected" "$tree/actual"
echo "one file: the operator is there; $after of $before objects were compiled for it"
