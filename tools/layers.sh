#!/bin/sh
# Who may include whom: checks every #include of the tree against one table and prints each
# violation as FILE:LINE: reason. Exit 1 when there is one.
#
#     tools/layers.sh [ROOT]
#
# What is not allowed is forbidden: a file in a folder that the table does not know, a header that no
# rule permits, an include whose name is a macro or relative to its file, all are violations. The
# relation has no cycles because the table lists folders from the bottom up and a row may name only
# itself and rows above it; that is checked too.
cd "${1:-.}" || exit 2
find . -type f \( -name '*.[chS]' -o -name '*.def' -o -name '*.inc' -o -name '*.cc' -o -name '*.cpp' \
    -o -name '*.hpp' -o -name '*.cu' \) \
    ! -path './build*' ! -path './.git/*' ! -path './.cache/*' ! -path './docs/*' |
    sed 's|^\./||' | LC_ALL=C sort | {
    files=$(cat)
    [ -n "$files" ] || { echo "no sources below $PWD"; exit 2; }
    # shellcheck disable=SC2086
    exec awk '
BEGIN {
    # Folders from the bottom up: what a file there may include, itself aside.
    row("runtime",          "")
    row("ir/base",          "")
    row("ir/target.h",      "ir/base")
    row("ir/plan.h",        "ir/base")
    row("ir/expr",          "ir/base")
    row("ir/graph",         "ir/expr ir/base")
    row("ir/kernel",        "ir/expr ir/base")
    row("ir/ops",           "ir/graph ir/kernel ir/expr ir/base runtime/mlc_abi.h")
    row("ir/program",       "ir/kernel ir/expr ir/base runtime")
    row("frontend/data",    "ir")
    row("frontend/onnx",    "ir frontend/data")
    row("frontend",         "ir")
    row("passes",           "ir")
    row("codegen/target",   "ir runtime")
    row("codegen/lower",    "ir codegen/target")
    row("codegen/emit/llvm",   "ir runtime codegen/target")
    row("codegen/emit/object", "ir runtime codegen/target")
    row("codegen/emit/c",      "ir runtime codegen/target")
    row("codegen/emit/header", "ir runtime codegen/target")
    row("codegen/emit/report", "ir runtime codegen/target")
    row("codegen/run",      "ir runtime codegen/target")
    row("calib",            "ir passes codegen")
    row("cli",              "ir passes codegen calib frontend runtime")
    row("test",             "ir passes codegen calib frontend runtime cli")

    # Headers of libraries, and where alone they may appear. Other <...> headers are of the system.
    only("^<llvm-c/",       "codegen/emit codegen/target codegen/run/jit")
    only("^<llvm/",         "")
    only("^<protobuf-c/",   "frontend/onnx")
    only("^<google/",       "")
    only("^<(cblas|lapacke?|openblas).*",  "calib")
    only("^<openblas/",     "calib")
    only("^<cmocka",        "test")
    only("^<jansson",       "cli codegen/emit/report test")
    only("^<(sodium|xxhash|zlib|zconf)", "ir cli codegen frontend test")
    only("^<cuda",          "")

    # Generated headers, which lie in the build folder, and who may include them.
    generated("ops.inc",      "ir/ops")
    generated("targets.inc",  "codegen/target")
    generated("onnx.pb-c.h",  "frontend/onnx test/frontend")

    # Headers that are the inside of one folder.
    inside("ir/base/arena_impl.h",  "ir/base")
    inside("ir/expr/pool.h",        "ir/expr")
    inside("ir/graph/text_parse.h", "ir/graph")
    inside("ir/kernel/interp.h",    "ir/kernel")
    inside("codegen/lower/lowering.h", "codegen/lower")
    inside("passes/rewrite.h",      "passes test/passes")
    bad += check_table()
}

function row(folder, allowed) { order[++rows] = folder; may[folder] = allowed }
function only(pattern, where) { lib[++libs] = pattern; lib_where[libs] = where }
function generated(name, where) { gen[name] = where; is_gen[name] = 1 }
function inside(name, where) { private_to[name] = where }

# Is path the folder (or file) `top`, or below it?
function below(path, top) { return path == top || index(path, top "/") == 1 }
function in_any(path, list,    n, part, i) {
    n = split(list, part, " ")
    for (i = 1; i <= n; i++)
        if (below(path, part[i])) return 1
    return 0
}
# The most specific row for a path.
function row_of(path,    i, best) {
    for (i = 1; i <= rows; i++)
        if (below(path, order[i]) && length(order[i]) > length(best)) best = order[i]
    return best
}
# Groups of passes never include each other: the group of passes/GROUP/..., else "".
function group_of(path,    part) {
    if (split(path, part, "/") >= 3 && part[1] == "passes") return part[2]
    return ""
}
function check_table(    i, k, n, part, at, errors) {
    for (i = 1; i <= rows; i++) place[order[i]] = i
    for (i = 1; i <= rows; i++) {
        n = split(may[order[i]], part, " ")
        for (k = 1; k <= n; k++)
            for (at in place)
                if (below(at, part[k]) && place[at] > i && at != order[i]) {
                    print "tools/layers.sh: " order[i] " may include " at ", which stands above it"
                    errors++
                }
    }
    return errors + 0
}
function complain(text) { printf "%s:%d: %s\n", FILENAME, line, text; bad++ }

function check_system(name,    i, known) {
    for (i = 1; i <= libs; i++)
        if (name ~ lib[i]) {
            if (!in_any(FILENAME, lib_where[i]))
                complain(name " may only appear in " (lib_where[i] ? lib_where[i] : "no folder"))
            return
        }
    if (below(FILENAME, "runtime") && name !~ /^<[a-z0-9_]+(\/[a-z0-9_]+)?\.h>$/)
        complain("the runtime includes the C library only, not " name)
}
function check_own(name,    from) {
    if (name in is_gen) {
        if (!in_any(FILENAME, gen[name])) complain(name " may only be included in " gen[name])
        return
    }
    if (name ~ /(^|\/)\.\.?\//) {
        complain("\"" name "\" is relative: name it from the root")
        return
    }
    if (name in private_to && !in_any(FILENAME, private_to[name]))
        complain(name " is private to " private_to[name])
    from = row_of(FILENAME)
    if (below(name, "test") && from != "test")
        complain("only tests include " name)
    else if (from == "test" && name !~ /\//)
        return # the header of an artifact that the test makes
    else if (!row_of(name))
        complain("\"" name "\" lies in no known folder: name it from the root")
    else if (row_of(name) != from && !in_any(name, may[from]))
        complain(from " must not include " name)
    else if (group_of(name) != "" && group_of(name) != group_of(FILENAME) && from == "passes")
        complain("one group of passes must not include another: " name)
}

FNR == 1 {
    joined = ""
    in_comment = 0
    if (!row_of(FILENAME)) { line = 1; complain("the table knows no folder for this file") }
}
{
    # Lines joined by a backslash, then comments: what the compiler sees.
    text = joined $0
    if (joined == "") line = FNR
    if (text ~ /\\$/) { joined = substr(text, 1, length(text) - 1); next }
    joined = ""
    if (in_comment) {
        if (!match(text, /\*\//)) next
        text = substr(text, RSTART + 2)
        in_comment = 0
    }
    while (match(text, /\/\*/)) {
        head = substr(text, 1, RSTART - 1)
        # not inside a string or after //
        quotes = gsub(/"/, "\"", head)
        if (quotes % 2 || head ~ /\/\//) break
        rest = substr(text, RSTART + 2)
        if (!match(rest, /\*\//)) { in_comment = 1; text = head; break }
        text = head " " substr(rest, RSTART + 2)
    }
    if (text !~ /^[ \t\f\v]*(#|%:|\?\?=)[ \t\f\v]*(include|include_next|import|embed)[^a-z_]/) next
    sub(/^[ \t\f\v]*(#|%:|\?\?=)[ \t\f\v]*(include_next|include|import|embed)[ \t\f\v]*/, "", text)
    if (match(text, /^<[^>]*>/)) check_system(substr(text, RSTART, RLENGTH))
    else if (match(text, /^"[^"]*"/)) check_own(substr(text, RSTART + 1, RLENGTH - 2))
    else complain("the name of an include must be written out")
}
END { exit bad > 0 }
' $files
}
