#!/bin/sh
# Line coverage by file and in all, of objects that were compiled with --coverage and run.
#
#     coverage.sh OBJECTS SOURCES LEAST      e.g. build/fuzz/cover frontend/onnx 80
#
# Exit 1 when fewer than LEAST percent of the lines were reached.
objects=$1 sources=$2 least=$3
for c in "$sources"/*.c; do
    echo "$c $(gcov -n -o "$objects/$sources" "$c" 2>/dev/null | awk -v file="File '$c'" '
        $0 == file { here = 1; next }
        here && /^Lines executed/ { split($0, part, "[:% ]+"); print part[3], part[5]; exit }')"
done | awk -v least="$least" '
    NF < 3 { printf "%-32s no lines were counted\n", $1; bad = 1; next }
    { printf "%-32s %6.1f %% of %4d lines\n", $1, $2, $3; hit += $2 / 100 * $3; all += $3 }
    END {
        printf "%-32s %6.1f %% of %4d lines, at least %d %% wanted\n", "all", 100 * hit / all, all, least
        exit bad || 100 * hit < least * all
    }'
