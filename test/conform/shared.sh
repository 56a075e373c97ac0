#!/usr/bin/env bash
# The conformance suites that are too large for the repository, where they are: the newest ONNX backend
# suite and the cases of older releases, whose operators have older versions.
#
#   shared.sh MLC TARGET SHARED
#
# SHARED/onnx-backend holds node, simple ...; SHARED/onnx-backend-old/TAG/node the older cases. One name
# may pass under one tag and fail under another: not_passing_shared.txt has lines `tag name reason`.
set -u
here=$(dirname "$0")
mlc=$1 target=$2 shared=$3
if [ ! -d "$shared/onnx-backend/node" ]; then
    echo "SKIP: no conformance suites at $shared (set MLC_SHARED)"
    exit 0
fi
expected=$(mktemp)
trap 'rm -f "$expected"' EXIT
bad=0
run_tag()
{
    tag=$1
    shift
    sed -n "s/^$tag  *//p" "$here/not_passing_shared.txt" >"$expected"
    printf '%s ' "$tag:"
    "$here/run.sh" "$mlc" "$target" "$expected" "$@" || bad=1
}
run_tag newest "$shared"/onnx-backend/{node,simple,pytorch-converted,pytorch-operator}
for folder in "$shared"/onnx-backend-old/*/node; do
    run_tag "$(basename "$(dirname "$folder")")" "$folder"
done
exit $bad
