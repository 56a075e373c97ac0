#!/bin/sh
# Writes the ONNX models and data files that the pages of docs/errors/ show, into folder $1.
#
# awk builds protobuf messages as strings of '\0ooo', five characters a byte, which printf %b turns
# into bytes: num(field, value), str(field, text), sub_(field, message).
set -eu
cd "$1"

encoder='
function byte(v)       { return sprintf("\\0%03o", v) }
function varint(v,  s) { for (s = ""; v >= 128; v = int(v / 128)) s = s byte(v % 128 + 128)
                         return s byte(v) }
function num(f, v)     { return varint(f * 8) varint(v) }
function sub_(f, m)    { return varint(f * 8 + 2) varint(length(m) / 5) m }
function raw(t,  i, s) { for (i = 1; i <= length(t); i++) s = s byte(code[substr(t, i, 1)])
                         return s }
function str(f, t)     { return sub_(f, raw(t)) }
function zeros(n,  s)  { for (s = ""; n > 0; n--) s = s byte(0)
                         return s }
function dims(d,  n, i, a, s) { n = split(d, a, "x")
                                for (i = 1; i <= n; i++) s = s sub_(1, num(1, a[i]))
                                return s }
function value(name, d)    { return str(1, name) sub_(2, sub_(1, num(1, 1) sub_(2, dims(d)))) }
function node(op, in_, out) { return sub_(1, str(1, in_) str(2, out) str(3, out) str(4, op)) }
# A model with input x f32[2,3], output y; body: further fields of the graph.
function model(ir, opset, body) {
    body = body str(2, "g") sub_(11, value("x", "2x3")) sub_(12, value("y", "2x3"))
    return num(1, ir) sub_(7, body) sub_(8, num(2, opset)) }
function weights(d, more,  n, i, a, s) { n = split(d, a, "x")
                                         for (i = 1; i <= n; i++) s = s num(1, a[i])
                                         return sub_(5, s num(2, 1) str(8, "w") more) }
function add(more)     { return sub_(1, str(1, "x") str(1, "w") str(2, "y") str(4, "Add")) more }
BEGIN { for (i = 1; i < 128; i++) code[sprintf("%c", i)] = i }
'

# make FILE EXPRESSION [STATEMENTS before it]
make()
{
    printf %b "$(awk "$encoder BEGIN { ${3:-} printf \"%s\", $2 }" </dev/null)" >"$1"
}

make relu.onnx 'model(8, 17, node("Relu", "x", "y"))'
head -c 40 relu.onnx >half.onnx
make deep.onnx 'model(8, 17, node("Relu", "x", "y") sub_(13, str(1, "s") sub_(2, t)))' \
    't = sub_(1, num(1, 1)); for (i = 0; i < 300; i++) t = sub_(4, sub_(1, t));'
make vast.onnx 'model(8, 17, add(weights("2097152x1048576", "")))'
make short.onnx 'model(8, 17, add(weights("2x3", sub_(9, zeros(20)))))'
make outside.onnx 'model(8, 17, add(weights("2x3", e)))' \
    'e = sub_(13, str(1, "location") str(2, "../weights.bin")) num(14, 1);'
make twice.onnx 'model(8, 17, node("Relu", "x", "y") node("Abs", "x", "y"))'
make future.onnx 'model(8, 99, node("Relu", "x", "y"))'
make trained.onnx 'model(8, 17, node("Relu", "x", "y")) sub_(20, sub_(2, str(2, "adam")))'

# A test directory for `mlc verify`.
mkdir -p case/test_data_set_0
cp relu.onnx case/model.onnx
make case/test_data_set_0/input_0.pb 'num(1, 2) num(1, 3) num(2, 1) sub_(9, zeros(24)) str(8, "x")'
make case/test_data_set_0/output_0.pb 'num(1, 2) num(1, 3) num(2, 1) sub_(9, zeros(24)) str(8, "y")'

# npy FILE DTYPE SHAPE DATA: a NumPy file; the header has 118 bytes. DATA is for printf.
npy()
{
    header="{'descr': '$2', 'fortran_order': False, 'shape': ($3), }"
    printf '\223NUMPY\001\000\166\000%-117s\n' "$header" >"$1"
    printf "$4" >>"$1"
}

eight='\000\000\000\000\000\000\000\000'
npy wide.npy '<f4' '2, 4' "$eight$eight$eight$eight"
npy seven.npy '<i8' '1,' '\007\000\000\000\000\000\000\000'
npy one.npy '<i8' '1,' '\001\000\000\000\000\000\000\000'
head -c 140 wide.npy >cut.npy
