"""What recipes of single-operator cases draw from: element types of the schema, shapes, data.

A recipe is a function of `Draw` that returns a `Case`. All randomness comes from the draw's own
generator, seeded by (seed, operator, number), so one case can be made again without the others.
"""
import dataclasses
import zlib

import ml_dtypes
import numpy as np
import onnx
from onnx import helper

TYPES = {
    "float": "f4", "double": "f8", "float16": "f2", "int8": "i1", "int16": "i2", "int32": "i4",
    "int64": "i8", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "?",
    "string": "O", "bfloat16": ml_dtypes.bfloat16, "float8e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8e4m3fnuz": ml_dtypes.float8_e4m3fnuz, "float8e5m2": ml_dtypes.float8_e5m2,
    "float8e5m2fnuz": ml_dtypes.float8_e5m2fnuz, "int4": ml_dtypes.int4, "uint4": ml_dtypes.uint4,
    "float4e2m1": ml_dtypes.float4_e2m1fn,
}
TYPES = {name: np.dtype(t) for name, t in TYPES.items()}
NAMES = {t: name for name, t in TYPES.items()}
WORDS = ["", "a", "A", "abc", "Hello", "wörld", "x y", "a,b,,c", "12", "-3.5", "日本", "the"]


def is_float(t):
    return t.kind == "f" or NAMES[t].startswith(("bfloat", "float"))


@dataclasses.dataclass
class Case:
    """One node. An input is an array, a list of arrays (a sequence) or None (omitted)."""
    op: str
    inputs: list
    attrs: dict = dataclasses.field(default_factory=dict)
    outputs: int = 1
    fixed: tuple = ()  # numbers of inputs that must be initializers
    live: tuple = ()   # numbers of inputs that must be inputs of the run
    opset: int = 0     # 0: drawn
    domain: str = ""
    out_types: tuple = ()  # types of outputs that the oracles cannot infer


class Draw:
    def __init__(self, seed, op, number):
        self.rng = np.random.default_rng([seed, zlib.crc32(op.encode()), number])
        self.op, self.number = op, number
        self.schema = onnx.defs.get_schema(op, "") if onnx.defs.has(op, "") else None

    # ---- choices ----
    def one(self, *items):
        return items[int(self.rng.integers(len(items)))]

    def some(self, p=0.5):
        return bool(self.rng.random() < p)

    def int(self, low, high):
        """low <= n <= high"""
        return int(self.rng.integers(low, high + 1))

    def maybe(self, p=0.5, **attrs):
        """Each attribute with probability p."""
        return {k: v for k, v in attrs.items() if self.some(p)}

    def dtype(self, constraint="T", without=(), among=None):
        """One of the schema's types for `constraint`; float32 most often."""
        for c in self.schema.type_constraints:
            if c.type_param_str == constraint:
                names = [n[7:-1] for n in c.allowed_type_strs if n.startswith("tensor(")]
        names = sorted(n for n in names if n in TYPES and n not in without)
        if among:
            names = [n for n in names if n in among]
        if "float" in names and self.some(0.25):
            return TYPES["float"]
        return TYPES[self.one(*names)]

    # ---- shapes ----
    def shape(self, low=0, high=5, zero=True, most=None):
        rank = self.int(low, high)
        most = most or (9 if rank < 3 else 4)
        dims = [self.int(1, most) for _ in range(rank)]
        if zero and rank and self.some(0.06):
            dims[self.int(0, rank - 1)] = 0
        return tuple(dims)

    def axis(self, rank):
        return self.int(-rank, rank - 1)

    def axes(self, rank, low=0):
        n = self.int(min(low, rank), rank)
        return [int(a) - (rank if self.some() else 0) for a in self.rng.permutation(rank)[:n]]

    def narrowed(self, shape):
        """A shape that broadcasts to this one."""
        dims = [1 if self.some(0.25) else d for d in shape]
        return tuple(dims[self.int(0, len(dims)):] if self.some(0.3) and dims else dims)

    # ---- data ----
    def data(self, t, shape, low=-4.0, high=4.0, special=True):
        """Random elements; floats sometimes with NaN, infinities, signed zeros among them."""
        t, n = np.dtype(t), int(np.prod(shape))
        if t == "O":
            return np.array([self.one(*WORDS) for _ in range(n)], "O").reshape(shape)
        if t == "?":
            return self.rng.random(shape) < 0.5
        if not is_float(t):
            if t.kind == "u" or NAMES[t].startswith("uint"):
                low = max(low, 0)
            return self.rng.integers(int(np.ceil(low)), int(high) + 1, shape).astype(t)
        a = np.asarray(self.rng.uniform(low, high, shape), np.float64)
        if low < 0 and self.some(0.1):
            a = np.asarray(np.round(a), np.float64)
        if special and n and self.some(0.2):
            odd = [0.0, -0.0, np.inf, -np.inf, np.nan]
            if NAMES[t] == "float4e2m1":
                odd = odd[:2]
            elif NAMES[t] in ("float8e4m3fn", "float8e4m3fnuz", "float8e5m2fnuz"):
                odd = [0.0, -0.0, np.nan]
            flat = a.reshape(-1)
            for _ in range(self.int(1, 3)):
                flat[self.int(0, n - 1)] = self.one(*odd)
            a = flat.reshape(shape)
        return np.asarray(a).astype(t)

    def pos(self, t, shape, low=0.1, high=4.0):
        return self.data(t, shape, low if is_float(np.dtype(t)) else 1, high, special=False)

    def calm(self, t, shape, low=-2.0, high=2.0):
        return self.data(t, shape, low, high, special=False)

    def ints(self, values, t="i8"):
        return np.array(values, t)

    def index(self, bound, shape, negative=True, t=None):
        t = t or self.one("i4", "i8")
        return self.rng.integers(-bound if negative else 0, bound, shape).astype(t)


# ---- models ----
def value_info(name, v, dims):
    if isinstance(v, list):
        elem = helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(v[0].dtype),
                                              [None] * v[0].ndim)
        return helper.make_value_info(name, helper.make_sequence_type_proto(elem))
    t = onnx.TensorProto.STRING if v.dtype == "O" else helper.np_dtype_to_tensor_dtype(v.dtype)
    return helper.make_tensor_value_info(name, t, dims)


def model_of(case, draw, newest):
    """The model, and what its inputs are fed with."""
    names, infos, constants, feeds, rename = [], [], [], {}, {}
    symbolic = draw.some(0.3)
    for i, v in enumerate(case.inputs):
        name = "" if v is None else f"x{i}"
        names.append(name)
        if v is None:
            continue
        fixed = i in case.fixed or (i > 0 and i not in case.live and draw.some(0.4))
        if fixed and not isinstance(v, list):
            constants.append(onnx.numpy_helper.from_array(v, name))
            continue
        dims = list(v.shape) if not isinstance(v, list) else None
        if symbolic and dims:
            dims = [f"d{i}_{k}" if draw.some() else d for k, d in enumerate(dims)]
        infos.append(value_info(name, v, dims))
        feeds[name] = v
    while names and not names[-1]:
        names.pop()
    outputs = [f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(case.op, names, outputs, domain=case.domain, **case.attrs)
    since = onnx.defs.get_schema(case.op, case.domain).since_version
    opset = case.opset or max(since, draw.one(21, 22, 23, newest))
    opsets = [helper.make_opsetid(case.domain, opset)]
    outs = [helper.make_empty_tensor_value_info(n) for n in outputs]
    graph = helper.make_graph([node], "single", infos, outs, constants)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=min(11, onnx.IR_VERSION))
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    for out, full in zip(model.graph.output, inferred.graph.output):
        out.CopyFrom(full)
    if all(o.type.tensor_type.HasField("shape") for o in model.graph.output):
        onnx.checker.check_model(model)  # it wants shapes, which inference does not always find
    return model, feeds
