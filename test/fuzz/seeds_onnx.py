"""Models for the ONNX target: what the reader understands, and every way it is known to be attacked."""
import struct

import proto as p
from seeds_ops import OPS

X = p.value("x", p.tensor_type(p.FLOAT, ["batch", 3]))
Y = p.value("y", p.tensor_type(p.FLOAT, ["batch", 3]))
RELU = p.node("Relu", ["x"], ["y"], name="relu_1")


def whole(nodes, ins=(X,), outs=(Y,), **k):
    m = {n: k.pop(n) for n in ("opsets", "functions", "ir") if n in k}
    return p.model(p.graph(nodes, ins, outs, **k), **m)


def constant(tensor, **k):
    return p.model(p.graph([], (), [p.value("w")], [tensor], **k))


# ---- what is well formed ----
def tensors():
    kinds = {
        "f32": p.floats("w", [2], 1, 2), "i64": p.ints("w", [2], 1, -2),
        "empty": p.floats("w", [0]), "scalar": p.floats("w", [], 5),
        "bool": p.raw("w", p.BOOL, [3], b"\0\1\7"),
        "f16": p.typed("w", p.FLOAT16, [2], p.b(5, p.varint(15360) + p.varint(0))),
        "bf16": p.raw("w", p.BFLOAT16, [1], b"\x80\x3f"),
        "f8": p.raw("w", p.F8E4M3FN, [2], b"\x38\x7f"), "i4": p.raw("w", p.INT4, [3], b"\x21\x03"),
        "u4_field": p.typed("w", p.UINT4, [3], p.b(5, b"\x21\x03")),
        "float_data": p.typed("w", p.FLOAT, [2], p.b(4, struct.pack("<2f", 1, 2))),
        "float_pieces": p.typed("w", p.FLOAT, [2], p.f32(4, 1) + p.f32(4, 2)),
        "double_data": p.typed("w", p.DOUBLE, [1], p.b(10, struct.pack("<d", 1))),
        "int32_data": p.typed("w", p.INT32, [2], p.b(5, p.varint(1) + p.varint(-1))),
        "int8_data": p.typed("w", p.INT8, [2], p.b(5, p.varint(1) + p.varint(-1))),
        "int64_data": p.typed("w", p.INT64, [2], p.i(7, 1) + p.i(7, -5)),
        "uint64_data": p.typed("w", p.UINT64, [1], p.b(11, p.varint(-1))),
        "bool_data": p.typed("w", p.BOOL, [2], p.b(5, b"\0\5")),
        "string_data": p.typed("w", p.STRING, [2], p.b(6, "a") + p.b(6, "")),
        "complex": p.typed("w", p.COMPLEX64, [1], p.b(4, struct.pack("<2f", 1, 2))),
        "external": p.external("w", p.FLOAT, [4], ("location", "w.bin"), ("offset", "8"),
                               ("length", "16"), ("checksum", "x")),
        "external_bool": p.external("w", p.BOOL, [64], ("location", "w.bin")),
        "external_odd": p.external("w", p.FLOAT, [2], ("location", "./w.bin"), ("offset", "3")),
    }
    return {"tensor_" + k: constant(t) for k, t in kinds.items()}


def constants():
    forms = {
        "value": p.a_tensor("value", p.floats("", [1], 1)), "float": p.a_float("value_float", 1),
        "floats": p.a_floats("value_floats", 1, 2), "int": p.a_int("value_int", 3),
        "ints": p.a_ints("value_ints", 1, 2), "string": p.a_str("value_string", "s"),
        "strings": p.a_strs("value_strings", "s", ""),
        "sparse": p.a_sparse("sparse_value", p.sparse(p.floats("", [1], 3), p.ints("", [1], 2), [4])),
    }
    return {"constant_" + k: whole([p.node("Constant", [], ["y"], a)], (), [p.value("y")])
            for k, a in forms.items()}


def types():
    t = p.tensor_type(p.FLOAT, [1])
    kinds = {
        "sequence": p.sequence(t), "optional": p.optional(p.sequence(t)),
        "map": p.map_of(p.INT64, t), "no_shape": p.tensor_type(p.FLOAT),
        "unnamed": p.tensor_type(p.FLOAT, [None, "?", -1, "seq"]), "string": p.tensor_type(p.STRING, [2]),
        "nested": p.sequence(p.map_of(p.STRING, p.tensor_type(p.FLOAT, ["batch"]))),
    }
    out = {"type_" + k: whole([p.node("Identity", ["x"], ["y"])], [p.value("x", t)], [p.value("y")])
           for k, t in kinds.items()}
    out["type_past"] = whole([p.node("Concat", ["past_k", "x"], ["y"], p.a_int("axis", 0))],
                             [X, p.value("past_k", p.tensor_type(p.FLOAT, ["past", 3]))], [p.value("y")])
    out["type_attr"] = whole([p.node("Optional", [], ["y"], p.a_type("type", p.sequence(t)))], (),
                             [p.value("y")])
    out["type_hints"] = whole([p.node("Relu", ["x"], ["h"]), p.node("Relu", ["h"], ["y"])],
                              infos=[p.value("h", p.tensor_type(p.FLOAT, [7, 3])),
                                     p.value("none"), p.value("x", p.tensor_type(p.FLOAT, [1, 1]))])
    return out


def bodies():
    then = p.graph([p.node("Relu", ["x"], ["t"])], (), [p.value("t")])
    other = p.graph([p.node("Add", ["x", "w"], ["e"])], (), [p.value("e")], [p.floats("v", [1], 1)])
    both = [p.a_graph("then_branch", then), p.a_graph("else_branch", other)]
    cond = p.value("c", p.tensor_type(p.BOOL, []))
    w = p.floats("w", [3], 1, 2, 3)
    deep = p.graph([p.node("If", ["c"], ["d"], *both)], (), [p.value("d")])
    step = p.graph([p.node("Add", ["s", "x"], ["s2"]), p.node("Identity", ["go"], ["go2"])],
                   [p.value("k", p.tensor_type(p.INT64, [])), p.value("go", p.tensor_type(p.BOOL, [])),
                    p.value("s", p.tensor_type(p.FLOAT, [3]))], [p.value("go2"), p.value("s2")])
    scan = p.graph([p.node("Add", ["s", "e"], ["s2"])],
                   [p.value("s", p.tensor_type(p.FLOAT, [3])), p.value("e", p.tensor_type(p.FLOAT, [3]))],
                   [p.value("s2"), p.value("s2")])
    xs = p.value("x", p.tensor_type(p.FLOAT, [4, 3]))
    return {
        "if": whole([p.node("If", ["c"], ["y"], *both)], [X, cond], init=[w]),
        "if_deep": whole([p.node("If", ["c"], ["y"], p.a_graph("then_branch", deep),
                                 p.a_graph("else_branch", then))], [X, cond], init=[w]),
        "loop": whole([p.node("Loop", ["n", "", "z"], ["y"], p.a_graph("body", step))],
                      [p.value("x", p.tensor_type(p.FLOAT, [3]))], [p.value("y")],
                      init=[p.ints("n", [], 3), p.floats("z", [3], 0, 0, 0)]),
        "scan": whole([p.node("Scan", ["z", "x"], ["y", "all"], p.a_graph("body", scan),
                              p.a_int("num_scan_inputs", 1))], [xs], [p.value("y"), p.value("all")],
                      init=[p.floats("z", [3], 0, 0, 0)]),
    }


def functions():
    mine = ((17, ""), (1, "my"))
    twice = p.function("twice", ["u", "o"], ["v"], [p.node("Add", ["u", "u"], ["v"])])
    leaky = p.function("leaky", ["u"], ["v"],
                       [p.node("LeakyRelu", ["u"], ["v"], p.a_ref("alpha", "slope", 1))],
                       extra=p.b(11, p.a_float("slope", 0.5)))
    outer = p.function("outer", ["u"], ["v"], [p.node("twice", ["u"], ["h"], domain="my"),
                                               p.node("leaky", ["h"], ["v"], domain="my")], opsets=mine)
    over = p.function("twice", ["u"], ["v"], [p.node("Relu", ["u"], ["v"])], extra=p.b(13, "second"))
    call = p.node("twice", ["x", ""], ["y"], domain="my")
    return {
        "function": whole([call], opsets=mine, functions=[twice]),
        "function_default": whole([p.node("leaky", ["x"], ["y"], domain="my")], opsets=mine,
                                  functions=[leaky]),
        "function_attr": whole([p.node("leaky", ["x"], ["y"], p.a_float("slope", 2), domain="my")],
                               opsets=mine, functions=[leaky]),
        "function_nested": whole([p.node("outer", ["x"], ["y"], domain="my", name="a/b")], opsets=mine,
                                 functions=[outer, twice, leaky]),
        "function_overload": whole([p.node("twice", ["x"], ["y"], domain="my", extra=p.b(8, "second"))],
                                   opsets=mine, functions=[twice, over]),
    }


def graphs():
    w = p.floats("w", [3], 1, 2, 3)
    both = [p.node("Add", ["h", "w"], ["y"]), p.node("Relu", ["x"], ["h"])]
    return {
        "relu": whole([RELU]), "unsorted": whole(both, init=[w]),
        "initializer_input": whole(both, [X, p.value("w", p.tensor_type(p.FLOAT, [3]))], init=[w]),
        "pass_through": whole([], [X], [p.value("x")]),
        "old_ir": p.i(1, 1) + p.b(7, p.graph([RELU], [X], [Y])),
        "training": whole([RELU]) + p.b(20, b""), "meta": whole([RELU]) + p.b(14, p.entry("k", "v")),
        "docs": whole([RELU], extra=p.b(10, "text")) + p.b(2, "producer") + p.b(6, "doc"),
        "annotated": whole([RELU], extra=p.b(14, p.b(1, "x"))), "unknown_field": whole([RELU]) + p.b(99, "?"),
        "no_import_ml": whole([RELU], opsets=((17, ""), (3, "ai.onnx.ml"))),
        "sparse": p.model(p.graph([], (), [p.value("w")], sparse_init=[
            p.sparse(p.floats("w", [2], 1, 2), p.ints("", [2, 2], 0, 1, 1, 0), [2, 2])])),
        "dead": whole([RELU, p.node("Relu", ["x"], ["unused"]), p.node("Relu", ["x"], ["", ""])]),
        "fold": whole([p.node("Add", ["w", "w"], ["h"]), p.node("Mul", ["x", "h"], ["y"])], init=[w]),
        "name_clash": whole([p.node("Relu", ["x"], ["y_1"]), p.node("Clip", ["y_1"], ["y"],
                                                                  p.a_float("min", 0))],
                            opsets=((6, ""),)),
        "undeclared_domain": whole([p.node("NoSuch", ["x"], ["y"], domain="com.example")]),
        "unknown_op": whole([p.node("NoSuch", ["x"], ["h"]), p.node("Relu", ["h"], ["y"])]),
    }


# ---- what is not ----
def bad_tensors():
    kinds = {
        "short": p.raw("w", p.FLOAT, [3], b"1234"), "long": p.raw("w", p.FLOAT, [1], b"12345678"),
        "negative": p.floats("w", [-1], 1), "overflow": p.floats("w", [1 << 32, 1 << 32], 1),
        "bits_overflow": p.floats("w", [1 << 61]), "wraps": p.floats("w", [1 << 62, 4, 0]),
        "huge": p.floats("w", [1 << 41]), "rank": p.floats("w", [1] * 40, 1),
        "type": p.raw("w", 77, [1], b"1234"), "no_type": p.b(8, "w"),
        "segment": p.typed("w", p.FLOAT, [1], p.b(3, p.i(1, 0)) + p.b(9, b"1234")),
        "string_raw": p.raw("w", p.STRING, [1], b"abcd"),
        "string_nul": p.typed("w", p.STRING, [1], p.b(6, b"a\0b")),
        "string_count": p.typed("w", p.STRING, [3], p.b(6, "a")),
        "wrong_field": p.typed("w", p.FLOAT, [1], p.b(7, b"\1")),
        "varint_cut": p.typed("w", p.INT64, [1], p.b(7, b"\xff" * 10 + b"\1")),
        "varint_long": p.typed("w", p.INT64, [1], p.b(7, b"\xff" * 12 + b"\1")),
        "does_not_fit": p.typed("w", p.INT8, [1], p.b(5, p.varint(300))),
        "nibbles": p.raw("w", p.UINT4, [3], b"1"), "no_name": p.floats("", [1], 1),
    }
    return {"bad_tensor_" + k: constant(t) for k, t in kinds.items()}


def external_attacks():
    at = lambda *pairs: constant(p.external("w", p.FLOAT, [4], *pairs))
    names = {
        "up": "../secret", "nested": "a/../../secret", "absolute": "/etc/passwd", "empty": "",
        "dot_dot": "..", "device": "/dev/zero", "memory_address": "*/_ORT_MEM_ADDR_/*",
        "memory_address_2": "./_ORT_MEM_ADDR_/", "absent": "absent.bin", "folder": ".",
        "long": "a" * 300, "long_path": "a/" * 3000 + "b", "through_file": "w.bin/x", "slashes": ".//w.bin",
        "nul": "w.bin\0/../x", "proc": "proc/self/mem",
    }
    out = {"external_" + k: at(("location", v)) for k, v in names.items()}
    for k, (key, v) in {"negative": ("offset", "-4"), "hex": ("offset", "0x4"), "space": ("offset", " 4"),
                        "beyond": ("offset", "60"), "huge": ("offset", "9" * 18),
                        "wraps": ("offset", "18446744073709551612"), "length": ("length", "12"),
                        "length_text": ("length", "many"), "unknown_key": ("__class__", "x"),
                        "twice": ("location", "w.bin"), "basepath": ("basepath", "/etc"),
                        "nothing": ("offset", "")}.items():
        out["external_" + k + "_key"] = at(("location", "w.bin"), (key, v))
    out["external_no_location"] = at(("offset", "0"))
    out["external_string"] = constant(p.external("w", p.STRING, [4], ("location", "w.bin")))
    return out


def bad_sparse():
    v, k = p.floats("w", [2], 1, 2), p.ints("", [2], 0, 1)
    kinds = {
        "no_values": p.b(2, k), "no_indices": p.b(1, v), "index": p.sparse(v, p.ints("", [2], 0, 9), [4]),
        "index_negative": p.sparse(v, p.ints("", [2], 0, -1), [4]),
        "index_2d": p.sparse(v, p.ints("", [2, 2], 0, 0, 0, 5), [2, 2]),
        "counts": p.sparse(v, p.ints("", [1], 0), [4]), "huge": p.sparse(v, k, [1 << 30]),
        "rank": p.sparse(v, p.ints("", [2, 1], 0, 1), [2, 2]), "no_shape": p.sparse(v, k, []),
        "strings": p.sparse(p.typed("w", p.STRING, [2], p.b(6, "a") + p.b(6, "b")), k, [4]),
        "index_type": p.sparse(v, p.floats("", [2], 0, 1), [4]), "bad_dims": p.sparse(v, k, [-4]),
    }
    out = {"sparse_" + n: p.model(p.graph([], (), [p.value("w")], sparse_init=[s])) for n, s in kinds.items()}
    out["sparse_no_name"] = p.model(p.graph([], (), [p.value("w")], sparse_init=[
        p.sparse(p.floats("", [2], 1, 2), k, [4])]))
    return out


def bad_graphs():
    n = p.node
    cyc = [n("Add", ["x", "b"], ["a"]), n("Relu", ["a"], ["b"]), n("Relu", ["a"], ["y"])]
    ring = [n("Relu", ["v%d" % ((k + 1) % 20)], ["v%d" % k]) for k in range(20)]
    captured = p.graph([n("Relu", ["y"], ["t"])], (), [p.value("t")])
    c = p.value("c", p.tensor_type(p.BOOL, []))
    return {
        "cycle": whole(cyc), "cycle_long": whole(ring + [n("Relu", ["v0"], ["y"])]),
        "cycle_self": whole([n("Add", ["x", "y"], ["y"])]),
        "cycle_body": whole([n("If", ["c"], ["y"], p.a_graph("then_branch", captured),
                               p.a_graph("else_branch", captured))], [X, c]),
        "twice_output": whole([RELU, RELU]), "twice_input": whole([RELU], [X, X]),
        "twice_init": whole([RELU], init=[p.floats("w", [], 1)] * 2),
        "twice_listed": whole([RELU], outs=[Y, Y]), "output_is_input": whole([n("Relu", ["x"], ["x"])]),
        "undefined": whole([n("Relu", ["nothing"], ["y"])]), "no_output": whole([RELU], outs=[]),
        "undefined_output": whole([RELU], outs=[p.value("z")]), "unnamed_output": whole([RELU], outs=[p.value("")]),
        "unnamed_input": whole([RELU], [p.value("", p.tensor_type(p.FLOAT, [1]))]),
        "untyped_input": whole([RELU], [p.value("x")]), "no_op_type": whole([p.many(1, ["x"]) + p.many(2, ["y"])]),
        "empty_type": whole([RELU], [p.value("x", b"")]),
        "rank_input": whole([RELU], [p.value("x", p.tensor_type(p.FLOAT, [1] * 40))]),
        "negative_input": whole([RELU], [p.value("x", p.tensor_type(p.FLOAT, [-7]))]),
        "huge_input": whole([RELU], [p.value("x", p.tensor_type(p.FLOAT, [1 << 40] * 3))]),
        "elem_input": whole([RELU], [p.value("x", p.tensor_type(99, [1]))]),
        "sparse_input": whole([RELU], [p.value("x", p.b(8, p.i(1, 1)))]),
        "huge_hint": whole([RELU], outs=[p.value("y", p.tensor_type(p.FLOAT, [1 << 40] * 3))]),
        "elem_hint": whole([RELU], outs=[p.value("y", p.tensor_type(99, [1]))]),
        "no_graph": p.i(1, 8), "twice_graph": whole([RELU]) + p.b(7, p.graph([RELU], [X], [Y])),
        "long_name": whole([n("Relu", ["x"], ["y"], name="n" * 5000)], infos=[p.value("m" * 9000)]),
        "odd_names": whole([n("Relu", ["x"], ["\x1b[31m\n%s%n"], name="\"\\\x07"),
                            n("Relu", ["\x1b[31m\n%s%n"], ["y"])]),
        "not_utf8": whole([n("Relu", ["x"], [b"\xff\xfe"]), n("Relu", [b"\xff\xfe"], ["y"])]),
        "many_errors": whole([n("Relu", ["x", "x"], ["r%d" % k]) for k in range(30)] + [RELU]),
        "constant_outputs": whole([n("Constant", [], ["y", "z"], p.a_int("value_int", 1))], (), [p.value("y")]),
        "constant_empty": whole([n("Constant", [], ["y"])], (), [p.value("y")]),
        "constant_kind": whole([n("Constant", [], ["y"], p.a_int("value", 1))], (), [p.value("y")]),
    }


def bad_attrs():
    t = p.floats("", [1], 1)
    kinds = {
        "twice": [p.a_int("axis", 0), p.a_int("axis", 1)], "unnamed": [p.a_int("", 0)],
        "unknown": [p.a_int("__dict__", 0)], "kind": [p.a_str("axis", "1")], "no_graph": [p.attr("body", 5, b"")],
        "no_tensor": [p.attr("value", 4, b"")], "no_sparse": [p.attr("value", 11, b"")],
        "tensors": [p.attr("value", 9, p.b(10, t))], "number": [p.attr("axis", 99, p.i(3, 1))],
        "ref_outside": [p.a_ref("axis", "a", 2)], "bad_tensor": [p.a_tensor("value", p.floats("", [9], 1))],
        "no_type_proto": [p.attr("type", 13, b"")], "body_is_wrong": [p.a_graph("body", p.graph([RELU], (), [Y]))],
        "graphs": [p.attr("bodies", 10, p.b(11, p.graph([RELU], (), [Y])))],
    }
    out = {"attr_" + k: whole([p.node("Softmax", ["x"], ["y"], *a)]) for k, a in kinds.items()}
    for k, field in {"float": p.f32(2, 1), "int": p.i(3, 1), "string": p.b(4, "s"), "tensor": p.b(5, t),
                     "graph": p.b(6, p.graph([RELU], [X], [Y])), "floats": p.f32(7, 1), "strings": p.b(9, "s"),
                     "ints": p.i(8, 1)}.items():  # as before IR version 2, without a type
        out["attr_untyped_" + k] = whole([p.node("Softmax", ["x"], ["y"], p.b(1, "axis") + field)])
    return out


def bad_functions():
    mine = ((17, ""), (1, "my"))
    call = p.node("f", ["x"], ["y"], domain="my")
    fun = lambda nodes, outs=("v",), **k: p.function("f", ["u"], outs, nodes, opsets=mine, **k)
    use = lambda f, c=call: whole([c], opsets=mine, functions=f)
    add = [p.node("Add", ["u", "u"], ["v"])]
    ref = p.node("LeakyRelu", ["u"], ["v"], p.a_ref("alpha", "slope", 1))
    chain = [p.function("f%d" % k, ["u"], ["v"],
                        [p.node("f%d" % (k + 1), ["u"], ["h"], domain="my"),
                         p.node("f%d" % (k + 1), ["h"], ["v"], domain="my")], opsets=mine) for k in range(6)]
    return {
        "function_cycle": use([fun([p.node("f", ["u"], ["v"], domain="my")])]),
        "function_cycle_2": use([fun([p.node("g", ["u"], ["v"], domain="my")]),
                                 p.function("g", ["u"], ["v"], [p.node("f", ["u"], ["v"], domain="my")],
                                            opsets=mine)]),
        "function_doubling": whole([p.node("f0", ["x"], ["y"], domain="my")], opsets=mine, functions=chain),
        "function_twice": use([fun(add), fun(add)]), "function_no_output": use([fun([])]),
        "function_inputs": use([fun(add)], p.node("f", ["x", "x"], ["y"], domain="my")),
        "function_outputs": use([fun(add)], p.node("f", ["x"], ["y", "z"], domain="my")),
        "function_same_input": use([p.function("f", ["u", "u"], ["v"], add, opsets=mine)]),
        "function_outside": use([fun([p.node("Relu", ["x"], ["v"])])]),
        "function_ref_absent": use([fun([ref])]),
        "function_default_graph": use([fun([ref], extra=p.b(11, p.a_graph("slope", p.graph([RELU]))))]),
        "function_default_cut": use([fun([ref], extra=p.b(11, b"\x0a\x7f"))]),
        "function_opset": use([p.function("f", ["u"], ["v"], add, opsets=((99, ""),))]),
        "function_unused_output": use([fun(add, ("v", "w"))], p.node("f", ["x"], ["y", ""], domain="my")),
    }


def bad_versions():
    return {
        "ir_future": whole([RELU], ir=99), "ir_zero": whole([RELU], ir=0), "ir_negative": whole([RELU], ir=-1),
        "opset_future": whole([RELU], opsets=((99, ""),)), "opset_zero": whole([RELU], opsets=((0, ""),)),
        "opset_twice": whole([RELU], opsets=((17, ""), (16, "ai.onnx"))), "opset_none": whole([RELU], opsets=()),
        "opset_many": whole([RELU], opsets=[(1, "d%d" % k) for k in range(1002)]),
        "opset_ml_huge": whole([RELU], opsets=((17, ""), (1 << 40, "ai.onnx.ml"))),
    }


def wire():
    good = whole([RELU])
    deep = p.tensor_type(p.FLOAT, [1])
    for _ in range(400):
        deep = p.sequence(deep)
    body = p.graph([RELU])
    for _ in range(200):
        body = p.graph([p.node("If", ["c"], ["y"], p.a_graph("then_branch", body))])
    return {
        "wire_group": good + p.tag(3, 3), "wire_type": good + p.tag(3, 6), "wire_zero": good + p.tag(0, 0),
        "wire_long_varint": good + p.tag(5, 0) + b"\xff" * 10 + b"\1", "wire_length": good + p.tag(2, 2) + p.varint(-1),
        "wire_cut32": good + p.tag(30, 5) + b"12", "wire_cut64": good + p.tag(30, 1) + b"12",
        "wire_graph_number": good + p.i(7, 1), "wire_cut": good[:-3], "wire_length_cut": good + p.tag(2, 2) + b"\xff",
        "wire_packed_cut": constant(p.typed("w", p.INT64, [1], p.b(7, b"\xff"))),
        "wire_packed_floats": constant(p.typed("w", p.FLOAT, [1], p.b(4, b"123"))),
        "wire_deep_type": whole([RELU], [p.value("x", deep)]), "wire_deep_body": p.model(body),
        "wire_empties": p.model(p.b(5, b"") * 20000), "wire_plain": b"\x08\x08\x12",
        "wire_unknown_message": whole([RELU]) + p.b(25, p.b(11, b"\x0a\x01") + p.b(13, b"\xff")),
    }


def other_files():
    return {
        "other_" + k: v for k, v in {
            "empty": b"", "html": b"<!DOCTYPE html><html>", "html2": b"\xef\xbb\xbf\n <HEAD>", "xml": b"<?xml ?>",
            "lfs": b"version https://git-lfs.github.com/spec/v1\n", "zip": b"PK\3\4....", "pickle": b"\x80\2}q\0",
            "tflite": b"\x1c\0\0\0TFL3....", "json": b"{\"a\": 1}", "safetensors": b"\x10" + b"\0" * 7 + b"{\"w\":{}}",
            "text": b"hello, world", "onnx_text": b"ir_version: 8", "tf": b"\x0a\x10\x0a\x05input\x12\x05Const",
            "tar": b"x" * 257 + b"ustar", "tar_model": b"\x08" + b"x" * 256 + b"ustar", "bytes": b"\xff\xff\xff\xff",
        }.items()}


# ---- operators ----
def elem_of(t):
    return {"f32": p.FLOAT, "f64": p.DOUBLE, "f16": p.FLOAT16, "i64": p.INT64, "i32": p.INT32, "bool": p.BOOL,
            "u8": p.UINT8, "i8": p.INT8}[t]


def pack(t, values):
    return struct.pack("<%d%s" % (len(values), {"f32": "f", "f64": "d", "f16": "e", "i64": "q", "i32": "i",
                                                  "bool": "?", "u8": "B", "i8": "b"}[t]), *values)


def attr_of(name, v):
    if isinstance(v, list):
        return p.a_floats(name, *v) if v and isinstance(v[0], float) else p.a_ints(name, *v)
    return {int: p.a_int, float: p.a_float, str: p.a_str}[type(v)](name, v)


def one_operator(op, ins, attrs, nout, opset, domain=""):
    inputs, init, names = [], [], []
    for k, x in enumerate(ins):
        names.append("" if x is None else "i%d" % k)
        if x is None:
            continue
        t, dims, data = x
        if data is None:
            inputs.append(p.value(names[-1], p.tensor_type(elem_of(t), dims)))
        else:
            init.append(p.raw(names[-1], elem_of(t), dims, pack(t, data)))
    outs = ["o%d" % k for k in range(nout)]
    n = p.node(op, names, outs, *[attr_of(k, v) for k, v in attrs.items()], domain=domain)
    return whole([n], inputs, [p.value(o) for o in outs], init=init,
                 opsets=((opset, ""),) + (((1, domain),) if domain else ()))


def operators():
    return {"op_%03d_%s" % (k, row[0].lower()): one_operator(*row) for k, row in enumerate(OPS)}


def files():
    out = {}
    for part in (tensors, constants, types, bodies, functions, graphs, bad_tensors, external_attacks, bad_sparse,
                 bad_graphs, bad_attrs, bad_functions, bad_versions, wire, other_files, operators):
        new = part()
        assert not out.keys() & new.keys()
        out.update(new)
    return out
