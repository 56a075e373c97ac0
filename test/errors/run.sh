#!/bin/sh
# The pages of docs/errors/ against mlc.
#
#     test/errors/run.sh [-u] BUILD [CODE...]    -u: write what came out into the pages
#
# Every code of ir/base/diag.def has a page, every page a code, and README.md lists them. The
# ```console blocks of a page are run, in order, in a folder with test/errors/data and the models
# of models.sh: '$ command', then its output; '$ echo $?' shows its exit code. The first block shows
# the code and fails, the others succeed. So does every `mlc ...` command that the page or a help
# line of its output names.
set -u
update=
[ "${1:-}" = -u ] && { update=1; shift; }
build=$(cd "$1" && pwd) || exit 2
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
pages=$root/docs/errors
no_example=' E0901 ' # a defect that is known is mended
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
PATH=$build:$PATH LC_ALL=C TERM=xterm TMPDIR=$scratch
export PATH LC_ALL TERM TMPDIR
unset NO_COLOR MLC_CODEGEN MLC_RUNNER MLC_RUNNER_JIT

failed=0
fail()
{
    echo "FAIL errors/$1: $2"
    failed=1
}

# CODE, severity and title of every row.
sed -n 's/^X(\([A-Z0-9]*\), *\([A-Z]*\), *"\(.*\)")$/\1 \2 \3/p' "$root/ir/base/diag.def" \
    >"$scratch/codes"
[ "$(grep -c '^X(' "$root/ir/base/diag.def")" = "$(wc -l <"$scratch/codes")" ] ||
    fail diag.def "a row of another form"

# One command; its exit code goes to $status.
status=0
shown()
{
    if [ "$1" = 'echo $?' ]; then
        echo $status
        return
    fi
    timeout 60 sh -c "$1" </dev/null >"$scratch/out" 2>&1
    status=$?
    sed 's/ *$//' "$scratch/out"
}

# The page with the output of its commands in place; the exit code that each block ended with goes
# to $scratch/ends.
fresh()
{
    inside='' status=0
    : >"$scratch/ends"
    while IFS= read -r line; do
        case $inside$line in
        '```console') inside=: ;;
        ':```') inside='' && echo "$status" >>"$scratch/ends" ;;
        ':$ '*) printf '%s\n' "$line" && shown "${line#??}" && continue ;;
        :*) continue ;;
        esac
        printf '%s\n' "$line"
    done
}

# The `mlc ...` of text and 'mlc ...' of help lines, one a line.
commands()
{
    sed '/^```/,/^```/d' "$1" | grep -o '`mlc [^`]*`' | tr -d '`'
    sed -n 's/^  help: //p' "$1" | grep -o "'mlc [^']*'" | tr -d "'"
}

check_page()
{
    code=$1 page=$pages/$1.md
    title=$(sed -n "s/^$code [A-Z]* //p" "$scratch/codes")
    [ "$(head -n 1 "$page")" = "# $code: $title" ] || fail "$code" "its heading is not '$title'"
    lines=$(sed '/^```/,/^```/d' "$page" | wc -l)
    [ "$lines" -ge 4 ] || fail "$code" "$lines lines of text"
    rm -rf "$scratch/work"
    cp -R "$scratch/data" "$scratch/work" && cd "$scratch/work" || exit 2
    fresh <"$page" >"$scratch/page"
    commands "$scratch/page" | sort -u >"$scratch/commands"
    while IFS= read -r command; do
        sh -c "$command" </dev/null >"$scratch/out" 2>&1 ||
            fail "$code" "'$command' ends with $?: $(head -n 1 "$scratch/out")"
    done <"$scratch/commands"
    cd "$root" || exit 2
    case $no_example in
    *" $code "*) return ;;
    esac
    [ "$update" ] && cat "$scratch/page" >"$page"
    diff -u "$page" "$scratch/page" || fail "$code" "other output"
    sed -n '/^```console/,/^```$/p' "$scratch/page" | sed '/^```$/q' >"$scratch/first"
    grep -q -e "\[$code\]: " -e ": $code: " "$scratch/first" || fail "$code" "no example"
    grep -q -F '$ echo $?' "$scratch/first" || fail "$code" "the example shows no exit code"
    case $code$(head -n 1 "$scratch/ends") in
    E????0) fail "$code" "the example succeeds" ;;
    esac
    sed 1d "$scratch/ends" | grep -qv '^0$' && fail "$code" "a remedy fails"
}

mkdir "$scratch/data" && cp "$here"/data/* "$scratch/data" && "$here/models.sh" "$scratch/data" ||
    exit 2
if [ $# = 0 ]; then
    all=1
    set -- $(cut -d ' ' -f 1 "$scratch/codes")
else
    all=
fi
for code; do
    if [ -f "$pages/$code.md" ]; then
        check_page "$code"
    else
        fail "$code" "no page"
    fi
done

if [ "$all" ]; then
    for page in "$pages"/[A-Z][0-9]*.md; do
        code=$(basename "$page" .md)
        grep -q "^$code " "$scratch/codes" || fail "$code" "a page, but no row in diag.def"
    done
    while read -r code severity title; do
        echo "| [$code]($code.md) | $(echo "$severity" | tr A-Z a-z) | $title |"
    done <"$scratch/codes" >"$scratch/table"
    if [ "$update" ]; then
        sed '/^| \[/d' "$pages/README.md" | sed "/^|---/r $scratch/table" >"$scratch/readme"
        cat "$scratch/readme" >"$pages/README.md"
    fi
    grep '^| \[' "$pages/README.md" | diff -u - "$scratch/table" ||
        fail README "its table is out of date: test/errors/run.sh -u BUILD"
fi
[ $failed = 0 ] && echo "PASS errors ($# codes)"
exit $failed
