"""Graphs in the text form, and mlc.toml files."""
from seeds_ops import OPS


def number(t, v):
    return ("1" if v else "0") if t == "bool" else str(v) if t[0] in "iu" else float(v).hex()


def attr(v):
    if isinstance(v, list):
        return "[" + ", ".join(attr(e) for e in v) + "]"
    if isinstance(v, str):
        return '"' + v + '"'
    return "nan(0x7fc00000)" if v != v else float(v).hex() if isinstance(v, float) else str(v)


def one_operator(op, ins, attrs, nout, opset, domain=""):
    lines, names, symbols = [], [], []
    for k, x in enumerate(ins):
        names.append("_" if x is None else "%%i%d" % k)
        if x is None:
            continue
        t, dims, data = x
        symbols += [d for d in dims if isinstance(d, str) and d not in symbols]
        type_ = "%s[%s]" % (t, ",".join(str(d) for d in dims))
        if data is None:
            lines.append("in %%i%d : %s" % (k, type_))
        else:
            lines.append("const %%i%d : %s = {%s}" % (k, type_, ", ".join(number(t, v) for v in data)))
    outs = ["%%o%d" % k for k in range(nout)]
    given = " {%s}" % ", ".join("%s=%s" % (k, attr(v)) for k, v in attrs.items()) if attrs else ""
    lines.append("%s = %s%s(%s)%s" % (", ".join(outs), domain + "::" if domain else "", op, ", ".join(names), given))
    lines += ["out " + o for o in outs]
    lines = ["sym %s >= 1" % s for s in symbols] + lines
    return 'graph "g" opset %d {\n%s\n}\n' % (opset, "\n".join("  " + l for l in lines))


def g(*lines):
    return 'graph "g" opset 17 {\n%s\n}\n' % "\n".join(lines)


RELU = "%y = Relu(%x)"


def graphs():
    x = "in %x : f32[2,3]"
    deep = "f32[1]"
    for _ in range(80):
        deep = "seq(%s)" % deep
    return {
        "relu": g(x, RELU, "out %y : f32[2,3]"), "symbols": g("sym n >= 0 max 9 typical 4", "sym m >= 1", "in %x : f32[n,2*m+1,n*m,max(n,m)]", RELU, "out %y"),
        "quoted": g('sym "a b" >= 1', 'in %"x y\\"\\\\\\n\\x01" : f32["a b"]', 'out %"x y\\"\\\\\\n\\x01"'), "named": g(x, '%y : f32[2,3] = Relu(%x) name "r" from ["a", "b"]', "out %y"),
        "hex": g('const %x : u8[3] = hex "010203"', "out %x"), "splat": g("const %x : f32[1000] = splat {0x1p-1}", "out %x"), "ref": g('const %x : u8[8] = ref "w.bin" offset 8 size 8', "out %x"),
        "ref_up": g('const %x : u8[8] = ref "../w.bin" offset 0 size 8', "out %x"), "ref_abs": g('const %x : u8[8] = ref "/etc/passwd" offset 0 size 8', "out %x"), "ref_beyond": g('const %x : u8[8] = ref "w.bin" offset 60 size 8', "out %x"),
        "ref_huge": g('const %x : u8[8] = ref "w.bin" offset 18446744073709551615 size 8', "out %x"), "ref_absent": g('const %x : u8[8] = ref "none.bin" offset 0 size 8', "out %x"), "ref_size": g('const %x : u8[8] = ref "w.bin" offset 0 size 9', "out %x"),
        "strings": g('const %x : string[2] = {"a", ""}', "out %x"), "floats": g("const %x : f32[4] = {inf, -inf, nan(0x7fc00001), -0x0p+0}", "out %x"), "types": g("in %a : seq(f32[1])", "in %b : optional(i64[*])", "in %c : map(i64, f32[2])", "in %d : ?", "out %a", "out %b", "out %c", "out %d"),
        "body": g("in %c : bool[]", x, '%y = If(%c, %x) {else_branch=graph "e" opset 17 { in %x : f32[2,3] %e = Neg(%x) out %e }, then_branch=graph "t" opset 17 { in %x : f32[2,3] %t = Relu(%x) out %t }}', "out %y"),
        "omitted": g(x, "%y, _ = Dropout(%x, _, _)", "out %y"), "dims": g("sym n >= 1", "in %x : f32[floor_div(n, 2), cast_i64(3:i32), -n+4, (n+1)*(n-1), mod(n, 3), min(n, 7)]", "out %x"), "low_bits": g("const %x : i4[3] = {-8, 7, 0}", "const %y : u4[2] = {15, 0}", "const %z : bf16[1] = {0x1p+0}", "const %w : f8e4m3fn[1] = {0x1p+0}", "out %x", "out %y", "out %z", "out %w"),
        "tensor_attr": g('%y = Constant() {value=f32[2] {0x1p+0, 0x1p+1}}', "out %y"), "none_attr": g(x, "%y = Clip(%x, _, _)", "%z = Cast(%y) {to=none}", "out %z"), "comment": "# a\n" + g(x, RELU, "# b", "out %y"),
        "deep": g("in %x : " + deep, "out %x"), "deep_dim": g("sym n >= 1", "in %x : f32[" + "(" * 300 + "n" + ")" * 300 + "]", "out %x"), "deep_attr": g(x, "%y = Relu(%x) {a=" + "[" * 300 + "]" * 300 + "}", "out %y"), "twice": g(x, RELU, RELU, "out %y"), "undefined": g("%y = Relu(%x)", "out %y"), "cut": g(x, RELU)[:-4],
        "huge": g("in %x : f32[9223372036854775807,9223372036854775807]", "out %x"), "count": g("const %x : f32[3] = {0x1p+0}", "out %x"), "huge_const": g("const %x : f32[1099511627776] = splat {0x1p+0}", "out %x"), "rank": g("in %x : f32[" + ",".join(["1"] * 60) + "]", "out %x"), "number": g("in %x : f32[99999999999999999999999]", "out %x"), "escape": g('in %"\\xZZ" : f32[1]'), "sym_twice": g("sym n >= 1", "sym n >= 2", "in %x : f32[n]", "out %x"), "div_zero": g("sym n >= 0", "in %x : f32[floor_div(3, n), mod(3, 0)]", "out %x"), "overflow_dim": g("in %x : f32[4611686018427387904*4]", "out %x"), "bad_hex": g('const %x : u8[2] = hex "0g"', "out %x"), "unknown_op": g(x, "%y = com.x::Foo(%x)", "out %y"), "empty": "", "word": "graph",
    }


def files():
    out = {"graph_" + k: v for k, v in graphs().items()}
    out.update({"op_%03d_%s" % (k, row[0].lower()): one_operator(*row) for k, row in enumerate(OPS)})
    return out


def configs():
    return {
        "all": 'strict = true # comment\n[optimize]\ntarget = "x86-avx2"\nthreads = 4\ndim = ["batch=1", \'seq=128\',]\nlevel = 2\nemit = "obj,header"\nquantize = \'none\'\n[run]\ntop = 3\n[bench]\nmin-time = "5ms"\n',
        "sizes": '[optimize]\nmemory-limit = "512M"\nmax-size = 30MiB\n', "unknown": "targett = 1\n", "section": "[optimise]\n", "twice": "threads = 1\nthreads = 2\n", "string": 'target = "x\n', "escape": 'target = "a\\"b\\\\c\\n"\n', "list": 'dim = ["a=1" "b=2"]\n', "list_open": 'dim = [\n"a=1",\n# c\n', "value": "target =\n", "equals": "target x\n",
        "rest": "strict = true false\n", "number": "threads = 99999999999999999999\n", "negative": "threads = -1\n", "float": "[optimize]\nmax-error = 1e-3\n", "bool": "strict = maybe\n", "key": "= 1\n", "bracket": "[optimize\n", "empty": "", "config": 'config = "other.toml"\n', "crlf": "strict = true\r\n[run]\r\n", "nul": "strict = true\0\n", "choice": "level = 9\n", "utf8": 'target = "\u00fc"\n', "last": "strict = true",
    }
