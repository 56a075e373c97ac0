#!/bin/sh
# Every request for memory of a compilation refused once: the driver's, with machine code and with C
# source, for a model that compiles and for one that is refused; the code generator's; the runner's.
#
#     test/sweep/alloc.sh BUILD [SUITE...]       SUITE: c99 objects refused codegen runner (all)
#
# STEP=N in the environment takes every N-th request only.
set -u
build=$(cd "$1" && pwd) || exit 2
shift
[ $# -gt 0 ] || set -- refused c99 objects codegen runner
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C TERM=dumb
export MLC_CODEGEN="$build/mlc-codegen" MLC_RUNNER="$build/mlc-runner" MLC_RUNNER_JIT="$build/mlc-runner-jit"

under=$build/sweep # programs whose requests can be refused
model=$scratch/model.onnx
"$build/mlc" optimize -q "$here/model.mlc" -o "$model" || exit 2

failed=0
for suite; do
    mkdir "$scratch/$suite"
    set -- "$under/sweep" -j 2 -s "${STEP:-1}"
    case $suite in
    refused)
        "$@" -x 3 "$suite" "$scratch/$suite" "$under/mlc" optimize "$here/refused.mlc" -t c99 -o m ;;
    c99)
        "$@" "$suite" "$scratch/$suite" "$under/mlc" optimize "$model" -t c99 --emit \
            c,header,report,ir,onnx -MD -o m ;;
    objects)
        "$@" "$suite" "$scratch/$suite" "$under/mlc" optimize "$here/model.mlc" -t x86-avx2 -o m ;;
    codegen)
        MLC_CODEGEN=$under/mlc-codegen \
            "$@" "$suite" "$scratch/$suite" "$build/mlc" optimize "$model" -q -t x86-avx2 -o m ;;
    runner)
        MLC_RUNNER_JIT=$under/mlc-runner-jit \
            "$@" "$suite" "$scratch/$suite" "$build/mlc" optimize "$model" -t x86-avx2 -o m ;;
    *) echo "alloc.sh: no suite '$suite'"; exit 2 ;;
    esac || failed=1
done
exit $failed
