#!/bin/sh
# Rules of style that a machine can check; prints each violation as FILE:LINE: reason, exit 1 when
# there is one.
#
#     CC="gcc -I..." tools/lint.sh
#
#   length     files of at most 600 lines (tests: 800), functions of at most 80
#   words      no unfinished work, no paths of one machine, no names that say nothing
#   headers    every header compiles alone
#   folders    every folder of the first two levels with sources has a README.md
#   include    x.c includes x.h first, where there is one
#   json       JSON goes to stdout by out_json(): jansson's memory lies in an arena, free() would die
cd "$(dirname "$0")/.." || exit 2
: "${CC:=gcc -std=gnu11 -D_GNU_SOURCE -I.}"
bad=0
report() { [ -z "$1" ] || { echo "$1"; bad=1; }; }

# Files of the tree by pattern, those not yet committed included.
sources()
{
    git ls-files -co --exclude-standard "$@" | while read -r f; do
        [ -f "$f" ] && echo "$f"
    done | LC_ALL=C sort
}

report "$(sources '*.c' '*.h' '*.def' '*.inc' '*.sh' | xargs awk '
    function close_file() { if (last > most) print name ":" last ": " last " lines, at most " most }
    FNR == 1 { close_file(); name = FILENAME; most = name ~ /^test\// ? 800 : 600; start = 0 }
    { last = FNR }
    /[ \t]$/ { print FILENAME ":" FNR ": space at the end of the line" }
    FILENAME !~ /\.[chi]/ { next }
    /^{/ { start = FNR }
    /^}/ && start {
        if (FNR - start > 80)
            print FILENAME ":" start ": a function of " FNR - start " lines, at most 80"
        start = 0
    }
    END { close_file() }')"

# The words are cut in two so that this file does not contain them.
words="TO""DO|FIX""ME|XX""X[^a-zA-Z_]|HA""CK"
paths="/ho""me/|/wo""rk/|/ro""ot/|/Us""ers/"
report "$(sources '*.c' '*.h' '*.def' '*.inc' '*.sh' '*.mk' '*.md' '*.py' Makefile |
    xargs grep -nE "(^|[^a-zA-Z_])($words)|(^|[^a-zA-Z0-9._/-])($paths)" |
    sed 's/^\([^:]*:[0-9]*\):.*/\1: unfinished work, or a path of one machine/')"
report "$(sources | grep -E '(^|/)(utils?|common|misc|helpers?)(\.[a-z]+|/|$)' |
    sed 's/$/:1: a name that says nothing/')"

report "$(sources 'cli/*.c' 'codegen/*.c' | xargs grep -n 'json_dumps(' |
    sed 's/^\([^:]*:[0-9]*\):.*/\1: json_dumps(): out_json() needs no free()/')"

for h in $(sources '*.h'); do
    flags=
    case $h in codegen/emit/llvm/*) flags=${LLVM_CFLAGS:-} ;; esac
    # shellcheck disable=SC2086
    out=$(printf '#include "%s"\n' "$h" | $CC $flags -Werror=implicit -fsyntax-only -x c - 2>&1) ||
        report "$h:1: does not compile alone: $(echo "$out" | grep -m1 error)"
done

for d in $(sources '*.c' '*.h' | awk -F/ 'NF > 1 { print $1 } NF > 2 { print $1 "/" $2 }' |
    grep -vE '^(docs|tools|test/)' | LC_ALL=C sort -u); do
    [ -f "$d/README.md" ] || report "$d:1: no README.md"
done

for c in $(sources '*.c'); do
    h=${c%.c}.h
    [ -f "$h" ] || continue
    first=$(grep -m1 -n '^#include' "$c")
    case $first in *"\"$h\""*) ;; *) report "$c:${first%%:*}: includes another header before $h" ;; esac
done
exit $bad
