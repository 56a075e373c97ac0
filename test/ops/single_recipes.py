"""Recipes: for each operator, cases over its types, shapes, attributes. See single_make.py."""
import numpy as np
from onnx import helper, numpy_helper

from single_make import NAMES, TYPES, Case, is_float

RECIPES = {}


def recipe(*ops):
    def put(f):
        RECIPES.update({op: f for op in ops})
        return f
    return put


FLOATS = ("float", "double", "float16", "bfloat16")


# ---- elementwise ----
@recipe("Abs", "Neg", "Sign", "Ceil", "Floor", "Round", "Relu", "Sigmoid", "Tanh", "Exp", "Erf", "Sin",
        "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh", "Softplus", "Softsign", "HardSwish", "Mish",
        "Reciprocal", "IsNaN", "Identity", "BitwiseNot", "Not")
def unary(d):
    t = d.dtype({"IsNaN": "T1", "Identity": "V"}.get(d.op, "T"))
    return Case(d.op, [d.data(t, d.shape(), -5, 5)])


@recipe("Sqrt", "Log", "Asin", "Acos", "Acosh", "Atanh")
def partial(d):
    low, high = {"Sqrt": (0, 9), "Log": (0, 9), "Acosh": (1, 9)}.get(d.op, (-1, 1))
    return Case(d.op, [d.data(d.dtype(), d.shape(), low, high)])


@recipe("Elu", "Celu", "LeakyRelu", "ThresholdedRelu", "Selu", "HardSigmoid", "Shrink", "Gelu", "Swish",
        "IsInf")
def activation(d):
    x = d.data(d.dtype("T1" if d.op == "IsInf" else "T"), d.shape())
    attrs = {"Selu": dict(alpha=1.5, gamma=0.9), "HardSigmoid": dict(alpha=0.3, beta=0.4),
             "Shrink": dict(bias=0.5, lambd=1.25), "Gelu": dict(approximate="tanh"),
             "IsInf": dict(detect_negative=0, detect_positive=0)}
    return Case(d.op, [x], d.maybe(**attrs.get(d.op, dict(alpha=0.7))))


@recipe("Add", "Sub", "Mul", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And",
        "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor")
def binary(d):
    t, shape = d.dtype(), d.shape()
    b = d.pos if d.op == "Div" and not is_float(t) else d.data
    ins = [d.data(t, d.narrowed(shape)), b(t, d.narrowed(shape))]
    return Case(d.op, ins)


@recipe("Mod")
def mod(d):
    t, shape = d.dtype(), d.shape()
    b = d.pos(t, d.narrowed(shape)) * (-1 if t.kind == "i" and d.some() else 1)
    return Case("Mod", [d.calm(t, shape, -9, 9), np.asarray(b).astype(t)],
                dict(fmod=1) if is_float(t) or d.some() else {})


@recipe("Pow")
def power(d):
    t, e = d.dtype(), d.dtype("T1")
    shape = d.shape()
    return Case("Pow", [d.pos(t, d.narrowed(shape)), d.pos(e, d.narrowed(shape), 0.1, 3)])


@recipe("BitShift")
def bit_shift(d):
    t, shape = d.dtype(), d.shape()
    return Case(d.op, [d.data(t, shape, 0, 99), d.data(t, d.narrowed(shape), 0, 7)],
                dict(direction=d.one("LEFT", "RIGHT")))


@recipe("Max", "Min", "Sum", "Mean")
def variadic(d):
    t, shape = d.dtype(), d.shape()
    return Case(d.op, [d.data(t, d.narrowed(shape)) for _ in range(d.int(1, 4))])


@recipe("Where")
def where(d):
    t, shape = d.dtype(), d.shape()
    return Case(d.op, [d.data("?", d.narrowed(shape)), d.data(t, d.narrowed(shape)),
                       d.data(t, d.narrowed(shape))])


@recipe("Clip")
def clip(d):
    t = d.dtype()
    low, high = d.calm(t, (), -2, 0), d.calm(t, (), 0, 2)
    return Case(d.op, [d.data(t, d.shape()), low if d.some(0.7) else None, high if d.some(0.7) else None])


@recipe("PRelu")
def prelu(d):
    t, shape = d.dtype(), d.shape()
    dims = [1 if d.some(0.3) else n for n in shape]
    return Case(d.op, [d.data(t, shape), d.data(t, dims[d.int(0, len(dims)):])])


@recipe("Cast", "CastLike")
def cast(d):
    t, u = d.dtype("T1"), d.dtype("T2")
    shape = d.shape()
    if t == "O":
        x = np.array([d.one("1", "0", "-3", "2.5", "12") if is_float(u) else d.one("1", "0", "3")
                      for _ in range(int(np.prod(shape)))], "O").reshape(shape)
    else:
        lossless = is_float(u) and d.some()
        x = d.data(t, shape, -6 if not NAMES[u].startswith("u") else 0, 6, special=lossless and u != "O")
        if u == "O" and is_float(t):
            x = np.round(x.astype("f8")).astype(t)
    if d.op == "CastLike":
        return Case(d.op, [x, d.calm(u, (1,), 0, 1)])
    to = 8 if u == "O" else helper.np_dtype_to_tensor_dtype(u)
    return Case(d.op, [x], dict(to=to, **(d.maybe(saturate=0) if NAMES[u].startswith("float8") else {})))


@recipe("BitCast")
def bit_cast(d):
    t = d.one(*[x for x in TYPES.values() if x.itemsize in (1, 2, 4, 8) and x != "O" and x != "?"
                and "4" not in NAMES[x].replace("64", "").replace("e4", "")])
    same = [u for u in TYPES.values() if u.itemsize == t.itemsize and u != "O" and u != "?"
            and NAMES[u] not in ("int4", "uint4", "float4e2m1")]
    return Case(d.op, [d.calm(t, d.shape())], dict(to=helper.np_dtype_to_tensor_dtype(d.one(*same))), opset=26)


# ---- reductions and scans ----
@recipe("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
        "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")
def reduce(d):
    t = d.dtype()
    x = (d.pos if d.op == "ReduceLogSum" else d.data)(t, d.shape())
    axes = d.ints(d.axes(x.ndim, 1)) if x.ndim and d.some(0.8) else d.ints([]) if d.some(0.3) else None
    return Case(d.op, [x, axes], d.maybe(keepdims=0) | d.maybe(0.3, noop_with_empty_axes=1))


@recipe("ArgMax", "ArgMin")
def arg_reduce(d):
    t = d.dtype()
    x = d.calm(t, d.shape(1, zero=False), -4, 4)
    return Case(d.op, [x], d.maybe(axis=d.axis(x.ndim), keepdims=0, select_last_index=1))


@recipe("CumSum", "CumProd")
def cumulative(d):
    x = d.data(d.dtype(), d.shape(1))
    return Case(d.op, [x, d.ints(d.axis(x.ndim), d.one("i4", "i8"))], d.maybe(exclusive=1, reverse=1),
                opset=26 if d.op == "CumProd" else 0)


@recipe("Softmax", "LogSoftmax", "Hardmax", "LpNormalization")
def along(d):
    x = d.data(d.dtype(), d.shape(1), special=False)
    return Case(d.op, [x], d.maybe(axis=d.axis(x.ndim)) | (d.maybe(p=1) if d.op[0:2] == "Lp" else {}))


@recipe("TopK")
def top_k(d):
    t, shape = d.dtype(), d.shape(1, zero=False)
    n = int(np.prod(shape))
    low = 0 if NAMES[t].startswith("u") else -(n // 2)
    x = (d.rng.permutation(n) + low).clip(-120, 250 if low == 0 else 120).reshape(shape).astype(t)
    axis = d.axis(len(shape))
    attrs = d.maybe(largest=0) | (dict(axis=axis) if axis != -1 else {})
    return Case(d.op, [x, d.ints([d.int(1, shape[axis])])], attrs, outputs=2)


@recipe("Unique")
def unique(d):
    x = d.calm(d.dtype(), d.shape(1, 3, zero=False), 0, 3)
    return Case(d.op, [np.round(x.astype("f8")).astype(x.dtype) if is_float(x.dtype) else x],
                d.maybe(sorted=0, axis=d.axis(x.ndim)), outputs=d.int(1, 4))


@recipe("NonZero")
def non_zero(d):
    return Case(d.op, [d.data(d.dtype(), d.shape(), -1, 1, special=False)])


@recipe("Einsum")
def einsum(d):
    eq, shapes = d.one(("ij,jk->ik", [(3, 4), (4, 5)]), ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
                       ("ij->ji", [(3, 4)]), ("ii->i", [(4, 4)]), ("ij->", [(3, 5)]), ("ij,ij->", [(3, 4)] * 2),
                       ("i,j->ij", [(3,), (4,)]), ("...ij,...jk->...ik", [(2, 3, 4), (4, 5)]),
                       ("ij,jk", [(3, 4), (4, 5)]), ("abc,cd,de->abe", [(2, 3, 4), (4, 5), (5, 2)]),
                       ("bhid,bhjd->bhij", [(1, 2, 3, 4), (1, 2, 5, 4)]), ("ii->", [(3, 3)]), ("i->i", [(0,)]))
    t = d.dtype(among=("float", "double", "float16", "int32", "int64"))
    return Case(d.op, [d.calm(t, s) for s in shapes], dict(equation=eq))


# ---- shapes and movement ----
@recipe("Shape", "Size")
def shape_of(d):
    x = d.data(d.dtype(), d.shape())
    return Case(d.op, [x], d.maybe(start=d.int(-6, 6), end=d.int(-6, 6)) if d.op == "Shape" else {})


@recipe("Reshape")
def reshape(d):
    x = d.data(d.dtype(), d.shape())
    n, to = x.size, []
    for _ in range(d.int(0, 3)):
        f = d.one(*[k for k in range(1, n + 1) if n % k == 0]) if n else 1
        to.append(f)
        n //= f
    to.append(n)
    zero = 0 in x.shape
    if d.some(0.4) and not zero:
        to[d.int(0, len(to) - 1)] = -1
    if d.some(0.3) and x.ndim and not zero:
        to = [0] + [-1]
    return Case(d.op, [x, d.ints(to)], dict(allowzero=1) if zero and -1 not in to else {})


@recipe("Flatten")
def flatten(d):
    x = d.data(d.dtype(), d.shape())
    return Case(d.op, [x], d.maybe(axis=d.int(-x.ndim, x.ndim)))


@recipe("Transpose")
def transpose(d):
    x = d.data(d.dtype(), d.shape())
    return Case(d.op, [x], d.maybe(0.8, perm=[int(i) for i in d.rng.permutation(x.ndim)]) if x.ndim else {})


@recipe("Squeeze")
def squeeze(d):
    shape = [1 if d.some() else n for n in d.shape()]
    ones = [i - (len(shape) if d.some() else 0) for i, n in enumerate(shape) if n == 1]
    axes = d.ints(ones[:d.int(1, len(ones))]) if ones and d.some(0.7) else None
    return Case(d.op, [d.data(d.dtype(), shape), axes])


@recipe("Unsqueeze")
def unsqueeze(d):
    x = d.data(d.dtype(), d.shape(0, 4))
    n = x.ndim + d.int(1, 2)
    axes = [int(i) - (n if d.some() else 0) for i in d.rng.permutation(n)[:n - x.ndim]]
    return Case(d.op, [x, d.ints(axes)])


@recipe("Expand")
def expand(d):
    shape = d.shape()
    small = d.narrowed(shape)
    to = [1 if d.some(0.2) and k >= len(shape) - len(small) and small[k - len(shape)] == n else n
          for k, n in enumerate(shape)]
    return Case(d.op, [d.data(d.dtype(), small), d.ints(to)])


@recipe("Tile")
def tile(d):
    x = d.data(d.dtype(), d.shape(0, 4))
    return Case(d.op, [x, d.ints([d.int(0 if d.some(0.1) else 1, 3) for _ in range(x.ndim)])])


@recipe("Concat")
def concat(d):
    t, shape = d.dtype(), d.shape(1)
    axis = d.axis(len(shape))
    parts = []
    for _ in range(d.int(1, 4)):
        dims = list(shape)
        dims[axis] = d.int(0 if d.some(0.2) else 1, 4)
        parts.append(d.data(t, dims))
    return Case(d.op, parts, dict(axis=axis))


@recipe("Split")
def split(d):
    x = d.data(d.dtype(), d.shape(1, zero=False))
    axis = d.axis(x.ndim)
    n, sizes = x.shape[axis], []
    if d.some():
        count = d.int(1, min(n, 4))
        even = -(-n // count)
        count = -(-n // even)
        return Case(d.op, [x], dict(axis=axis, num_outputs=count), outputs=count)
    while n or not sizes:
        sizes.append(d.int(0 if d.some(0.2) else min(1, n), n))
        n -= sizes[-1]
        if len(sizes) == 4:
            sizes[-1] += n
            n = 0
    return Case(d.op, [x, d.ints(sizes)], d.maybe(axis=axis) if axis in (0, -x.ndim) else dict(axis=axis),
                outputs=len(sizes))


@recipe("Slice")
def slice_(d):
    x = d.data(d.dtype(), d.shape(1))
    axes = d.axes(x.ndim, 1)
    t = d.one("i4", "i8")
    starts = [d.int(-6, 6) for _ in axes]
    ends = [d.one(d.int(-6, 6), 2**31 - 1, -2**31 + 1) for _ in axes]
    steps = [d.one(1, 1, 2, 3, -1, -2) for _ in axes]
    if d.some(0.2):
        axes, starts, ends, steps = None, starts[:1], ends[:1], steps[:1]
    ins = [d.ints(v, t) if v is not None else None for v in (starts, ends, axes, steps)]
    return Case(d.op, [x] + ins[:d.int(3, 4)] if axes else [x] + ins)


@recipe("Pad")
def pad(d):
    t = d.dtype()
    mode = d.one("constant", "reflect", "edge", "wrap")
    x = d.data(t, d.shape(1, 4, zero=mode == "constant"))
    axes = d.axes(x.ndim, 1) if d.some(0.3) else None
    over = [x.shape[a] for a in axes] if axes is not None else list(x.shape)
    low = -1 if mode == "constant" and d.some(0.3) else 0
    most = [3 if mode == "constant" else max(0, min(2, n - 1)) for n in over]
    pads = [d.int(min(0, max(low, -(n // 2))), m) for _ in range(2) for n, m in zip(over, most)]
    fill = d.calm(t, ()) if mode == "constant" and d.some() else None
    return Case(d.op, [x, d.ints(pads), fill, d.ints(axes) if axes is not None else None], dict(mode=mode))


@recipe("Gather")
def gather(d):
    x = d.data(d.dtype(), d.shape(1, 4, zero=False))
    axis = d.axis(x.ndim)
    return Case(d.op, [x, d.index(x.shape[axis], d.shape(0, 2))],
                d.maybe(axis=axis) if axis in (0, -x.ndim) else dict(axis=axis))


@recipe("GatherElements")
def gather_elements(d):
    x = d.data(d.dtype(), d.shape(1, 4, zero=False))
    axis = d.axis(x.ndim)
    shape = [d.int(1, n) for n in x.shape]
    shape[axis] = d.int(1, 5)
    return Case(d.op, [x, d.index(x.shape[axis], shape)], dict(axis=axis))


def tuples(d, x, batch, k, count, distinct):
    """Indices of `k` coordinates; distinct ones for scatters."""
    dims = x.shape[batch:batch + k]
    total = int(np.prod(dims))
    n = int(np.prod(count))
    flat = d.rng.permutation(total)[:n] if distinct else d.rng.integers(0, total, n)
    at = np.stack(np.unravel_index(flat, dims), -1) if k else np.zeros((n, 0), int)
    at = np.where(d.rng.random(at.shape) < 0.3, at - np.array(dims), at)
    return at.reshape(tuple(count) + (k,)).astype("i8")


@recipe("GatherND")
def gather_nd(d):
    x = d.data(d.dtype(), d.shape(1, 4, zero=False))
    batch = d.int(0, x.ndim - 1)
    k = d.int(1, x.ndim - batch)
    count = list(x.shape[:batch]) + list(d.shape(0, 2, zero=False))
    return Case(d.op, [x, tuples(d, x, batch, k, count, False)], dict(batch_dims=batch) if batch else {})


@recipe("ScatterND")
def scatter_nd(d):
    t = d.dtype()
    x = d.calm(t, d.shape(1, 4, zero=False))
    k = d.int(1, x.ndim)
    n = d.int(1, int(np.prod(x.shape[:k])))
    free = t != "O" and t != "?"
    red = d.one("none", "add", "mul", "max", "min") if free else "none"
    at = tuples(d, x, 0, k, (n,), red == "none")
    return Case(d.op, [x, at, d.calm(t, (n,) + x.shape[k:])], dict(reduction=red) if red != "none" else {})


@recipe("ScatterElements")
def scatter_elements(d):
    t = d.dtype()
    x = d.calm(t, d.shape(1, 4, zero=False))
    axis = d.axis(x.ndim)
    red = d.one("none", "add", "mul", "max", "min") if t != "O" and t != "?" else "none"
    shape = [d.int(1, n) for n in x.shape]
    at = np.argsort(d.rng.random(x.shape), axis=axis)[tuple(slice(n) for n in shape)]
    if red != "none":
        at = d.index(x.shape[axis], shape)
    return Case(d.op, [x, at.astype("i8"), d.calm(t, shape)],
                dict(axis=axis) | (dict(reduction=red) if red != "none" else {}))


@recipe("TensorScatter")
def tensor_scatter(d):
    b, s, n = d.int(1, 3), d.int(3, 6), d.int(1, 3)
    t = d.dtype()
    tail = d.shape(0, 2, zero=False)
    at = d.ints(d.rng.integers(0, s - n + 1, b)) if d.some(0.8) else None
    return Case(d.op, [d.calm(t, (b, s) + tail), d.calm(t, (b, n) + tail), at],
                dict(axis=1, **d.maybe(mode="circular")), opset=24)


@recipe("OneHot")
def one_hot(d):
    t, depth = d.dtype("T3"), d.int(1, 6)
    idx = d.index(depth + 1, d.shape(0, 3), t=d.one("i4", "i8", "f4"))
    return Case(d.op, [idx, d.ints(depth if d.some() else [depth], d.one("i4", "i8")), d.calm(t, (2,))],
                d.maybe(axis=d.int(-idx.ndim - 1, idx.ndim)))


@recipe("Trilu")
def trilu(d):
    x = d.data(d.dtype(), d.shape(2))
    return Case(d.op, [x, d.ints(d.int(-4, 4)) if d.some(0.7) else None], d.maybe(upper=0))


@recipe("EyeLike")
def eye_like(d):
    x = d.calm(d.dtype("T1", without=("string",)), d.shape(2, 2))
    return Case(d.op, [x], d.maybe(k=d.int(-3, 3), dtype=d.one(1, 6, 7, 10, 11)))


@recipe("Compress")
def compress(d):
    x = d.data(d.dtype(), d.shape(1, 4, zero=False))
    axis = d.axis(x.ndim) if d.some(0.7) else None
    n = x.size if axis is None else x.shape[axis]
    return Case(d.op, [x, d.data("?", (d.int(1, n),))], {} if axis is None else dict(axis=axis))


@recipe("ReverseSequence")
def reverse_sequence(d):
    x = d.data(d.dtype(), d.shape(2, 4, zero=False))
    b = d.int(0, 1)
    lens = d.ints([d.int(1, x.shape[1 - b]) for _ in range(x.shape[b])])
    return Case(d.op, [x, lens], dict(batch_axis=b, time_axis=1 - b))


@recipe("DepthToSpace", "SpaceToDepth")
def depth_space(d):
    k, deep = d.int(1, 3), d.op[0] == "D"
    c, h, w = d.int(1, 3), d.int(1, 3), d.int(1, 3)
    shape = (d.int(1, 2), c * k * k, h, w) if deep else (d.int(1, 2), c, h * k, w * k)
    return Case(d.op, [d.data(d.dtype(), shape)], dict(blocksize=k) | (d.maybe(mode="CRD") if deep else {}))


@recipe("Range")
def range_(d):
    t = d.dtype(without=("bfloat16", "float16"))
    a, s = d.int(-5, 5), d.one(1, 2, 3, -1, -2)
    b = a + s * d.int(0, 5) + d.int(0, 1)
    return Case(d.op, [d.ints(v, t) for v in (a, b, s)])


@recipe("ConstantOfShape")
def constant_of_shape(d):
    t = d.dtype("T2")
    value = numpy_helper.from_array(d.calm(t, (1,)))
    return Case(d.op, [d.ints(d.shape())], dict(value=value) if d.some(0.8) else {})


@recipe("CenterCropPad")
def center_crop_pad(d):
    x = d.data(d.dtype(), d.shape(1, 4, zero=False))
    axes = d.axes(x.ndim, 1) if d.some() else None
    n = x.ndim if axes is None else len(axes)
    return Case(d.op, [x, d.ints([d.int(1, 8) for _ in range(n)], d.one("i4", "i8"))],
                {} if axes is None else dict(axes=axes))


# ---- sums of products ----
@recipe("MatMul")
def matmul(d):
    t, k, batch = d.dtype(), d.int(1, 9), d.shape(0, 3)
    a, b = d.narrowed(batch) + (d.int(1, 9), k), d.narrowed(batch) + (k, d.int(1, 9))
    return Case(d.op, [d.calm(t, a if d.some(0.85) else (k,)), d.calm(t, b if d.some(0.85) else (k,))])


@recipe("Gemm")
def gemm(d):
    t, m, k, n = d.dtype(), d.int(1, 9), d.int(1, 9), d.int(1, 17)
    ta, tb = d.int(0, 1), d.int(0, 1)
    c = d.calm(t, d.narrowed((m, n))) if d.some(0.7) else None
    scale = dict(alpha=0.5, beta=1.5) if is_float(t) else {}
    return Case(d.op, [d.calm(t, (k, m) if ta else (m, k)), d.calm(t, (n, k) if tb else (k, n)), c],
                d.maybe(**scale) | dict(transA=ta, transB=tb))


@recipe("MatMulInteger")
def matmul_integer(d):
    t, u, k = d.dtype("T1"), d.dtype("T2"), d.int(1, 8)
    a, b = d.data(t, (d.int(1, 5), k), -99, 120), d.data(u, (k, d.int(1, 5)), -99, 120)
    za = d.data(t, (), 0, 9) if d.some(0.7) else None
    return Case(d.op, [a, b, za, d.data(u, (), 0, 9) if d.some(0.7) else None])


def window(d, n, filters=True):
    """Spatial shape, kernel, and attributes of a window over `n` dimensions."""
    size = [d.int(3, 7) for _ in range(n)]
    kernel = [d.int(1, 3) for _ in range(n)]
    attrs = d.maybe(strides=[d.int(1, 2) for _ in range(n)])
    if d.some(0.4):
        attrs["dilations"] = [d.int(1, 2) if k * 2 - 1 <= s else 1 for k, s in zip(kernel, size)]
    if d.some(0.3) and "dilations" not in attrs:
        attrs["auto_pad"] = d.one("SAME_UPPER", "SAME_LOWER", "VALID")
    elif d.some(0.6):
        attrs["pads"] = [d.int(0, k - 1) for _ in range(2) for k in kernel]
    return size, kernel, attrs


@recipe("Conv", "ConvInteger")
def conv(d):
    n, g = d.int(1, 3), d.one(1, 1, 1, 2)
    size, kernel, attrs = window(d, n)
    cin, cout = g * d.int(1, 4), g * d.int(1, 4)
    xs, ws = [d.int(1, 2), cin] + size, [cout, cin // g] + kernel
    attrs |= d.maybe(kernel_shape=kernel) | (dict(group=g) if g > 1 else {})
    if d.op == "ConvInteger":
        t, u = d.dtype("T1"), d.dtype("T2")
        zero = d.data(t, (), 0, 9) if d.some() else None
        return Case(d.op, [d.data(t, xs, -99, 99), d.data(u, ws, -99, 99), zero,
                           d.data(u, (), 0, 9) if d.some() else None], attrs)
    t = d.dtype()
    return Case(d.op, [d.calm(t, xs), d.calm(t, ws), d.calm(t, (cout,)) if d.some() else None], attrs)


@recipe("ConvTranspose")
def conv_transpose(d):
    n, g, t = d.int(1, 2), d.one(1, 1, 2), d.dtype()
    size, kernel, attrs = window(d, n)
    cin, cout = g * d.int(1, 3), d.int(1, 3)
    strides = attrs.get("strides", [1] * n)
    if max(strides) > 1 and d.some(0.4):
        attrs["output_padding"] = [d.int(0, s - 1) for s in strides]
    return Case(d.op, [d.calm(t, [d.int(1, 2), cin] + size), d.calm(t, [cin, cout] + kernel),
                       d.calm(t, (cout * g,)) if d.some() else None],
                attrs | d.maybe(kernel_shape=kernel) | (dict(group=g) if g > 1 else {}))


@recipe("DeformConv")
def deform_conv(d):
    t, k, s = d.dtype(), d.int(1, 3), d.int(3, 5)
    o = s - k + 1
    return Case(d.op, [d.calm(t, (1, 2, s, s)), d.calm(t, (2, 2, k, k)), d.calm(t, (1, 2 * k * k, o, o), -1, 1),
                       d.calm(t, (2,)) if d.some() else None,
                       d.calm(t, (1, k * k, o, o)) if d.some() else None], dict(kernel_shape=[k, k]))


@recipe("MaxPool", "AveragePool", "LpPool")
def pool(d):
    n = d.int(1, 3)
    size, kernel, attrs = window(d, n)
    if d.op == "LpPool":
        attrs |= d.maybe(p=d.int(1, 3))
    if d.op == "AveragePool":
        attrs |= d.maybe(count_include_pad=1)
    if "auto_pad" not in attrs:
        attrs |= d.maybe(0.3, ceil_mode=1)
    x = d.calm(d.dtype(), [d.int(1, 2), d.int(1, 3)] + size, -9, 9)
    two = d.op == "MaxPool" and d.some(0.3)
    return Case(d.op, [x], attrs | dict(kernel_shape=kernel), outputs=2 if two else 1)


@recipe("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(d):
    x = d.calm(d.dtype(), d.shape(3, zero=False))
    return Case(d.op, [x], d.maybe(p=d.int(1, 3)) if "Lp" in d.op else {})


@recipe("MaxUnpool")
def max_unpool(d):
    t, s = d.dtype("T1"), d.int(1, 4)
    at = d.ints(d.rng.permutation(4 * s * s)[:s * s]).reshape(1, 1, s, s)
    return Case(d.op, [d.calm(t, (1, 1, s, s)), at], dict(kernel_shape=[2, 2], strides=[2, 2]))


@recipe("MaxRoiPool")
def max_roi_pool(d):
    rois = [[0, 0, 0, d.int(1, 5), d.int(1, 5)] for _ in range(d.int(1, 3))]
    return Case(d.op, [d.calm("f4", (1, 2, 6, 6)), np.array(rois, "f4")],
                dict(pooled_shape=[d.int(1, 3), d.int(1, 3)]))


@recipe("RoiAlign")
def roi_align(d):
    t, n = d.dtype("T1"), d.int(1, 3)
    rois = np.sort(d.calm("f4", (n, 2, 2), 0, 9), 1).reshape(n, 4).astype(t)
    return Case(d.op, [d.calm(t, (2, 2, 6, 6)), rois, d.index(2, (n,), False, "i8")],
                d.maybe(mode="max", output_height=d.int(1, 3), output_width=d.int(1, 3), sampling_ratio=d.int(0, 2),
                        spatial_scale=0.5, coordinate_transformation_mode=d.one("output_half_pixel", "half_pixel")))


@recipe("Col2Im")
def col2im(d):
    k, size = [d.int(1, 2), d.int(1, 3)], [d.int(3, 5), d.int(3, 5)]
    blocks = int(np.prod([s - b + 1 for s, b in zip(size, k)]))
    t = d.dtype(among=("float", "double", "int32"))
    return Case(d.op, [d.calm(t, (1, 2 * k[0] * k[1], blocks)), d.ints(size), d.ints(k)])


@recipe("Det")
def det(d):
    n = d.int(1, 4)
    return Case(d.op, [d.calm(d.dtype(), d.shape(0, 2) + (n, n))])
