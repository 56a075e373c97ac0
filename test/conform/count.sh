#!/bin/sh
# Runs conformance cases and counts by operator what passes, in test/conform/counts.txt.
#
#     count.sh BUILD SUITE "TARGET[=RESULTS]..." DIR...
#
# RESULTS is what `mlc verify -t TARGET DIR...` printed; without it the cases are run.
set -eu
build=$1 suite=$2 targets=$3
shift 3
here=$(dirname "$0")
[ $# -gt 0 ] && [ -d "$1" ] || { echo "SKIP: no cases of $suite"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$build/mlc" list ops --json >"$work/ops.json"
dirs=$(echo "$@" | tr ' ' ,)
for t in $targets; do
    results=${t#*=} target=${t%%=*}
    if [ "$results" = "$t" ]; then
        results=$work/$target
        "$build/mlc" verify -t "$target" "$@" >"$results" 2>/dev/null || true
    fi
    "$here/count.py" "$work/ops.json" "$here/counts.txt" "$suite=$target=$results=$dirs"
    echo "$suite on $target: $(grep -c '^PASS' "$results") of $(grep -c '^[PFS][A-Z][A-Z][A-Z] ' "$results") cases pass"
done
