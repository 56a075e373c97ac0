"""ONNX messages as bytes, written by hand so that they can be wrong in any way.

A message is bytes; fields are concatenated. Names of fields follow onnx.proto.
"""
import struct

FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL = range(1, 10)
FLOAT16, DOUBLE, UINT32, UINT64, COMPLEX64, COMPLEX128, BFLOAT16 = range(10, 17)
F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, UINT4, INT4, FLOAT4 = range(17, 24)


def varint(v):
    v &= (1 << 64) - 1
    out = b""
    while v >= 0x80:
        out += bytes([v & 0x7F | 0x80])
        v >>= 7
    return out + bytes([v])


def tag(field, wire):
    return varint(field << 3 | wire)


def i(field, v):
    return tag(field, 0) + varint(v)


def f32(field, v):
    return tag(field, 5) + struct.pack("<f", v)


def b(field, v):
    v = v.encode() if isinstance(v, str) else v
    return tag(field, 2) + varint(len(v)) + v


def many(field, items):
    return b"".join(b(field, x) for x in items)


# ---- types ----
def dim(d):
    if d is None:
        return b""
    return b(2, d) if isinstance(d, str) else i(1, d)


def shape(dims):
    return many(1, [dim(d) for d in dims])


def tensor_type(elem, dims=None):
    return b(1, i(1, elem) + (b"" if dims is None else b(2, shape(dims))))


def sequence(t):
    return b(4, b(1, t))


def map_of(key, t):
    return b(5, i(1, key) + b(2, t))


def optional(t):
    return b(9, b(1, t))


def value(name, t=None):
    return b(1, name) + (b"" if t is None else b(2, t))


# ---- tensors ----
def raw(name, elem, dims, data):
    return b"".join(i(1, d) for d in dims) + i(2, elem) + b(8, name) + b(9, data)


def floats(name, dims, *v):
    return raw(name, FLOAT, dims, struct.pack("<%df" % len(v), *v))


def ints(name, dims, *v):
    return raw(name, INT64, dims, struct.pack("<%dq" % len(v), *v))


def typed(name, elem, dims, field):
    return b"".join(i(1, d) for d in dims) + i(2, elem) + b(8, name) + field


def entry(key, v):
    return b(1, key) + b(2, v)


def external(name, elem, dims, *pairs):
    return typed(name, elem, dims, many(13, [entry(k, v) for k, v in pairs]) + i(14, 1))


def sparse(values, indices, dims):
    return b(1, values) + b(2, indices) + b"".join(i(3, d) for d in dims)


# ---- attributes and nodes ----
def attr(name, kind, field):
    return b(1, name) + field + i(20, kind)


def a_float(name, v):
    return attr(name, 1, f32(2, v))


def a_int(name, v):
    return attr(name, 2, i(3, v))


def a_str(name, v):
    return attr(name, 3, b(4, v))


def a_tensor(name, t):
    return attr(name, 4, b(5, t))


def a_graph(name, g):
    return attr(name, 5, b(6, g))


def a_floats(name, *v):
    return attr(name, 6, b"".join(f32(7, x) for x in v))


def a_ints(name, *v):
    return attr(name, 7, b"".join(i(8, x) for x in v))


def a_strs(name, *v):
    return attr(name, 8, many(9, v))


def a_sparse(name, s):
    return attr(name, 11, b(22, s))


def a_type(name, t):
    return attr(name, 13, b(14, t))


def a_ref(name, of, kind):
    return b(1, name) + b(21, of) + i(20, kind)


def node(op, ins, outs, *attrs, name="", domain="", extra=b""):
    return (many(1, ins) + many(2, outs) + (b(3, name) if name else b"") + b(4, op)
            + many(5, attrs) + (b(7, domain) if domain else b"") + extra)


# ---- graphs and models ----
def graph(nodes, ins=(), outs=(), init=(), infos=(), sparse_init=(), name="g", extra=b""):
    return (many(1, nodes) + b(2, name) + many(5, init) + many(15, sparse_init) + many(11, ins)
            + many(12, outs) + many(13, infos) + extra)


def opset(version, domain=""):
    return (b(1, domain) if domain else b"") + i(2, version)


def model(g, opsets=((17, ""),), functions=(), ir=8, extra=b""):
    return (i(1, ir) + b(7, g) + many(8, [opset(v, d) for v, d in opsets]) + many(25, functions)
            + extra)


def function(name, ins, outs, nodes, domain="my", opsets=((17, ""),), attrs=(), extra=b""):
    return (b(1, name) + many(4, ins) + many(5, outs) + many(6, attrs) + many(7, nodes)
            + many(9, [opset(v, d) for v, d in opsets]) + b(10, domain) + extra)
