#!/usr/bin/env bash
# Real models against the outputs of an independent runtime.
#
#   run.sh MLC TARGET
#
# The models lie in $MLC_SHARED/models (default ../shared). LIST names those that must pass; the
# others are compiled too and reported.
set -u
mlc=$1 target=$2
here=$(dirname "$0")
models=${MLC_SHARED:-../shared}/models
if [ ! -d "$models" ]; then
    echo "SKIP: real models are not at $models (set MLC_SHARED)"
    exit 0
fi
must=$(sed 's/#.*//' "$here/must_pass.txt")
failed=0
for name in $must; do
    "$mlc" verify -t "$target" "$models/$name" 2>&1 | head -1 | tee /dev/stderr | grep -q '^PASS' || failed=$((failed + 1))
done 2>&1
echo "$target: $(echo "$must" | wc -w) models, $failed failed"
[ "$failed" = 0 ]
