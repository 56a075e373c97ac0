#!/bin/sh
# Does fuzzing find bugs? Each patch of planted/ makes one: NUMBER_TARGET_NAME.patch, in one C file. It
# is applied to a scratch copy of that file, which is linked with the rest of the target, and the
# target runs from the corpus until it stops or the time is over. Run by `make fuzz-planted`.
#
#     planted.sh FUZZ SECONDS [NAME...]      FUZZ: the folder of the targets
#
# CC and FLAGS compile, LIBS links. Every bug must be found; and the target without it must pass the
# same corpus, or the finding would mean nothing.
set -u
fuzz=$1 seconds=$2
shift 2
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
planted=0 found=0

corpus() # TARGET
{
    echo "test/fuzz/corpus/$1"
    [ "$1" != program ] || echo "$fuzz/programs"
}

# build PATCH TARGET FILE: $scratch/fuzz
build()
{
    mkdir -p "$scratch/src/$(dirname "$3")" && cp "$3" "$scratch/src/$3" &&
        patch -s -d "$scratch/src" -p1 <"$1" || return 1
    mutate=
    [ "$2" != onnx ] || mutate=$fuzz/obj/test/fuzz/onnx_mutate.o
    $CC $FLAGS -w -c "$scratch/src/$3" -o "$scratch/bug.o" &&
        $CC $(echo "$FLAGS" | sed 's/fuzzer-no-link/fuzzer/') "$scratch/bug.o" \
            "$fuzz/obj/test/fuzz/$2_fuzz.o" "$fuzz/obj/test/fuzz/fuzz.o" $mutate "$fuzz/libmlc.a" \
            $LIBS -o "$scratch/fuzz"
}

# A finding is more than an exit code: libFuzzer writes the input that shows it.
hunt() # TARGET
{
    rm -rf "$scratch/seen" "$scratch/found" && mkdir "$scratch/seen" "$scratch/found"
    dict=test/fuzz/$1.dict
    [ -f "$dict" ] && dict=-dict=$dict || dict=
    "$scratch/fuzz" -seed=1 $dict -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2560 -verbosity=0 \
        -artifact_prefix="$scratch/found/" "$scratch/seen" $(corpus "$1") >"$scratch/log" 2>&1
    [ $? != 0 ] && [ -n "$(ls "$scratch/found")" ]
}

why()
{
    sed -n -e 's/^broken promise: /broken promise: /p' -e 's/.*\(runtime error: .*\)/\1/p' \
        -e 's/^==[0-9]*== *ERROR: \(.*\)/\1/p' "$scratch/log" | head -n 1 | cut -c 1-80
}

for p in test/fuzz/planted/*.patch; do
    name=$(basename "$p" .patch)
    [ $# = 0 ] || echo " $* " | grep -q " $name " || continue
    target=$(echo "$name" | cut -d _ -f 2)
    file=$(sed -n 's|^+++ b/||p' "$p")
    planted=$((planted + 1))
    if ! "$fuzz/$target" -runs=0 $(corpus "$target") >"$scratch/log" 2>&1; then
        echo "FAIL planted: $target fails without a bug"
    elif ! build "$p" "$target" "$file"; then
        echo "FAIL planted: $name does not build"
    else
        start=$(date +%s)
        if hunt "$target"; then
            found=$((found + 1))
            echo "$name: found in $(($(date +%s) - start)) s: $(why)"
        else
            echo "FAIL planted: $name is not found in $seconds s"
        fi
    fi
done
word=FAIL
[ $planted = 0 ] || [ $planted != $found ] || word=PASS
echo "$word planted: $found of $planted bugs found"
[ $word = PASS ]
