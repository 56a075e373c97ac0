#!/bin/sh
# The code generator, and all of mlc, under every limit of memory that is worth a try: each run ends
# with exit code 0 and all outputs, or with 4, one error and the old outputs.
#
#     test/sweep/memory.sh BUILD
set -u
build=$(cd "$1" && pwd) || exit 2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
TMPDIR=$scratch/tmp LC_ALL=C TERM=dumb
export TMPDIR LC_ALL TERM
unset MLC_CODEGEN MLC_RUNNER MLC_RUNNER_JIT
mkdir "$scratch/out" "$scratch/tmp" "$scratch/new"
runs=0 short=0 failed=0

optimize() { "$build/mlc" optimize -q "$here/model.mlc" -t x86-avx2 "$@" 2>"$scratch/err"; }
optimize -o "$scratch/new/m" || { cat "$scratch/err"; exit 2; }

# Are the outputs as in $scratch/new? The report tells the limit, the times differ.
is_new()
{
    for f in m.o m.h; do
        cmp -s "$scratch/new/$f" "$scratch/out/$f" || return 1
    done
    for f in m.json m.time.json; do
        [ "$(tail -n 1 "$scratch/out/$f")" = '}' ] || return 1
    done
}

# judge EXIT WHAT
judge()
{
    runs=$((runs + 1))
    bad=
    case $1 in
    0) is_new || bad='the outputs are not complete' ;;
    4)
        short=$((short + 1))
        [ "$(cat "$scratch"/out/* | sort -u)" = old ] || bad='the old outputs are gone'
        [ "$(grep -c '^error' "$scratch/err")" = 1 ] || bad='not one error'
        grep -q -e 'out of memory' -e 'cannot start' "$scratch/err" || bad='memory is not named'
        ;;
    *) bad="exit code $1" ;;
    esac
    [ "$(ls "$scratch/out" "$scratch/tmp" | grep -c .)" = 6 ] || bad='a file is left' # with 2 names
    [ -z "$bad" ] || { echo "FAIL memory: $2: $bad"; cat "$scratch/err"; failed=$((failed + 1)); }
}

renew()
{
    rm -rf "$scratch"/tmp/* "$scratch"/out/*
    for f in m.o m.h m.json m.time.json; do echo old >"$scratch/out/$f"; done
}

codegen() # KIB
{
    renew
    optimize -X "codegen-memory=${1}K" -o "$scratch/out/m"
    judge $? "the code generator in $1 KiB"
}

all() # KIB
{
    renew
    (ulimit -v "$1" && optimize -o "$scratch/out/m")
    judge $? "mlc in $1 KiB"
}

# Where it begins to suffice, by bisection; around there small steps.
low=1024 high=1048576
while [ $((high - low)) -gt 512 ]; do
    middle=$(((low + high) / 2))
    if optimize -X "codegen-memory=${middle}K" -o "$scratch/out/m"; then high=$middle; else low=$middle; fi
done
for k in $(seq 1024 16384 "$low") $(seq $((low - 12288)) 512 $((low + 2048))); do codegen "$k"; done

low=1024 high=1048576
while [ $((high - low)) -gt 64 ]; do
    middle=$(((low + high) / 2))
    if (ulimit -v $middle && "$build/mlc" --version >"$scratch/err") 2>&1; then high=$middle; else low=$middle; fi
done >"$scratch/err" 2>&1
for k in $(seq "$high" 64 $((high + 4096))) $(seq $((high + 4096)) 8192 300000); do all "$k"; done

word=PASS
[ $failed = 0 ] || word=FAIL
echo "$word memory: $runs limits, $short too small, $failed failed"
[ $failed = 0 ]
