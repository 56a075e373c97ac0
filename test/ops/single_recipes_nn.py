"""Recipes of operators that are made of others: normalization, recurrence, attention, quantization,
resampling, losses, signals, strings, sequences, control flow. See single_make.py."""
import numpy as np
from onnx import TensorProto, helper

from single_make import WORDS, Case
from single_recipes import FLOATS, recipe


# ---- normalization ----
@recipe("LayerNormalization", "RMSNormalization")
def layer_norm(d):
    t, shape = d.dtype(among=FLOATS), d.shape(1, 4, zero=False)
    axis = d.axis(len(shape))
    tail = shape[axis:]
    ins = [d.calm(t, shape), d.calm(t, tail)]
    if d.op[0] == "L" and d.some():
        ins.append(d.calm(t, tail))
    return Case(d.op, ins, dict(axis=axis) | d.maybe(epsilon=1e-3),
                outputs=d.one(1, 1, 3) if d.op[0] == "L" else 1)


@recipe("GroupNormalization", "InstanceNormalization", "BatchNormalization")
def channel_norm(d):
    t, g, c = d.dtype(), d.int(1, 3), d.int(1, 3)
    c = c * g if d.op[0] == "G" else c
    x = d.calm(t, (d.int(1, 3), c) + d.shape(1, 3, zero=False))
    ins = [x, d.calm(t, (c,)), d.calm(t, (c,))]
    if d.op[0] == "B":
        ins += [d.calm(t, (c,)), d.pos(t, (c,))]
    return Case(d.op, ins, d.maybe(epsilon=1e-2) | (dict(num_groups=g) if d.op[0] == "G" else {}))


@recipe("LRN")
def lrn(d):
    x = d.calm(d.dtype(), d.shape(3, 5, zero=False))
    return Case(d.op, [x], dict(size=d.one(1, 3, 5)) | d.maybe(alpha=0.1, beta=0.5, bias=2.0))


@recipe("MeanVarianceNormalization")
def mvn(d):
    x = d.calm(d.dtype(), d.shape(4, 4, zero=False))
    return Case(d.op, [x], d.maybe(axes=d.one([0], [0, 2, 3], [2, 3], [1, 2])))


@recipe("Dropout")
def dropout(d):
    return Case(d.op, [d.data(d.dtype(), d.shape()), d.calm("f4", (), 0, 0.5) if d.some() else None],
                outputs=d.int(1, 2))


# ---- recurrence ----
@recipe("RNN", "GRU", "LSTM")
def recurrent(d):
    t = d.dtype(among=("float", "double", "float16"))
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[d.op]
    s, b, i, h = d.int(1, 4), d.int(1, 3), d.int(1, 4), d.int(1, 5)
    direction = d.one("forward", "reverse", "bidirectional")
    n = 2 if direction[0] == "b" else 1
    layout = d.one(0, 0, 1)
    state = (b, n, h) if layout else (n, b, h)
    ins = [d.calm(t, (b, s, i) if layout else (s, b, i)), d.calm(t, (n, gates * h, i), -1, 1),
           d.calm(t, (n, gates * h, h), -1, 1), d.calm(t, (n, 2 * gates * h)) if d.some() else None,
           d.ints([d.int(1, s) for _ in range(b)], "i4") if d.some(0.3) else None,
           d.calm(t, state) if d.some() else None]
    if d.op == "LSTM":
        ins += [d.calm(t, state) if d.some() else None, d.calm(t, (n, 3 * h)) if d.some(0.3) else None]
    attrs = dict(hidden_size=h, direction=direction) | (dict(layout=1) if layout else {}) | d.maybe(0.2, clip=0.8)
    if d.op == "GRU":
        attrs |= d.maybe(linear_before_reset=1)
    if d.op == "LSTM":
        attrs |= d.maybe(0.2, input_forget=1)
    return Case(d.op, ins, attrs, outputs=3 if d.op == "LSTM" else 2)


# ---- attention ----
@recipe("Attention")
def attention(d):
    t = d.dtype("T1", among=FLOATS)
    b, kv, s, p, k, v = d.int(1, 2), d.int(1, 2), d.int(1, 4), d.int(1, 5), 2 * d.int(1, 3), d.int(1, 5)
    q = kv * d.int(1, 2)
    flat = d.some(0.3)
    lay = (lambda n, l, e: (b, l, n * e)) if flat else (lambda n, l, e: (b, n, l, e))
    mask = None
    if d.some(0.4):
        mask = d.data(d.one("?", t), d.one((s, p), (b, q, s, p), (1, 1, s, p)), -1, 1, special=False)
        if mask.dtype == "?":
            mask[..., 0] = True
    attrs = d.maybe(0.3, is_causal=1, softcap=2.0, scale=0.4)
    if flat:
        attrs |= dict(q_num_heads=q, kv_num_heads=kv)
    return Case(d.op, [d.calm(t, lay(q, s, k)), d.calm(t, lay(kv, p, k)), d.calm(t, lay(kv, p, v)), mask], attrs)


@recipe("RotaryEmbedding")
def rotary(d):
    t, b, n, s, h = d.dtype(among=FLOATS), d.int(1, 2), d.int(1, 3), d.int(1, 4), 2 * d.int(1, 3)
    if d.some():
        at, cache = d.index(6, (b, s), False, "i8"), (6, h // 2)
    else:
        at, cache = None, (b, s, h // 2)
    return Case(d.op, [d.calm(t, (b, n, s, h)), d.calm(t, cache), d.calm(t, cache), at], d.maybe(interleaved=1))


@recipe("CausalConvWithState")
def causal_conv(d):
    b, c, n, k = d.int(1, 2), d.int(1, 3), d.int(1, 5), d.int(1, 4)
    t = d.dtype(among=("float", "float16"))
    return Case(d.op, [d.calm(t, (b, c, n)), d.calm(t, (c, 1, k)), d.calm(t, (c,)) if d.some() else None,
                       d.calm(t, (b, c, k - 1)) if d.some() and k > 1 else None], outputs=2)


@recipe("SwiGLU")
def swiglu(d):
    t, shape = d.dtype(), d.shape()
    return Case(d.op, [d.calm(t, shape), d.calm(t, shape)], d.maybe(alpha=1.5))


# ---- quantization ----
@recipe("QuantizeLinear", "DequantizeLinear")
def quantize(d):
    shape = d.shape(1, 4, zero=False)
    axis = d.axis(len(shape))
    q = d.one("u1", "i1", "u2", "i2")
    per = d.one("tensor", "axis", "block")
    attrs, dims = {}, ()
    if per != "tensor":
        attrs, dims = dict(axis=axis), (shape[axis],)
    if per == "block":
        size = d.int(1, shape[axis])
        attrs["block_size"] = size
        dims = list(shape)
        dims[axis] = -(-shape[axis] // size)
    t = d.one("f4", "f4", "f2")
    scale, zero = d.pos(t, dims, 0.05, 0.3), d.data(q, dims, -9, 9)
    if d.op[0] == "Q":
        x = d.calm(t, shape, -9, 9)
    else:
        x = d.data(q, shape, -120, 120)
    return Case(d.op, [x, scale, zero if d.some(0.7) or q != "u1" else None], attrs)


@recipe("DynamicQuantizeLinear")
def dynamic_quantize(d):
    return Case(d.op, [d.calm("f4", d.shape(0, 4, zero=False), d.one(-4, 1), 4)], outputs=3)


@recipe("QLinearMatMul")
def qlinear_matmul(d):
    t, u = d.one("u1", "i1"), d.one("u1", "i1")
    k, batch = d.int(1, 8), d.shape(0, 2, zero=False)
    s = lambda low, high: d.pos("f4", (), low, high)
    return Case(d.op, [d.data(t, batch + (d.int(1, 4), k), -99, 99), s(0.01, 0.1), d.data(t, (), 0, 9),
                       d.data(u, batch + (k, d.int(1, 4)), -99, 99), s(0.01, 0.1), d.data(u, (), 0, 9),
                       s(0.3, 1), d.data(t, (), 0, 9)])


@recipe("QLinearConv")
def qlinear_conv(d):
    t, c, m, k, s = d.one("u1", "i1"), d.int(1, 3), d.int(1, 4), d.int(1, 3), d.int(3, 6)
    w = "i1" if t == "i1" else d.one("u1", "i1")
    q = lambda low, high, dims=(): d.pos("f4", dims, low, high)
    bias = d.data("i4", (m,), -200, 200) if d.some() else None
    return Case(d.op, [d.data(t, (1, c, s, s), -99, 99), q(0.01, 0.1), d.data(t, (), 0, 9),
                       d.data(w, (m, c, k, k), -99, 99), q(0.01, 0.1, d.one((), (m,))), d.data(w, (), 0, 0),
                       q(0.3, 1), d.data(t, (), 0, 9), bias], d.maybe(pads=[k - 1] * 4, strides=[2, 2]))


# ---- resampling ----
@recipe("Resize")
def resize(d):
    x = d.calm(d.dtype("T1", among=("float", "double", "float16", "uint8", "int8", "int32")),
               (1, d.int(1, 2), d.int(2, 5), d.int(2, 5)), 0 if d.some(0.2) else -4, 9)
    attrs = dict(mode=d.one("nearest", "linear", "cubic"),
                 coordinate_transformation_mode=d.one("half_pixel", "asymmetric", "align_corners",
                                                      "pytorch_half_pixel", "half_pixel_symmetric"))
    if attrs["mode"] == "nearest":
        attrs |= d.maybe(nearest_mode=d.one("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"))
    elif x.dtype == "f4":
        attrs |= d.maybe(0.2, antialias=1)
    if attrs["mode"] == "cubic":
        attrs |= d.maybe(cubic_coeff_a=-0.5, exclude_outside=1)
    if d.some():
        f = lambda: d.one(0.5, 0.6, 1.5, 2.0, 3.0)
        return Case(d.op, [x, None, np.array([1, 1, f(), f()], "f4")], attrs)
    return Case(d.op, [x, None, None, d.ints([1, x.shape[1], d.int(1, 8), d.int(1, 8)])], attrs)


@recipe("GridSample")
def grid_sample(d):
    t = d.dtype("T1", among=("float", "double", "float16"))
    x, g = (1, 2, d.int(2, 4), d.int(2, 4)), (1, d.int(1, 4), d.int(1, 4), 2)
    modes = ("nearest", "linear", "cubic")
    if d.some(0.2):
        x, g, modes = x + (3,), (1, 2, 3, 2, 3), modes[:2]
    return Case(d.op, [d.calm(t, x), d.calm(t, g, -1.3, 1.3)],
                dict(mode=d.one(*modes)) | d.maybe(padding_mode=d.one("border", "reflection"), align_corners=1))


@recipe("AffineGrid")
def affine_grid(d):
    t, n, dims = d.dtype("T1", among=("float", "double")), d.int(1, 2), d.int(2, 3)
    attrs = d.maybe(align_corners=1)  # whose formula divides by 0 in a dimension of size 1
    size = [d.int(2 if attrs else 1, 4) for _ in range(dims)]
    return Case(d.op, [d.calm(t, (n, dims, dims + 1)), d.ints([n, 2] + size)], attrs)


# ---- losses ----
@recipe("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(d):
    t, c = d.dtype(among=("float", "double", "float16")), d.int(2, 5)
    n, tail = d.int(1, 4), d.shape(0, 2, zero=False)
    at = d.index(c, (n,) + tail, False)
    attrs = d.maybe(reduction=d.one("none", "sum"), ignore_index=0)
    if attrs.get("reduction") is None and "ignore_index" in attrs:
        at.reshape(-1)[0] = 1
    return Case(d.op, [d.calm(t, (n, c) + tail), at, d.pos(t, (c,)) if d.some() else None], attrs,
                outputs=2 if d.op[0] == "S" and d.some(0.3) else 1)


# ---- signals ----
@recipe("HannWindow", "HammingWindow", "BlackmanWindow")
def signal_window(d):
    return Case(d.op, [d.ints(d.int(1, 12), d.one("i4", "i8"))], d.maybe(periodic=0, output_datatype=d.one(1, 11)))


@recipe("MelWeightMatrix")
def mel(d):
    return Case(d.op, [d.ints(d.int(2, 8)), d.ints(d.one(16, 32)), d.ints(8000),
                       np.array(0, "f4"), np.array(d.one(2000, 4000), "f4")])


@recipe("DFT")
def dft(d):
    t, inverse = d.dtype("T1", among=("float", "double")), d.some(0.3)
    x = d.calm(t, (d.int(1, 2), d.int(1, 9), d.int(1, 4), 2 if inverse else d.int(1, 2)))
    axis = d.one(1, 1, 2, -2, -3)
    attrs = dict(inverse=1) if inverse else dict(onesided=1) if x.shape[-1] == 1 and d.some() else {}
    return Case(d.op, [x, d.ints(d.int(1, 9)) if d.some(0.3) else None, d.ints(axis)], attrs, fixed=(2,))


@recipe("STFT")
def stft(d):
    t, n, step = d.dtype("T1", among=("float", "double")), d.int(2, 6), d.int(1, 4)
    x = d.calm(t, (d.int(1, 2), n + step * d.int(0, 3), 1))
    return Case(d.op, [x, d.ints(step), d.calm(t, (n,)), d.ints(n)], d.maybe(onesided=0))


# ---- detection ----
@recipe("NonMaxSuppression")
def nms(d):
    n, c = d.int(1, 6), d.int(1, 2)
    boxes = np.sort(d.calm("f4", (1, n, 2, 2), 0, 9), 2).reshape(1, n, 4)
    scores = (d.rng.permutation(c * n).reshape(1, c, n) / (c * n)).astype("f4")
    ins = [boxes, scores, d.ints([d.int(0, 5)]), np.array([0.4], "f4"), np.array([0.2], "f4")]
    return Case(d.op, ins[:d.int(3, 5)])


# ---- strings ----
@recipe("StringConcat")
def string_concat(d):
    shape = d.shape()
    return Case(d.op, [d.data("O", d.narrowed(shape)), d.data("O", d.narrowed(shape))])


@recipe("StringSplit")
def string_split(d):
    return Case(d.op, [d.data("O", d.shape(1, 2, zero=False))],
                d.maybe(delimiter=d.one(",", "l", " "), maxsplit=d.int(1, 2)), outputs=2)


@recipe("RegexFullMatch")
def regex(d):
    pattern = d.one("[a-z]+", "a.*", ".", "\\d+", "(a|b|c)*", "[^x]*")
    return Case(d.op, [d.data("O", d.shape())], dict(pattern=pattern))


@recipe("StringNormalizer")
def normalizer(d):
    shape = d.one((d.int(1, 6),), (1, d.int(1, 6)))
    x = np.array([d.one(*[w for w in WORDS if w.isascii()]) for _ in range(shape[-1])], "O").reshape(shape)
    attrs = d.maybe(case_change_action=d.one("LOWER", "UPPER"), is_case_sensitive=1, stopwords=["a", "the"])
    return Case(d.op, [x], dict(locale="C") | attrs)


@recipe("TfIdfVectorizer")
def tf_idf(d):
    return Case(d.op, [d.index(4, d.one((6,), (2, 5)), False)],
                dict(mode=d.one("TF", "IDF", "TFIDF"), min_gram_length=d.int(1, 2), max_gram_length=2,
                     max_skip_count=d.int(0, 2), ngram_counts=[0, 3], ngram_indexes=[0, 1, 2, 3, 4],
                     pool_int64s=[0, 1, 2, 0, 1, 2, 3]) |
                d.maybe(weights=[1.0, 2.0, 0.5, 1.5, 3.0]))


# ---- sequences and optionals ----
def parts(d, t, n=None):
    rank = d.int(0, 3)
    return [d.data(t, d.shape(rank, rank)) for _ in range(n or d.int(1, 4))]


@recipe("SequenceAt", "SequenceErase", "SequenceLength", "SequenceInsert")
def sequence(d):
    seq = parts(d, np.dtype(d.one("f4", "f8", "i4", "i8", "?", "f2", "O")))
    at = d.ints(d.int(-len(seq), len(seq) - 1), d.one("i4", "i8"))
    if d.op == "SequenceLength":
        return Case(d.op, [seq])
    if d.op == "SequenceInsert":
        return Case(d.op, [seq, d.data(seq[0].dtype, seq[0].shape)] + ([at] if d.some() else []))
    return Case(d.op, [seq] + ([at] if d.op == "SequenceAt" or d.some() else []))


@recipe("SequenceConstruct")
def sequence_construct(d):
    return Case(d.op, parts(d, d.dtype()))


@recipe("ConcatFromSequence")
def concat_from_sequence(d):
    t, shape = d.one("f4", "i8", "f8"), d.shape(1, 4, zero=False)
    new = d.some()
    axis = d.axis(len(shape) + new)
    return Case(d.op, [[d.calm(t, shape) for _ in range(d.int(1, 4))]],
                dict(axis=axis) | (dict(new_axis=1) if new else {}))


@recipe("SplitToSequence")
def split_to_sequence(d):
    x = d.data(d.one("f4", "i4", "f8"), d.shape(1, 4, zero=False))
    axis = d.axis(x.ndim)
    how = d.one(None, d.ints(d.int(1, x.shape[axis])), d.ints([1] * x.shape[axis]))
    return Case(d.op, [x, how], dict(axis=axis) | (d.maybe(keepdims=0) if how is None else {}))


@recipe("OptionalHasElement", "OptionalGetElement")
def optional(d):
    return Case(d.op, [d.data(d.one("f4", "i8", "?"), d.shape())], opset=18)


# ---- control flow ----
def body(name, nodes, ins, outs):
    info = lambda n, t, dims=None: helper.make_tensor_value_info(n, t, dims)
    return helper.make_graph(nodes, name, [info(*i) for i in ins], [info(*o) for o in outs])


F, I, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


@recipe("If")
def if_(d):
    ops = ("Neg", "Abs", "Exp", "Relu")
    const = helper.make_node("Constant", [], ["c"], value_floats=[1.0, -2.0])
    branch = lambda n: body(n, [const, helper.make_node(d.one(*ops), ["c"], [n])], [], [(n, F)])
    return Case(d.op, [d.data("?", ())], dict(then_branch=branch("t"), else_branch=branch("e")))


@recipe("Loop")
def loop(d):
    op = d.one("Add", "Mul", "Sub", "Max")
    nodes = [helper.make_node(op, ["s", "s"] if d.some(0.3) else ["s", "s0"], ["so"]),
             helper.make_node("Identity", ["so"], ["scan"]), helper.make_node("Identity", ["c"], ["co"])]
    nodes.insert(0, helper.make_node("Cast", ["i"], ["s0"], to=F))
    graph = body("loop", nodes, [("i", I, ()), ("c", B, ()), ("s", F)], [("co", B, ()), ("so", F), ("scan", F)])
    return Case(d.op, [d.ints(d.int(0, 4)), np.array(d.some(0.8)), d.calm("f4", d.shape(0, 3))],
                dict(body=graph), outputs=2)


@recipe("Scan")
def scan(d):
    n, shape = d.int(1, 4), d.shape(0, 2)
    nodes = [helper.make_node(d.one("Add", "Mul", "Sub"), ["s", "x"], ["so"]), helper.make_node("Neg", ["so"], ["y"])]
    graph = body("scan", nodes, [("s", F), ("x", F)], [("so", F), ("y", F)])
    return Case(d.op, [d.calm("f4", shape), d.calm("f4", (n,) + shape)],
                dict(body=graph, num_scan_inputs=1) |
                d.maybe(scan_input_directions=[1], scan_output_directions=[1]), outputs=2)
