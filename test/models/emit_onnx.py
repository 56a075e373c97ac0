#!/usr/bin/env python3
"""The ONNX models that mlc writes, judged by the ONNX checker and by ONNX Runtime.

    emit_onnx.py MLC MODELS_DIR LIST [NAME...]

For each model of LIST (or each NAME): `mlc optimize` writes it as ONNX, with its weights inside and
in a file of their own; the checker must accept it; ONNX Runtime must compute the reference outputs
from it; mlc must read it and write the same model again.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

DEFAULTS = {"rtol": 1e-3, "atol": 1e-5, "mtol": 1e-5}


def tensor(path):
    proto = onnx.TensorProto()
    with open(path, "rb") as f:
        proto.ParseFromString(f.read())
    return numpy_helper.to_array(proto)


def optimize(mlc, model, out, *options):
    done = subprocess.run([mlc, "optimize", model, "-q", "-o", out, *options],
                          capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"mlc exits with {done.returncode}: {done.stderr.strip()}")


def quantum_of(model, output):
    """The scale of the DequantizeLinear that makes an output; 1 where there is none."""
    data = {t.name: t for t in model.graph.initializer}
    for node in model.graph.node:
        if output in node.output and node.op_type == "DequantizeLinear" and node.input[1] in data:
            return float(numpy_helper.to_array(data[node.input[1]]).max())
    return 1.0


def difference(got, want, tolerance, quantum):
    """What is wrong with an output, or None; the rules of `mlc verify`."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"{got.dtype}{list(got.shape)} against {want.dtype}{list(want.shape)}"
    if not np.issubdtype(want.dtype, np.floating):
        return None if np.array_equal(got, want) else "elements differ"
    g, w = got.astype(np.float64), want.astype(np.float64)
    d = np.where((g == w) | (np.isnan(g) & np.isnan(w)), 0, np.abs(g - w))
    if tolerance.get("argmax") or "cosine" in tolerance:
        if not want.size:
            return None
        a, b = g.ravel(), w.ravel()
        cosine = a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-300)
        if tolerance.get("argmax") and a.argmax() != b.argmax():
            return "the largest element is another"
        return None if cosine >= tolerance.get("cosine", 0) else f"cosine {cosine:.6f}"
    if "quantum" in tolerance:
        share = np.mean(d > tolerance["quantum"] * quantum * 1.001)
        return None if share <= 1 - tolerance.get("share", 1) else f"{share:.2%} differ"
    peak = np.max(np.abs(w[np.isfinite(w)]), initial=0)
    limit = tolerance["atol"] + tolerance["rtol"] * np.abs(w) + tolerance["mtol"] * peak
    bad = ~(d <= np.where(np.isfinite(limit), limit, 0))
    return f"{int(bad.sum())} of {bad.size} elements differ, by up to {d.max():g}" if bad.any() else None


def compare_outputs(path, folder, tolerance):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    model = onnx.load(path, load_external_data=False)
    for data in sorted(glob.glob(os.path.join(folder, "test_data_set_*"))):
        feeds = {arg.name: tensor(os.path.join(data, f"input_{i}.pb"))
                 for i, arg in enumerate(session.get_inputs())}
        got = session.run(None, feeds)
        for i, arg in enumerate(session.get_outputs()):
            wrong = difference(got[i], tensor(os.path.join(data, f"output_{i}.pb")), tolerance,
                               quantum_of(model, arg.name))
            assert not wrong, f"{os.path.basename(data)}, output '{arg.name}': {wrong}"


def names_of(values):
    return [v.name for v in values]


def check_interface(path, original):
    """The names of inputs and outputs, and the types of inputs, stay."""
    was, now = onnx.load(original, load_external_data=False), onnx.load(path, load_external_data=False)
    constants = {t.name for t in was.graph.initializer}
    inputs = [v for v in was.graph.input if v.name not in constants]
    assert names_of(now.graph.input) == names_of(inputs), "the names of the inputs"
    assert names_of(now.graph.output) == names_of(was.graph.output), "the names of the outputs"
    for a, b in zip(now.graph.input, inputs):
        x, y = a.type.tensor_type, b.type.tensor_type
        assert x.elem_type == y.elem_type, f"the type of input '{a.name}'"
        for p, q in zip(x.shape.dim, y.shape.dim):
            assert p.dim_value == max(q.dim_value, 0), f"the shape of input '{a.name}'"
    opset = {o.domain: o.version for o in now.opset_import}[""]
    return opset


def structure(path):
    """What has to be the same in a model that was written twice: everything but names."""
    model = onnx.load(path)
    number = {}
    id_of = lambda name: number.setdefault(name, len(number)) if name else -1
    data = {t.name: (t.data_type, tuple(t.dims), numpy_helper.to_array(t).tobytes())
            for t in model.graph.initializer}
    nodes = []
    for n in model.graph.node:
        inputs = [data.get(i) or id_of(i) for i in n.input]
        attributes = sorted((a.name, a.SerializeToString()) for a in n.attribute)
        nodes.append((n.op_type, inputs, [id_of(o) for o in n.output], attributes))
    return names_of(model.graph.input), names_of(model.graph.output), nodes


def check(mlc, folder, scratch):
    model = os.path.join(folder, "model.onnx")
    tolerance = dict(DEFAULTS)
    extra = os.path.join(folder, "tolerance.json")
    if os.path.exists(extra):
        with open(extra) as f:
            tolerance.update(json.load(f))
    once, twice, apart = (os.path.join(scratch, n, "m.onnx") for n in ("once", "twice", "apart"))
    for path in (once, twice, apart):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    optimize(mlc, model, once)
    onnx.checker.check_model(once, full_check=True)
    opset = check_interface(once, model)
    compare_outputs(once, folder, tolerance)
    optimize(mlc, once, twice)
    assert structure(once) == structure(twice), "a second time gives another model"
    optimize(mlc, model, apart, "--weights", "file")
    onnx.checker.check_model(apart)
    compare_outputs(apart, folder, tolerance)
    return opset


def main():
    mlc, models, listed, names = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    if not os.path.isdir(models):
        print(f"SKIP: real models are not at {models} (set MLC_SHARED)")
        return 0
    if not names:
        with open(listed) as f:
            names = [w for line in f for w in line.split("#")[0].split()]
    failed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                print(f"PASS {name} (opset {check(mlc, os.path.join(models, name), scratch)})", flush=True)
            except Exception as why:
                failed += 1
                print(f"FAIL {name}: {str(why).strip()[:600]}", flush=True)
    print(f"{len(names) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
