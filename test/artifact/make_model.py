#!/usr/bin/env python3
"""Writes ONNX models for tests, with nothing but the standard library.

    make_model.py convnet OUT.onnx       a convolution network for images of 224 x 224
    make_model.py big DIR [GIB]          a test directory: more than 2 GiB (default 2.25) of external
                                         data, inputs, and outputs that are known exactly

Everything comes from fixed seeds: the same bytes each time.

Big: ids -> rows of a table (Gather) -> x W1 -> ... -> x W4. The table holds integers in few places;
a column of each W has eight ones or minus ones at places drawn for it. So all sums are exact in
float32, and cheap to compute here: y[j] is a signed sum of eight x[i]. The file has holes where only
zeros are; the model has not: every weight is 4 bytes of it.
"""
import os
import random
import struct
import sys

FLOAT, INT64 = 1, 7


# ---- protobuf ----

def varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)
    return bytes(out)


def number(field, v):
    return varint(field << 3) + varint(v)


def chunk(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


# ---- ONNX ----

def tensor(name, elem, dims, raw=None, external=None):
    out = b"".join(number(1, d) for d in dims) + number(2, elem) + chunk(8, name)
    if external:
        for key, value in zip(("location", "offset", "length"), external):
            out += chunk(13, chunk(1, key) + chunk(2, str(value)))
        return out + number(14, 1)
    return out + chunk(9, raw)


def node(op, inputs, output, ints=(), numbers=()):
    out = b"".join(chunk(1, i) for i in inputs) + chunk(2, output) + chunk(3, output) + chunk(4, op)
    for name, values in ints:
        out += chunk(5, chunk(1, name) + b"".join(number(8, v) for v in values) + number(20, 7))
    for name, value in numbers:
        out += chunk(5, chunk(1, name) + number(3, value) + number(20, 2))
    return out


def value(name, elem, dims):
    shape = b"".join(chunk(1, number(1, d)) for d in dims)
    return chunk(1, name) + chunk(2, chunk(1, number(1, elem) + chunk(2, shape)))


def model(nodes, initializers, inputs, outputs):
    graph = b"".join(chunk(1, n) for n in nodes) + chunk(2, "generated")
    graph += b"".join(chunk(5, t) for t in initializers)
    graph += b"".join(chunk(11, i) for i in inputs) + b"".join(chunk(12, o) for o in outputs)
    return number(1, 8) + chunk(7, graph) + chunk(8, number(2, 17))


# ---- a convolution network ----

def convnet(path):
    rng = random.Random(1)
    nodes, weights = [], []

    def conv(x, cin, cout, k, stride, group=1, relu=True):
        i = len(weights) // 2
        fan = cin // group * k * k
        scale = (2 / fan) ** 0.5
        w = [rng.uniform(-scale, scale) for _ in range(cout * fan)]
        b = [rng.uniform(-0.1, 0.1) for _ in range(cout)]
        weights.append(tensor(f"w{i}", FLOAT, [cout, cin // group, k, k], struct.pack(f"<{len(w)}f", *w)))
        weights.append(tensor(f"b{i}", FLOAT, [cout], struct.pack(f"<{cout}f", *b)))
        nodes.append(node("Conv", [x, f"w{i}", f"b{i}"], f"c{i}",
                          [("strides", [stride] * 2), ("pads", [k // 2] * 4), ("kernel_shape", [k] * 2)],
                          [("group", group)]))
        if not relu:
            return f"c{i}"
        nodes.append(node("Relu", [f"c{i}"], f"r{i}"))
        return f"r{i}"

    x, c = conv("image", 3, 16, 3, 2), 16  # 112
    for cout, stride, dense in ((32, 2, False), (32, 1, True), (64, 2, False), (64, 1, True),
                                (128, 2, False), (128, 1, True), (256, 2, False)):
        before = x
        if dense:  # a residual block
            x = conv(conv(x, c, cout, 3, 1), cout, cout, 3, 1, relu=False)
            nodes.append(node("Add", [x, before], x + "s"))
            x = x + "s"
        else:  # depthwise and pointwise
            x = conv(conv(x, c, c, 3, stride, group=c), c, cout, 1, 1)
        c = cout
    nodes.append(node("GlobalAveragePool", [x], "pooled"))
    nodes.append(node("Flatten", ["pooled"], "flat"))
    w = [rng.uniform(-0.1, 0.1) for _ in range(c * 10)]
    weights.append(tensor("last", FLOAT, [c, 10], struct.pack(f"<{len(w)}f", *w)))
    nodes.append(node("MatMul", ["flat", "last"], "logits"))
    with open(path, "wb") as f:
        f.write(model(nodes, weights, [value("image", FLOAT, [1, 3, 224, 224])],
                      [value("logits", FLOAT, [1, 10])]))


# ---- more than 2 GiB ----

WIDTH, LAYERS, TERMS, PAGE = 8192, 4, 8, 4096


def write_sparse(fd, at, places):
    """places: {byte offset: float}; each block of 1 MiB is written at once, the rest are holes."""
    blocks = {}
    for offset, v in places.items():
        blocks.setdefault(offset // PAGE, []).append((offset % PAGE, v))
    for b, items in blocks.items():
        page = bytearray(PAGE)
        for offset, v in items:
            struct.pack_into("<f", page, offset, v)
        os.pwrite(fd, page, at + b * PAGE)


def big(folder, gib):
    rng = random.Random(2)
    matrix = WIDTH * WIDTH * 4
    rows = (int(gib * (1 << 30)) - LAYERS * matrix) // (WIDTH * 4)
    ids = [0, rows - 1] + [rng.randrange(rows) for _ in range(2)]
    os.makedirs(folder + "/test_data_set_0", exist_ok=True)
    fd = os.open(folder + "/weights.bin", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    total = rows * WIDTH * 4 + LAYERS * matrix
    os.ftruncate(fd, total)

    x = []  # the rows that are looked up, and a value in every other one
    places = {r * WIDTH * 4 + 4 * rng.randrange(WIDTH): float(rng.randrange(1, 9)) for r in range(0, rows, 64)}
    for r in ids:
        row = [0.0] * WIDTH
        for i in rng.sample(range(WIDTH), 2048):
            row[i] = float(rng.randrange(-8, 9))
        for offset in [o for o in places if o // (WIDTH * 4) == r]:
            del places[offset]
        for i, v in enumerate(row):
            places[r * WIDTH * 4 + 4 * i] = v
        x.append(row)
    write_sparse(fd, 0, places)
    weights = [tensor("table", FLOAT, [rows, WIDTH], external=("weights.bin", 0, rows * WIDTH * 4))]
    nodes = [node("Gather", ["table", "ids"], "x0")]
    for k in range(LAYERS):
        at = rows * WIDTH * 4 + k * matrix
        terms = [[(i, rng.choice((-1.0, 1.0))) for i in rng.sample(range(WIDTH), TERMS)] for _ in range(WIDTH)]
        write_sparse(fd, at, {(i * WIDTH + j) * 4: s for j in range(WIDTH) for i, s in terms[j]})
        weights.append(tensor(f"w{k}", FLOAT, [WIDTH, WIDTH], external=("weights.bin", at, matrix)))
        nodes.append(node("MatMul", [f"x{k}", f"w{k}"], "y" if k == LAYERS - 1 else f"x{k + 1}"))
        x = [[sum(row[i] * s for i, s in terms[j]) for j in range(WIDTH)] for row in x]
    os.close(fd)
    assert max(abs(v) for row in x for v in row) < 1 << 24
    n = len(ids)
    with open(folder + "/model.onnx", "wb") as f:
        f.write(model(nodes, weights, [value("ids", INT64, [n])], [value("y", FLOAT, [n, WIDTH])]))
    with open(folder + "/test_data_set_0/input_0.pb", "wb") as f:
        f.write(tensor("ids", INT64, [n], struct.pack(f"<{n}q", *ids)))
    with open(folder + "/test_data_set_0/output_0.pb", "wb") as f:
        f.write(tensor("y", FLOAT, [n, WIDTH], struct.pack(f"<{n * WIDTH}f", *(v for row in x for v in row))))
    print(f"{folder}: {total / (1 << 30):.2f} GiB of external data, {os.stat(folder + '/weights.bin').st_blocks / (1 << 21):.2f} GiB on the disk")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "convnet":
        convnet(sys.argv[2])
    elif len(sys.argv) in (3, 4) and sys.argv[1] == "big":
        big(sys.argv[2], float(sys.argv[3]) if len(sys.argv) == 4 else 2.25)
    else:
        sys.exit(__doc__)
