"""Peak memory of mlc on hostile files: at most 4 times the file + 200 MB, and 60 s, whatever is asked.

    python3 test/fuzz/peak.py BUILD [WORD...]     with words: only files whose name has one

Every file of corpus/onnx, corpus/text, corpus/data and corpus/config is given to the commands that
read such a file. The large ones below, each of which asks for far more memory than it has bytes, are
given to those that only read. Measured is the largest resident set of mlc and of each process that it starts; an exit code
that is not of a refusal or of success is a failure too. Pages that a process shares count.
"""
import os
import shutil
import signal
import sys
import tempfile

import proto as p

HERE = os.path.dirname(os.path.abspath(__file__))
RATIO, BASE, LIMIT_S = 4, 200_000_000, 60
READ = (["inspect"], ["check"], ["ir"])
COMPILE = ["optimize", "-q", "-O0", "-o", "out"]


# ---- large files ----
def relu_chain(n):
    names = ["x"] + ["v%d" % k for k in range(n - 1)] + ["y"]
    return [p.node("Relu", [names[k]], [names[k + 1]]) for k in range(n)]


def whole(nodes, shape=("batch", 3), **k):
    t = p.tensor_type(p.FLOAT, shape)
    return p.model(p.graph(nodes, [p.value("x", t)], [p.value("y")], **k))


def doubling(depth):
    """Functions of two calls each: 2^depth nodes from a few hundred bytes."""
    mine = ((17, ""), (1, "my"))
    fs = [p.function("f%d" % k, ["u"], ["v"], [p.node("f%d" % (k + 1), ["u"], ["h"], domain="my"),
                                                p.node("f%d" % (k + 1), ["h"], ["v"], domain="my")],
                     opsets=mine) for k in range(depth)]
    fs.append(p.function("f%d" % depth, ["u"], ["v"], [p.node("Relu", ["u"], ["v"])], opsets=mine))
    t = p.tensor_type(p.FLOAT, ["n"])
    return p.model(p.graph([p.node("f0", ["x"], ["y"], domain="my")], [p.value("x", t)], [p.value("y")]),
                   opsets=mine, functions=fs)


def filled(size, *ops):
    """A constant of `size` elements from a shape of one, which folding would write out."""
    nodes = [p.node("ConstantOfShape", ["s"], ["c0"])]
    nodes += [p.node(op, ["c%d" % k, "c%d" % k] if op in ("Mul", "Add") else ["c%d" % k], ["c%d" % (k + 1)])
              for k, op in enumerate(ops)]
    nodes += [p.node("Add", ["x", "c%d" % len(ops)], ["y"])]
    return whole(nodes, [1], init=[p.ints("s", [1], size)])


def expanded(n):
    nodes = [p.node("Expand", ["w", "s"], ["h"]), p.node("Mul", ["h", "h"], ["h2"]),
             p.node("Add", ["x", "h2"], ["y"])]
    return whole(nodes, [1], init=[p.floats("w", [1, 1], 2), p.ints("s", [2], n, n)])


def doubled(op, times):
    """Concat or Tile of itself: each node doubles what is known."""
    nodes = [p.node("Concat", ["c%d" % k] * 2, ["c%d" % (k + 1)], p.a_int("axis", 0)) for k in range(times)]
    return whole(nodes + [p.node(op, ["x", "c%d" % times], ["y"])], [1], init=[p.floats("c0", [2], 1, 2)])


def text(dim):
    return b"graph \"g\" opset 17 {\n  sym n >= 1\n  in %x : f32[" + dim.encode() + b"]\n"


def large():
    m = 1 << 20
    wide = [p.node("Sum", ["x"] * (m // 2), ["y"])]
    many = [p.node("Split", ["x"], ["y"] + ["o%d" % k for k in range(200_000)], p.a_int("axis", 1))]
    return {
        "empty_nodes": p.model(p.b(1, b"") * (4 * m)),
        "empty_initializers": p.model(p.b(5, b"") * (4 * m)),
        "empty_inputs": p.model(p.b(11, b"") * (4 * m)),
        "empty_opsets": p.b(8, b"") * (4 * m) + p.model(p.graph(relu_chain(1))),
        "empty_functions": p.model(p.graph(relu_chain(1))) + p.b(25, b"") * (4 * m),
        "empty_attributes": whole([p.node("Relu", ["x"], ["y"], extra=p.b(5, b"") * (4 * m))]),
        "empty_names": whole([p.node("Sum", [""] * (2 * m), ["y"])]),
        "empty_strings": p.model(p.graph([], (), [p.value("w")], [
            p.typed("w", p.STRING, [2 * m], p.b(6, b"") * (2 * m))])),
        "empty_metadata": whole(relu_chain(1)) + p.b(14, b"") * (4 * m),
        "dims_one_byte": p.model(p.graph([], (), [p.value("w")], [p.i(1, 1) * (4 * m) + p.b(8, "w")])),
        "ints_one_byte": whole([p.node("Transpose", ["x"], ["y"], p.attr("perm", 7, p.b(8, b"\1" * (8 * m))))]),
        "packed_bools": p.model(p.graph([], (), [p.value("w")], [
            p.typed("w", p.BOOL, [8 * m], p.b(5, b"\1" * (8 * m)))])),
        "packed_doubles": p.model(p.graph([], (), [p.value("w")], [
            p.typed("w", p.INT64, [8 * m], p.b(7, b"\1" * (8 * m)))])),
        "relu_100k": whole(relu_chain(100_000)), "sum_512k": whole(wide), "split_200k": whole(many, ["n", 200_001]),
        "functions_2^10": doubling(10), "functions_2^19": doubling(19), "functions_2^40": doubling(40),
        "fill_2^28": filled(1 << 28), "fill_2^28_neg": filled(1 << 28, "Neg"),
        "fill_2^26_chain": filled(1 << 26, *["Neg", "Mul", "Abs", "Add"] * 8),
        "fill_2^40": filled(1 << 40, "Neg"), "expand_2^30": expanded(1 << 15), "expand_2^24": expanded(1 << 12),
        "concat_2^29": doubled("Add", 29), "concat_2^24": doubled("Add", 24), "concat_2^50": doubled("Mul", 50),
        "text_nodes": text("n") + b"  %y = Relu(%x)\n" * 200_000 + b"  out %y\n}\n",
        "text_chain": text("n") + b"".join(b"  %%x%d = Relu(%%x%s)\n" % (k, b"%d" % (k - 1) if k else b"")
                                           for k in range(100_000)) + b"  out %x99999\n}\n",
        "text_brackets": text("[" * (4 * m)), "text_open": text("(" * (8 * m)),
        "text_sum": text("1 + " * m + "1") + b"  out %x\n}\n",
        "text_product": text("(n + 1) * " * 1000 + "1") + b"  out %x\n}\n",
    }


# ---- measuring ----
def write_large():
    """Writes them to the folder `large`, in another process: what this one holds is counted with what
    it starts. Their names."""
    os.mkdir("large")
    pid = os.fork()
    if pid == 0:
        for name, data in large().items():
            with open(os.path.join("large", name), "wb") as f:
                f.write(data)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit("the large files cannot be written")
    return sorted(os.listdir("large"))


def measure(mlc, args):
    """(exit code or -signal, bytes)"""
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        signal.alarm(LIMIT_S)
        os.execv(mlc, [mlc] + args)
    _, status, used = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), used.ru_maxrss * 1024


class Tally:
    def __init__(self, mlc):
        self.mlc, self.runs, self.failed, self.most = mlc, 0, 0, (0, "", "")

    def judge(self, kind, source, path, args, is_large):
        name = kind + "/" + os.path.basename(source)
        code, peak = measure(self.mlc, args)
        limit = BASE + RATIO * os.path.getsize(path)
        self.runs += 1
        self.most = max(self.most, (peak / limit, name, args[0]))
        # The system said no: to memory beyond the limit, to a file that is not there.
        may_be_4 = code == 4 and (is_large or name.startswith("onnx/external_"))
        why = None
        if peak > limit:
            why = "%.0f MB of memory, of at most %.0f" % (peak / 1e6, limit / 1e6)
        elif code not in ((0, 2) if kind == "config" else (0, 3)) and not may_be_4:
            why = "takes too long" if code == -signal.SIGALRM else "exit code %d" % code
        if why:
            self.failed += 1
            print("FAIL peak: %s, mlc %s: %s" % (name, args[0], why), flush=True)


def commands(kind, path, is_large):
    if kind == "data":
        return [["run", "model.mlc", "--input", "x=" + path]]
    if kind == "config":
        return [["optimize", "model.mlc", "-q", "-o", "out"]]
    return [c[:1] + [path] + c[1:] for c in (READ if is_large else READ + (COMPILE,))]


def main():
    build, words = os.path.abspath(sys.argv[1]), sys.argv[2:]
    tally = Tally(os.path.join(build, "mlc"))
    scratch = tempfile.mkdtemp()
    os.chdir(scratch)
    with open("model.mlc", "w") as f:
        f.write(text("n").decode() + "  %y = Relu(%x)\n  out %y\n}\n")
    with open("w.bin", "wb") as f:
        f.write(bytes(64))
    kinds = {"onnx": "m.onnx", "text": "m.mlc", "data": "data", "config": "mlc.toml"}
    todo = [(k, os.path.join(HERE, "corpus", k, n), False)
            for k in kinds for n in sorted(os.listdir(os.path.join(HERE, "corpus", k)))]
    todo += [("text" if n.startswith("text") else "onnx", os.path.join("large", n), True) for n in write_large()]
    for kind, source, is_large in todo:
        if words and not any(w in source for w in words):
            continue
        path = kinds[kind]
        shutil.copyfile(source, path)
        for args in commands(kind, path, is_large):
            tally.judge(kind, source, path, args, is_large)
        os.unlink(path)
    shutil.rmtree(scratch)
    print("%s peak: %d runs, %d failed; nearest to the limit: %.0f %% (%s, mlc %s)"
          % ("FAIL" if tally.failed else "PASS", tally.runs, tally.failed, 100 * tally.most[0], *tally.most[1:]))
    return 1 if tally.failed or not tally.runs else 0


if __name__ == "__main__":
    sys.exit(main())
