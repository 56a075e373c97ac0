#!/usr/bin/env bash
# The ONNX backend conformance suite against one target, compared with what is expected.
#
#   run.sh MLC TARGET EXPECTED SUITE_DIR...
#
# EXPECTED lists the cases that do not pass, one a line: `name  reason`. A case that fails or is
# skipped and is not listed is an error; so is a listed case that passes, so the list stays true.
# With KEEP in the environment what mlc printed goes to that file too.
set -u
mlc=$1 target=$2 expected=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for suite in "$@"; do
    [ -d "$suite" ] || { echo "SKIP: $suite is not there"; continue; }
    "$mlc" verify -t "$target" "$suite" 2>/dev/null
done >"$work/out"
[ -z "${KEEP:-}" ] || cp "$work/out" "$KEEP"
grep -c '^PASS' "$work/out" >"$work/passed"
sed -n 's/^\(FAIL\|SKIP\) \([^:]*\):.*/\2/p' "$work/out" | LC_ALL=C sort -u >"$work/not"
sed 's/[[:space:]]*#.*//; /^$/d; s/[[:space:]].*//' "$expected" | LC_ALL=C sort -u >"$work/want"
bad=0
for name in $(comm -23 "$work/not" "$work/want"); do
    grep -m1 "^[A-Z]* $name:" "$work/out"
    bad=$((bad + 1))
done
while read -r name; do
    if grep -q "^PASS $name\$" "$work/out"; then
        echo "PASS $name, though $expected lists it"
        bad=$((bad + 1))
    fi
done <"$work/want"
total=$(grep -c '^\(PASS\|FAIL\|SKIP\)' "$work/out")
if [ "$total" = 0 ]; then
    echo "SKIP: no conformance cases found (package libonnx-testdata)"
    exit 0
fi
echo "$target: $(cat "$work/passed") of $total conformance cases pass, $(wc -l <"$work/not") listed or new, $bad unexpected"
[ "$bad" = 0 ]
