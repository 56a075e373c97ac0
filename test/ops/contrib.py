#!/usr/bin/env python3
"""Operators of com.microsoft, and Scan of opset 8, against ONNX Runtime: one node a case, random data
from a fixed seed, with fixed and with dynamic shapes.

    contrib.py MLC [TARGET...]

What ONNX Runtime computes becomes the expected output of a test directory; `mlc verify` must pass
every one for each TARGET (default host and interp).
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(7)
folder = None


def floats(*shape):
    return rng.standard_normal(shape).astype("f4")


def bytes_of(kind, low, high, *shape):
    return rng.integers(low, high, shape).astype(kind)


def ints(*values):
    return np.array(values, "i4")


def scalar(kind, value):
    return np.array(value, kind)


def save(name, model, feeds):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options,
                                   providers=["CPUExecutionProvider"])
    data = os.path.join(folder, name, "test_data_set_0")
    os.makedirs(data)
    onnx.save(model, os.path.join(folder, name, "model.onnx"))
    named = [("input", x.name, feeds[x.name]) for x in model.graph.input]
    named += [("output", y.name, a) for y, a in zip(model.graph.output, session.run(None, feeds))]
    counts = {"input": 0, "output": 0}
    for kind, value, array in named:
        with open(os.path.join(data, f"{kind}_{counts[kind]}.pb"), "wb") as f:
            f.write(numpy_helper.from_array(array, value).SerializeToString())
        counts[kind] += 1


def case(name, op, ins, outs=("y",), dyn=None, consts=(), **attrs):
    """ins: name -> array, None where omitted; outs: names, "name:TYPE" where not float; dyn: input
    name -> dimensions that stay open."""
    names = [k if v is not None else "" for k, v in ins.items()]
    while not names[-1]:
        names.pop()
    outs = [(o.split(":") + ["FLOAT"])[:2] for o in outs]
    node = helper.make_node(op, names, [o[0] for o in outs], domain="com.microsoft", **attrs)
    inputs, data = [], []
    for k, v in ins.items():
        if v is None:
            continue
        if k in consts:
            data.append(numpy_helper.from_array(v, k))
            continue
        shape = [f"{k}_{i}" if i in (dyn or {}).get(k, ()) else d for i, d in enumerate(v.shape)]
        inputs.append(helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), shape))
    outputs = [helper.make_tensor_value_info(o, getattr(TensorProto, t), None) for o, t in outs]
    graph = helper.make_graph([node], "g", inputs, outputs, data)
    model = helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    save(name, model, {k: v for k, v in ins.items() if v is not None and k not in consts})


def multi_head_attention():
    b, s, t, n, h = 2, 3, 5, 2, 4
    d, op = n * h, "MultiHeadAttention"
    q, k, v = floats(b, s, d), floats(b, t, d), floats(b, t, n * 6)
    mask = ints([1, 1, 1, 0, 0], [1, 0, 1, 1, 1])
    past = dict(pk=floats(b, n, 4, h), pv=floats(b, n, 4, h))
    bias = floats(2 * d + n * 6)

    def go(name, a, outs=("y",), **attrs):
        order = ("q", "k", "v", "b", "m", "a", "pk", "pv")
        case("mha_" + name, op, {x: a.get(x) for x in order}, outs, num_heads=n, **attrs)

    qkv = dict(q=q, k=k, v=v)
    same = dict(q=q, k=floats(b, s, d), v=floats(b, s, d))
    all_outs = ("y", "k2", "v2")
    go("plain", qkv)
    go("bias", dict(qkv, b=bias), scale=0.3)
    go("keys", dict(qkv, m=mask))
    go("lengths", dict(qkv, m=ints(3, 5)))
    go("pairs", dict(qkv, m=bytes_of("i4", 0, 2, b, s, t)), mask_filter_value=-5.0)
    go("added", dict(qkv, a=floats(1, n, s, t)))
    go("both", dict(qkv, b=bias, m=mask, a=floats(b, 1, s, t)))
    go("causal", same, unidirectional=1)
    go("past", dict(same, **past), all_outs, unidirectional=1)
    go("past_lengths", dict(same, m=ints(5, 7), **past), all_outs)
    go("ready", dict(q=q, k=floats(b, n, t, h), v=floats(b, n, t, h), b=floats(3 * d)))
    go("scores", dict(q=q, k=k, v=floats(b, t, d), m=mask), all_outs + ("scores",))
    go("dynamic", dict(qkv, b=bias, m=mask), dyn=dict(q=(0, 1), k=(0, 1), v=(0, 1), m=(0, 1)))
    go("dynamic_past", dict(same, **past), all_outs, unidirectional=1,
       dyn=dict(q=(0, 1), k=(0, 1), v=(0, 1), pk=(0, 2), pv=(0, 2)))


def self_attention():
    b, s, n, h = 2, 3, 2, 4
    d = n * h
    x, w, bias, past = floats(b, s, 6), floats(6, 3 * d), floats(3 * d), floats(2, b, n, 4, h)
    mask, long = ints([1, 1, 0], [0, 1, 1]), ints([1, 1, 0, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1, 1])

    def go(name, m=None, p=None, a=None, outs=("y",), w=w, bias=bias, **attrs):
        case("attention_" + name, "Attention", dict(x=x, w=w, b=bias, m=m, p=p, a=a), outs,
             num_heads=n, **attrs)

    go("plain")
    go("sizes", w=floats(6, 2 * d + 12), bias=floats(2 * d + 12), qkv_hidden_sizes=[d, d, 12])
    go("keys", mask)
    go("lengths", ints(2, 3))
    go("ranges", ints(2, 3, 0, 1))
    go("pairs", bytes_of("i4", 0, 2, b, s, s))
    go("causal", outs=("y", "p2"), unidirectional=1, scale=0.7)
    go("past", long, past, outs=("y", "p2"), unidirectional=1)
    go("added", mask, a=floats(b, n, s, s))
    go("dynamic", long, past, outs=("y", "p2"), unidirectional=1, consts=("w", "b"),
       dyn=dict(x=(0, 1), m=(0, 1), p=(1, 3)))

    def quantized(name, m=None, p=None, outs=("y",), columns=False, **attrs):
        shape = (3 * d,) if columns else ()
        scale = np.full(shape, 0.01, "f4") * (1 + rng.random(shape).astype("f4"))
        case("qattention_" + name, "QAttention",
             dict(x=bytes_of("u1", 0, 255, b, s, 6), w=bytes_of("i1", -100, 100, 6, 3 * d), b=bias,
                  xs=scalar("f4", 0.02), ws=scale.astype("f4"), m=m, xz=scalar("u1", 120),
                  wz=np.full(shape, 0 if columns else 3, "i1"), p=p),
             outs, num_heads=n, consts=("w", "ws", "wz"), **attrs)

    quantized("plain")
    quantized("past", long, past, ("y", "p2"), unidirectional=1)
    quantized("columns", mask, columns=True)


def group_query_attention():
    n, m, h = 4, 2, 16
    tables = dict(c=floats(16, h // 2), s=floats(16, h // 2))
    order = ("q", "k", "v", "pk", "pv", "l", "t", "c", "s", "places", "a")

    def go(name, s, past, lens, total, extra=None, packed=False, outs=("y", "k2", "v2"), **attrs):
        b = len(lens)
        a = dict(q=floats(b, s, (n + 2 * m * packed) * h), pk=floats(b, m, past, h),
                 pv=floats(b, m, past, h), l=ints(*[x - 1 for x in lens]), t=scalar("i4", total))
        if not packed:
            a.update(k=floats(b, s, m * h), v=floats(b, s, m * h))
        a.update(extra or {})
        case("gqa_" + name, "GroupQueryAttention", {x: a.get(x) for x in order}, outs, num_heads=n,
             kv_num_heads=m, **attrs)

    go("prompt", 3, 0, [3, 3], 3)
    go("decode", 1, 4, [5, 5], 5)
    go("packed", 1, 4, [5, 5], 5, packed=True)
    go("turned_prompt", 3, 0, [3, 3], 3, tables, do_rotary=1)
    go("turned", 1, 4, [5, 5], 5, tables, do_rotary=1)
    go("turned_pairs", 1, 4, [5, 5], 5, tables, packed=True, do_rotary=1, rotary_interleaved=1)
    go("places", 1, 4, [5, 5], 5, dict(tables, places=np.array([[2], [3]])), do_rotary=1)
    go("ragged_prompt", 3, 0, [3, 2], 3)
    go("ragged", 1, 4, [5, 3], 5, tables, do_rotary=1)
    go("chunk", 2, 4, [6], 6, tables, do_rotary=1)
    go("room", 1, 8, [5, 5], 5)
    go("window", 3, 4, [7], 7, local_window_size=2)
    go("cap", 3, 0, [3, 3], 3, softcap=2.0, scale=0.4)
    go("added", 1, 4, [5, 5], 5, dict(a=floats(1, n, 1, 5)))
    go("dynamic", 1, 4, [5, 5], 5, tables, do_rotary=1,
       dyn=dict(q=(0, 1), k=(0, 1), v=(0, 1), pk=(0, 2), pv=(0, 2), l=(0,)))


def cache_has_readers():
    """What reads an output whose size the run finds out."""
    n, m, h = 4, 2, 16
    feeds = dict(q=floats(2, 1, n * h), k=floats(2, 1, m * h), v=floats(2, 1, m * h),
                 pk=floats(2, m, 4, h), pv=floats(2, m, 4, h), l=ints(4, 4), t=scalar("i4", 5))
    inputs = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
              for k, v in feeds.items()]
    nodes = [helper.make_node("GroupQueryAttention", list(feeds), ["y", "k2", "v2"],
                              domain="com.microsoft", num_heads=n, kv_num_heads=m),
             helper.make_node("Relu", ["k2"], ["r"]),
             helper.make_node("Concat", ["r", "k2"], ["c"], axis=2)]
    outputs = [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in ("y", "c")]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs), ir_version=8,
                              opset_imports=[helper.make_opsetid("", 17),
                                             helper.make_opsetid("com.microsoft", 1)])
    save("gqa_readers", model, feeds)


def embeddings():
    b, s, v, h = 2, 3, 11, 8
    ids, seg, mask = bytes_of("i4", 0, v, b, s), bytes_of("i4", 0, 2, b, s), ints([1, 1, 0], [1, 1, 1])

    def go(name, outs, seg=None, table=None, mask=None, places=None, **attrs):
        case("embed_" + name, "EmbedLayerNormalization",
             dict(i=ids, s=seg, w=floats(v, h), p=floats(9, h), g=table, ga=floats(h), be=floats(h),
                  m=mask, places=places), outs, **attrs)

    go("all", ("y", "c:INT32", "sum"), seg, floats(2, h), mask, epsilon=1e-6)
    go("places", ("y", "c:INT32"), places=ints([2, 1, 0]))
    go("dynamic", ("y", "c:INT32"), seg, floats(2, h), mask, consts=("w", "p", "g"),
       dyn=dict(i=(0, 1), s=(0, 1), m=(0, 1)))


def rotary():
    def go(name, x, places, width=4, **attrs):
        case("rotary_" + name, "RotaryEmbedding",
             dict(x=x, p=np.array(places), c=floats(8, width), s=floats(8, width)), **attrs)

    rows = [[0, 1, 2], [3, 4, 5]]
    go("plain", floats(2, 3, 16), rows)
    go("offset", floats(2, 3, 16), [2], interleaved=1)
    go("by_head", floats(2, 2, 3, 8), [2])
    go("part", floats(2, 3, 16), rows, 2, num_heads=2, rotary_embedding_dim=4)
    go("dynamic", floats(2, 3, 16), [2], dyn=dict(x=(0, 1)))


def pool_and_range():
    case("pool_signed", "NhwcMaxPool", dict(x=bytes_of("i1", -100, 100, 1, 5, 6, 3)), ("y:INT8",),
         kernel_shape=[2, 3], pads=[0, 1, 0, 1], strides=[2, 1])
    case("pool_ceil", "NhwcMaxPool", dict(x=bytes_of("u1", 0, 100, 2, 5, 6, 3)), ("y:UINT8",),
         kernel_shape=[3, 3], ceil_mode=1, strides=[2, 2])
    case("range", "Range", dict(a=scalar("i4", 1), b=scalar("i4", 9), c=scalar("i4", 3)), ("y:INT32",))
    case("range_no_step", "Range", dict(a=scalar("f4", 1), b=scalar("f4", 4)))


def dynamic_quantize_lstm():
    s, b, i, h = 5, 2, 6, 4

    def go(name, dirs=1, lens=None, state=False, bias=True, peep=False, columns=False, **attrs):
        shape = (dirs, 4 * h) if columns else (dirs,)

        def scale():
            return (rng.random(shape) * 0.01 + 0.005).astype("f4")

        def zero():
            return bytes_of("i1", 0, 1, *shape) if columns else bytes_of("i1", -5, 5, *shape)

        a = dict(x=floats(s, b, i), w=bytes_of("i1", -100, 100, dirs, i, 4 * h),
                 r=bytes_of("i1", -100, 100, dirs, h, 4 * h),
                 b=floats(dirs, 8 * h) if bias else None, l=None if lens is None else ints(*lens),
                 h=floats(dirs, b, h) if state else None, c=floats(dirs, b, h) if state else None,
                 p=floats(dirs, 3 * h) if peep else None, ws=scale(), wz=zero(), rs=scale(), rz=zero())
        case("lstm_" + name, "DynamicQuantizeLSTM", a, ("y", "h_last", "c_last"), hidden_size=h,
             consts=("w", "r", "ws", "wz", "rs", "rz"), **attrs)

    go("plain")
    go("no_bias", bias=False)
    go("peepholes", state=True, peep=True)
    go("reverse", direction="reverse")
    go("both_ways", 2, state=True, direction="bidirectional")
    go("lengths", lens=[5, 3])
    go("lengths_reverse", lens=[5, 3], direction="reverse")
    go("columns", columns=True)
    go("activations", activations=["Sigmoid", "Relu", "Tanh"], clip=2.0)
    go("dynamic", dyn=dict(x=(0, 1)))


def scan_over_a_batch():
    def value(name, *shape, kind=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    step = helper.make_graph([helper.make_node("Add", ["s", "x"], ["so"]),
                              helper.make_node("Mul", ["so", "k"], ["z"])], "step",
                             [value("s", 2), value("x", 2)], [value("so", 2), value("z", 2)])
    factor = helper.make_node("Constant", [], ["k"],
                              value=numpy_helper.from_array(np.array([2, 3], "f4")))
    for lens in (False, True):
        for backwards in (0, 1):
            for b, s in ((3, 4), ("b", "s")):
                scan = helper.make_node("Scan", ["lens" if lens else "", "init", "x"], ["last", "y"],
                                        body=step, num_scan_inputs=1, directions=[backwards])
                inputs = [value("init", b, 2), value("x", b, s, 2)]
                feeds = dict(init=floats(3, 2), x=floats(3, 4, 2))
                if lens:
                    inputs.append(value("lens", b, kind=TensorProto.INT64))
                    feeds["lens"] = np.array([4, 2, 1])
                graph = helper.make_graph([factor, scan], "g", inputs,
                                          [value("last", b, 2), value("y", b, s, 2)])
                model = helper.make_model(graph, ir_version=3,
                                          opset_imports=[helper.make_opsetid("", 8)])
                save(f"scan_{lens}_{backwards}_{b}", model, feeds)


def main(mlc, targets, makers):
    """Makes the cases, then has mlc verify them. True when a target fails."""
    global folder
    ort.set_default_logger_severity(3)
    with tempfile.TemporaryDirectory() as folder:
        for make in makers:
            make()
        failed = 0
        for target in targets:
            done = subprocess.run([mlc, "verify", "-t", target, folder], capture_output=True, text=True)
            lines = done.stdout.splitlines()
            print("\n".join(x for x in lines[:-1] if not x.startswith("PASS")), end="")
            print(f"{target}: {lines[-1] if lines else done.stderr.strip()}")
            skipped = [x for x in lines if x.startswith("SKIP") and "tensors of strings" not in x]
            failed += done.returncode != 0 or len(skipped) > 0
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or ["host", "interp"],
                  (multi_head_attention, self_attention, group_query_attention, cache_has_readers,
                   embeddings, rotary, pool_and_range, dynamic_quantize_lstm, scan_over_a_batch)))
