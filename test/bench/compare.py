#!/usr/bin/env python3
"""Latency of compiled models against ONNX Runtime, in one run on one machine.

    compare.py MLC PEAK MODELS_DIR [--target T] [--threads N] [--rounds N] [--only NAME,...]
               [--least RATIO] [--json FILE]

Every model of test/models/must_pass.txt. Both sides get the inputs of test_data_set_0 and take turns,
round by round; the medians are compared. The FMA peak is measured by PEAK before and after. Prints a
table and the geometric mean; with --least it fails when a model has a smaller ratio.
"""
import argparse
import glob
import json
import math
import os
import re
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper


def all_models():
    """The list that every native target must get right."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models", "must_pass.txt")
    return " ".join(line.split("#")[0] for line in open(path)).split()


def feeds_of(model_dir, session):
    """The tensors of test_data_set_0 by input name."""
    feeds = {}
    for i, arg in enumerate(session.get_inputs()):
        tensor = onnx.TensorProto()
        path = os.path.join(model_dir, "test_data_set_0", f"input_{i}.pb")
        tensor.ParseFromString(open(path, "rb").read())
        feeds[arg.name] = numpy_helper.to_array(tensor)
    return feeds


def session_for(path, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if threads == 1:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def ort_median_us(binding, session, seconds):
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter_ns()
        session.run_with_iobinding(binding)
        times.append((time.perf_counter_ns() - start) / 1e3)
    return statistics.median(times)


def bound(session, feeds):
    """Inputs and outputs bound once, so that no copying is timed."""
    binding = session.io_binding()
    for name, value in feeds.items():
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value)))
    for out in session.get_outputs():
        binding.bind_output(out.name)
    session.run_with_iobinding(binding)
    return binding


def mlc_median_us(mlc, path, data, threads, seconds, target):
    command = [mlc, "bench", path, "-t", target, "--threads", str(threads), "--min-time",
               f"{seconds}s", "--json"]
    if data:
        command += ["--input-dir", data]
    out = subprocess.run(command, capture_output=True, text=True)
    if out.returncode:
        raise RuntimeError(out.stderr.strip() or f"mlc bench ended with {out.returncode}")
    return json.loads(out.stdout)


def peak_gflops(peak):
    return float(subprocess.run([peak], capture_output=True, text=True, check=True).stdout.split()[0])


def gemm_share(mlc, peak, target, seconds):
    """768^3 GEMM through the ordinary pipeline, as a share of the measured peak."""
    from onnx import TensorProto, helper
    n = 768
    weights = np.random.default_rng(0).standard_normal((n, n)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "gemm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [n, n])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [n, n])],
        [numpy_helper.from_array(weights, "w")])
    path = os.path.join(os.path.dirname(peak), "gemm768.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    before = peak_gflops(peak)
    us = mlc_median_us(mlc, path, None, 1, seconds, target)["latency_us"]["median"]
    top = max(before, peak_gflops(peak))
    rate = 2 * n**3 / us / 1e3
    print(f"FMA peak {top:.1f} GFLOP/s; GEMM 768x768x768 {rate:.1f} GFLOP/s, {rate / top:.2f} of peak")
    return {"peak_gflops": top, "gemm768_gflops": rate}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("mlc")
    ap.add_argument("peak")
    ap.add_argument("models")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=0.3)
    ap.add_argument("--target", default="x86-avx2")
    ap.add_argument("--only", default="")
    ap.add_argument("--least", type=float, default=0, help="least ratio ort / mlc of any model")
    ap.add_argument("--json")
    args = ap.parse_args()
    print(f"onnxruntime {ort.__version__}, target {args.target}, {args.threads} thread(s)")
    result = {"onnxruntime": ort.__version__, "threads": args.threads, "models": []}
    result |= gemm_share(args.mlc, args.peak, args.target, 1)
    names = args.only.split(",") if args.only else all_models()
    print(f"{'model':28} {'mlc us':>10} {'ort us':>10} {'ratio':>6}")
    ratios = []
    for name in names:
        folder = os.path.join(args.models, name)
        path = os.path.join(folder, "model.onnx")
        if not os.path.exists(path):
            print(f"{name:28} SKIP: not there")
            continue
        try:
            session = session_for(path, args.threads)
            binding = bound(session, feeds_of(folder, session))
        except Exception as why: # ONNX Runtime has classes of its own for each failure
            print(f"{name:28} SKIP: onnxruntime: {str(why).splitlines()[0]}")
            continue
        mine, theirs = [], []
        for _ in range(args.rounds):
            mine.append(mlc_median_us(args.mlc, path, os.path.join(folder, "test_data_set_0"),
                                      args.threads, args.seconds, args.target)["latency_us"]["median"])
            theirs.append(ort_median_us(binding, session, args.seconds))
        a, b = statistics.median(mine), statistics.median(theirs)
        ratios.append(b / a)
        result["models"].append({"name": name, "mlc_us": a, "ort_us": b, "ratio": b / a})
        print(f"{name:28} {a:10.1f} {b:10.1f} {b / a:6.2f}", flush=True)
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"geometric mean of ort / mlc: {mean:.2f}, least {min(ratios):.2f}")
    if args.json:
        json.dump(result, open(args.json, "w"), indent=1)
    slow = [m["name"] for m in result["models"] if m["ratio"] < args.least]
    if slow:
        print(f"below {args.least}: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
