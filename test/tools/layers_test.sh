#!/bin/sh
# tools/layers.sh finds what it shall: every line below is put into a tree of its own and must be
# reported at the right place, however it is spelled; the allowed ones must pass.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# expect STATUS LINE FILE TEXT: FILE with that text; LINE is where the violation is reported.
expect()
{
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/$(dirname "$3")"
    printf "$4\n" > "$tree/$3"
    out=$("$here/tools/layers.sh" "$tree")
    status=$?
    if [ $status != "$1" ] || { [ "$1" = 1 ] && ! echo "$out" | grep -q "^$3:$2: "; }; then
        echo "FAIL $3 [$4]: exit $status, not $1; $out"
        failed=1
    fi
}

expect 0 0 ir/graph/a.c '#include "ir/base/str.h"\n#include <math.h>'
expect 0 0 cli/a.c '#include "codegen/lower/lower.h"\n#include "passes/pass.h"\n#include <jansson.h>'
expect 0 0 ir/ops/a.c '#include "ops.inc"\n#include "runtime/mlc_abi.h"'
expect 0 0 passes/quant/a.c '#include "passes/quant/q.h"\n#include "passes/pass.h"'
expect 0 0 ir/base/a.c '/* for example\n#include "cli/cli.h"\n*/'
expect 0 0 ir/base/a.c '// #include "cli/cli.h"'

expect 1 1 ir/base/a.c '#include "ir/expr/expr.h"'
expect 1 1 ir/expr/a.h '#include "ir/graph/graph.h"'
expect 1 1 ir/graph/a.c '#include "ir/kernel/kernel.h"'
expect 1 1 ir/kernel/a.c '#include "ir/ops/te.h"'
expect 1 1 ir/program/a.c '#include "ir/graph/graph.h"'
expect 1 1 ir/ops/a.c '#include "runtime/rt.h"'
expect 1 1 frontend/onnx/a.c '#include "passes/pass.h"'
expect 1 1 frontend/data/a.c '#include "frontend/onnx/onnx.h"'
expect 1 1 passes/a.c '#include "codegen/lower/lower.h"'
expect 1 1 passes/a.c '#include "frontend/onnx/onnx.h"'
expect 1 1 passes/quant/a.c '#include "passes/simplify/linear.h"'
expect 1 1 passes/a.c '#include "passes/simplify/linear.h"'
expect 1 1 codegen/lower/a.c '#include "passes/pass.h"'
expect 1 1 codegen/lower/a.c '#include "codegen/emit/llvm/emit.h"'
expect 1 1 codegen/target/x86/a.c '#include "codegen/lower/lower.h"'
expect 1 1 codegen/emit/c/a.c '#include "codegen/emit/llvm/emit.h"'
expect 1 1 runtime/a.c '#include "ir/base/base.h"'
expect 1 1 runtime/a.c '#include <zlib.h>'
expect 1 1 calib/a.c '#include "cli/cli.h"'
expect 1 1 cli/a.c '#include "test/passes/eval.h"'
expect 1 1 ir/kernel/a.def '#include "cli/cli.h"'
expect 1 1 ir/kernel/a.inc '#include "cli/cli.h"'
expect 1 1 ir/graph/a.c '#include "ir/expr/pool.h"'

expect 1 1 cli/a.c '#include <llvm-c/Core.h>'
expect 1 1 codegen/lower/a.c '#include <llvm-c/Core.h>'
expect 1 1 frontend/data/a.c '#include <protobuf-c/protobuf-c.h>'
expect 1 1 cli/a.c '#include "onnx.pb-c.h"'
expect 1 1 ir/base/a.c '#include <cblas.h>'
expect 1 1 codegen/lower/a.c '#include <openblas/cblas.h>'
expect 1 1 cli/a.c '#include <cmocka.h>'
expect 1 1 ir/graph/a.c '#include <jansson.h>'
expect 1 1 cli/a.c '#include "ops.inc"'

expect 1 2 ir/base/a.c '\n#include "../expr/expr.h"'
expect 1 1 ir/base/a.c '#include "expr.h"'
expect 1 1 ir/base/a.c '  #  include\t"cli/cli.h"'
expect 1 1 ir/base/a.c '#include"cli/cli.h"'
expect 1 1 ir/base/a.c '#/* */include "cli/cli.h"'
expect 1 1 ir/base/a.c '/* one */ #include /* two */ "cli/cli.h"'
expect 1 1 ir/base/a.c '#\\\ninclude "cli/cli.h"'
expect 1 1 ir/base/a.c '%%:include "cli/cli.h"'
expect 1 1 ir/base/a.c '#include_next "cli/cli.h"'
expect 1 2 ir/base/a.c '#define H "cli/cli.h"\n#include H'
expect 1 3 ir/base/a.c '/* a\n b */\n#include "cli/cli.h"'
expect 1 2 ir/base/a.c 'const char *s = "/*";\n#include "cli/cli.h"'
expect 1 2 ir/base/a.c '// /*\n#include "cli/cli.h"'
expect 1 1 utils/a.c 'int x;'
expect 1 1 a.c 'int x;'

[ $failed = 0 ] && echo "layers: every violation is found"
exit $failed
