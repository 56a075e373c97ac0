#!/bin/sh
# Transcript tests of the command line.
#
#     test/cli/run.sh [-u] BUILD [NAME...]       -u: write what came out as expected
#
# test/cli/NAME.txt holds cases: '$ command' is run by sh, then follow its exit code ('?', left out
# when 0), its stdout ('>') and its stderr ('!'). '=' and '#' lines are kept as they are. Commands
# of one file run in one scratch folder with copies of test/cli/data, with mlc in PATH.
set -u
update=
[ "${1:-}" = -u ] && { update=1; shift; }
build=$(cd "$1" && pwd) || exit 2
shift
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d) || exit 2
trap 'chmod -R u+w "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
PATH=$build:$PATH LC_ALL=C TERM=xterm
export PATH LC_ALL TERM
unset NO_COLOR MLC_CODEGEN

# One case: its transcript on stdout.
transcript()
{
    printf '$ %s\n' "$1"
    timeout 120 sh -c "$1" >"$scratch/out" 2>"$scratch/err" </dev/null
    code=$?
    [ $code = 0 ] || printf '? %d\n' $code
    sed 's/^/> /; s/ *$//' "$scratch/out"
    sed 's/^/! /; s/ *$//' "$scratch/err"
}

failed=0
[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*.txt | sed 's|^\./||; s|\.txt$||')
for name; do
    work=$scratch/work
    mkdir -p "$work/tmp" && cp "$here"/data/* "$work" && chmod u+w "$work"/* && cd "$work" || exit 2
    TMPDIR=$work/tmp
    export TMPDIR
    while IFS= read -r line; do
        case $line in
        '$ '*) transcript "${line#??}" ;;
        '? '* | '> '* | '! '* | '>' | '!') ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$here/$name.txt" >"$scratch/$name.got"
    cd "$here" || exit 2
    chmod -R u+w "$work"
    rm -rf "$work"
    if [ "$update" ]; then
        cat "$scratch/$name.got" >"$here/$name.txt"
    elif diff -u "$here/$name.txt" "$scratch/$name.got"; then
        echo "PASS cli/$name ($(grep -c '^\$ ' "$here/$name.txt") commands)"
    else
        echo "FAIL cli/$name"
        failed=1
    fi
done
exit $failed
