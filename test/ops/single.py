#!/usr/bin/env python3
"""Generated models of one operator against two oracles: onnx.reference and ONNX Runtime.

    single.py MLC [--cases N] [--seed S] [--op OP]... [-t TARGET] [--keep DIR] [--table FILE]

N cases an operator (default 16), each a test directory for `mlc verify`. Where the oracles disagree
about a case, that is listed, and mlc must agree with one of them. A case that both refuse, or that
the ONNX checker refuses, is no case: another is drawn. Exit 1 if anything is wrong.

Tolerances follow the least exact floating-point type of the case (TOLERANCE); everything else must
be equal. Operators whose results are random are not compared (RANDOM).
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

sys.dont_write_bytecode = True

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

import single_recipes_nn  # noqa: F401  (registers its recipes)
from single_faults import FAULTS, fault
from single_make import NAMES, Draw, is_float, model_of
from single_recipes import RECIPES

RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
# By elements' type: rtol = atol, mtol.
TOLERANCE = {"double": (1e-7, 1e-9), "float": (1e-4, 1e-5), "float16": (4e-3, 2e-3),
             "bfloat16": (3e-2, 1.6e-2)}
FLOAT_INSIDE = ("LayerNormalization", "GroupNormalization", "RMSNormalization")  # stash_type
COARSE = (0.13, 0.13)  # float8, float4: a step of their last place
TRIES = 12
NEWEST = onnx.defs.onnx_opset_version()


# ---- oracles ----
def by_reference(model, feeds):
    return ReferenceEvaluator(model).run(None, feeds)


def by_runtime(model, feeds):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    ml = {k: v for k, v in feeds.items() if not isinstance(v, list) and v.dtype.kind == "V"}
    if ml:
        raise TypeError("its Python interface has no such arrays")
    return session.run(None, feeds)


def ask(oracle, model, feeds):
    """(results, None) or (None, why not)"""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = oracle(model, {k: (list(v) if isinstance(v, list) else v.copy()) for k, v in feeds.items()})
            return [r if isinstance(r, list) else np.asarray(r) for r in results], None
    except Exception as e:  # whatever the oracle says
        return None, f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"[:200]


def tensors(results):
    return [a for r in results for a in (r if isinstance(r, list) else [r])]


def tolerance(op, arrays):
    """Of the least exact type among the floating-point ones."""
    floats = [NAMES[a.dtype] for a in arrays if a.dtype in NAMES and is_float(a.dtype)]
    least = max((TOLERANCE.get(f, COARSE) for f in floats), default=TOLERANCE["float"])
    return max(least, TOLERANCE["float"]) if op in FLOAT_INSIDE else least


def difference(got, want, tol):
    """Why they differ, or None: the rule of `mlc verify`."""
    got, want = tensors(got), tensors(want)
    if len(got) != len(want):
        return "their number"
    for a, b in zip(got, want):
        text = a.dtype.kind in "OUS" and b.dtype.kind in "OUS"
        if a.shape != b.shape or (a.dtype != b.dtype and not text):
            return f"{a.dtype}{list(a.shape)} against {b.dtype}{list(b.shape)}"
        if text or not is_float(a.dtype):
            if not np.array_equal(a, b):
                return "values"
            continue
        x, y = a.astype("f8"), b.astype("f8")
        with np.errstate(all="ignore"):
            finite = np.abs(y[np.isfinite(y)])
            room = tol[0] + tol[0] * np.abs(y) + tol[1] * (finite.max() if finite.size else 0)
            close = (x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= room)
            bad = ~close | (np.isfinite(x) != np.isfinite(y))
        if bad.any():
            return "values" if np.isfinite(y[bad]).all() and np.isfinite(x[bad]).all() else "NaN or infinity"
    return None


# ---- test directories ----
def save_value(path, name, v):
    if isinstance(v, list):
        p = numpy_helper.from_list(v, name)
    else:
        p = numpy_helper.from_array(v.astype("O") if v.dtype.kind in "US" else v, name)
    with open(path, "wb") as f:
        f.write(p.SerializeToString())


def save(folder, model, feeds, results, tol):
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data)
    onnx.save(model, os.path.join(folder, "model.onnx"))
    with open(os.path.join(folder, "tolerance.json"), "w") as f:
        json.dump({"rtol": tol[0], "atol": tol[0], "mtol": tol[1]}, f)
    for i, v in enumerate(model.graph.input):
        save_value(os.path.join(data, f"input_{i}.pb"), v.name, feeds[v.name])
    for i, v in enumerate(model.graph.output):
        save_value(os.path.join(data, f"output_{i}.pb"), v.name, results[i])


def make(op, number, seed, folder, record):
    """One case, in one folder for each answer that the oracles give. False: none was found."""
    for attempt in range(TRIES):
        draw = Draw(seed, op, number * TRIES + attempt)
        try:
            case = RECIPES[op](draw)
            model, feeds = model_of(case, draw, NEWEST)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as e:
            record["invalid"].append(str(e).splitlines()[-1][:160])
            continue
        (ref, no_ref), (run, no_run) = [
            (None, why) if (why := fault(case, who)) else ask(oracle, model, feeds)
            for who, oracle in (("reference", by_reference), ("runtime", by_runtime))]
        if ref is None and run is None:
            record["refused by both"].append(no_ref + " | " + no_run)
            continue
        tol = tolerance(op, [a for v in list(feeds.values()) for a in (v if isinstance(v, list) else [v])] +
                        tensors(ref or run))
        name = os.path.join(folder, f"{op}-{number}")
        try:
            save(name, model, feeds, ref or run, tol)
            why = difference(ref, run, tol) if ref and run else None
            if why:
                save(name + "@runtime", model, feeds, run, tol)
        except Exception as e:  # an oracle's result that is no tensor of ONNX
            record["invalid"].append(f"{type(e).__name__}: {e}"[:160])
            subprocess.run(["rm", "-rf", name, name + "@runtime"], check=True)
            continue
        record["cases"][number] = {"oracles": ("reference" if ref else "") + ("+" if ref and run else "") +
                                   ("runtime" if run else ""), "differ": why}
        return True
    return False


# ---- judging ----
def verify(mlc, target, folder):
    done = subprocess.run([mlc, "verify", "-t", target, "--json", folder], capture_output=True, text=True)
    if not done.stdout:
        sys.exit(f"mlc verify: exit {done.returncode}: {done.stderr}")
    return {c["name"]: (c["result"], c.get("reason", "")) for c in json.loads(done.stdout)["cases"]}


def judge(records, verdicts):
    """Adds to every case `result`: pass, refused or wrong, and `with`: whom mlc agrees with."""
    for op, record in records.items():
        for number, case in record["cases"].items():
            answers = [("reference" if "reference" in case["oracles"] else "runtime", f"{op}-{number}")]
            if case["differ"]:
                answers.append(("runtime", f"{op}-{number}@runtime"))
            got = [(who, *verdicts[name]) for who, name in answers]
            case["with"] = next((who for who, result, _ in got if result == "PASS"), None)
            case["reason"] = got[0][2]
            code = re.match(r"([EW]\d{4}):", got[0][2])
            case["code"] = code.group(1) if code else None
            case["result"] = "pass" if case["with"] else "refused" if code else "wrong"


def count(record, **want):
    return sum(all(c[k] == v for k, v in want.items()) for c in record["cases"].values())


def table(records, options):
    total = {r: sum(count(x, result=r) for x in records.values()) for r in ("pass", "refused", "wrong")}
    lines = ["# Operators one by one", "",
             "Written by `make check-single`: generated models of one operator each, over its element types, ranks",
             "0 to 5, broadcasting, negative axes, zero-size dimensions, NaN, infinities and signed zeros, constant",
             "and run-time parameters, compared with `onnx.reference` and ONNX Runtime.", "",
             f"Seed {options.seed}, {options.cases} cases an operator, target `{options.target}`,"
             f" onnx {onnx.__version__},"
             f" ONNX Runtime {ort.__version__}: {sum(total.values())} cases, {total['pass']} pass,"
             f" {total['refused']} refused, {total['wrong']} wrong.", "",
             "| operator | cases | pass | refused | wrong | decided by |", "|---|---|---|---|---|---|"]
    for op, r in records.items():
        codes = sorted({c["code"] for c in r["cases"].values() if c["result"] == "refused"})
        refused = f"{count(r, result='refused')} ({', '.join(codes)})" if codes else "0"
        both = sum("+" in c["oracles"] for c in r["cases"].values())
        by = [f"both {both}"] if both else []
        by += [f"{who} {n}" for who in ("reference", "runtime") if (n := count(r, oracles=who))]
        lines.append(f"| {op} | {len(r['cases'])} | {count(r, result='pass')} | {refused} |"
                     f" {count(r, result='wrong')} | {', '.join(by)} |")
    lines += ["", "## Where the oracles disagree", "", "`mlc` must agree with one of them.", "",
              "| operator | cases | in | mlc agrees with |", "|---|---|---|---|"]
    for op, r in records.items():
        apart = [c for c in r["cases"].values() if c["differ"]]
        if apart:
            kinds = sorted({"type or shape" if " against " in c["differ"] else c["differ"] for c in apart})
            who = [f"{w or 'neither'} {n}" for w in ("reference", "runtime", None)
                   if (n := sum(c["with"] == w for c in apart))]
            lines.append(f"| {op} | {len(apart)} | {', '.join(kinds)} | {', '.join(who)} |")
    lines += ["", "## Where an oracle is not asked", "", "Its answer is not what the standard says.", "",
              "| operators | oracle | why |", "|---|---|---|"]
    lines += [f"| {', '.join(ops)} | {who} | {why} |" for ops, who, _, why in FAULTS]
    missing = sorted(s.name for s in onnx.defs.get_all_schemas()
                     if s.domain == "" and not s.deprecated and not records.get(s.name, {}).get("cases"))
    lines += ["", "## Not compared", "", f"Random: {', '.join(RANDOM)}.", "",
              "Without a case that an oracle computes: " + ", ".join(m for m in missing if m not in RANDOM) + ".", ""]
    return "\n".join(lines), total


def main():
    p = argparse.ArgumentParser()
    p.add_argument("mlc")
    p.add_argument("--cases", type=int, default=16)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--op", action="append")
    p.add_argument("-t", "--target", default="interp")
    p.add_argument("--keep")
    p.add_argument("--table")
    o = p.parse_args()
    records = {}
    with tempfile.TemporaryDirectory() as tmp:
        folder = o.keep or tmp
        os.makedirs(folder, exist_ok=True)
        for op in o.op or sorted(RECIPES):
            records[op] = {"cases": {}, "invalid": [], "refused by both": []}
            for number in range(o.cases):
                make(op, number, o.seed, folder, records[op])
            lost = o.cases - len(records[op]["cases"])
            if lost:
                why = records[op]["refused by both"] + records[op]["invalid"]
                print(f"{op}: {lost} of {o.cases} cases could not be made: {max(set(why), key=why.count)}")
        judge(records, verify(o.mlc, o.target, folder))
    for op, record in records.items():
        for number, c in record["cases"].items():
            if c["result"] != "pass":
                print(f"{c['result']} {op}-{number} ({c['oracles']}"
                      f"{', which disagree' if c['differ'] else ''}): {c['reason']}")
    text, total = table(records, o)
    if o.table:
        with open(o.table, "w") as f:
            f.write(text)
    print(f"single: {sum(total.values())} cases of {len(records)} operators, {total['pass']} pass,"
          f" {total['refused']} refused, {total['wrong']} wrong")
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
