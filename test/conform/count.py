#!/usr/bin/env python3
"""Counts conformance cases by operator: what passes of what there is.

    count.py OPS.json COUNTS.txt LABEL=TARGET=RESULTS=DIR[,DIR]...

OPS.json is what `mlc list ops --json` prints, RESULTS what `mlc verify -t TARGET DIR...` printed.
COUNTS.txt keeps what it says about other pairs of LABEL and TARGET. A case counts once for every
operator of its model, bodies and functions included, at the version that the operator had in the
model's opset. The models are read here, without mlc, so that cases count that mlc cannot read.
"""
import collections
import json
import os
import sys

HEAD = """\
# Conformance cases by operator: suite, operator, version, then target passing/cases.
# Written by `make conform`; read by tools/ops_doc.py.
"""


def fields(data):
    """The fields of a protobuf message: (number, value), value an int or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        number, wire = key >> 3, key & 7
        if wire == 0:
            yield number, varint()
        elif wire == 2:
            size = varint()
            yield number, data[at:at + size]
            at += size
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError("wire type %d" % wire)


def operators_of_nodes(nodes, found):
    for node in nodes:
        op, domain = "", ""
        for number, value in fields(node):
            if number == 4:
                op = value.decode()
            elif number == 7:
                domain = value.decode()
            elif number == 5:  # AttributeProto: g = 6, graphs = 11; nodes of a GraphProto are 1
                for k, body in fields(value):
                    if k in (6, 11) and isinstance(body, bytes):
                        operators_of_nodes((v for n, v in fields(body) if n == 1), found)
        found.add(("" if domain == "ai.onnx" else domain, op))


def read_model(path):
    """The (domain, operator) pairs of a model, and its opset version by domain."""
    with open(path, "rb") as f:
        model = f.read()
    found, opsets, functions = set(), {}, set()
    for number, value in fields(model):
        if number == 7:
            operators_of_nodes((v for n, v in fields(value) if n == 1), found)
        elif number == 8:
            entry = dict(fields(value))
            domain = entry.get(1, b"").decode()
            opsets["" if domain == "ai.onnx" else domain] = entry.get(2, 0)
        elif number == 25:
            function = list(fields(value))
            operators_of_nodes((v for n, v in function if n == 7), found)
            entry = dict(function)
            functions.add((entry.get(10, b"").decode(), entry.get(1, b"").decode()))
    return found - functions, opsets


def cases_below(directory):
    if os.path.exists(os.path.join(directory, "model.onnx")):
        return [directory]
    return sorted(e.path for e in os.scandir(directory)
                  if os.path.exists(os.path.join(e.path, "model.onnx")))


def count(results, directories, since):
    """{(operator, version): [passing, cases]}; cases of one name in two folders count in order."""
    verdicts = collections.defaultdict(list)
    with open(results) as f:
        for line in f:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word in ("PASS", "FAIL", "SKIP"):
                verdicts[rest.partition(":")[0]].append(word == "PASS")
    counts = collections.defaultdict(lambda: [0, 0])
    for directory in directories:
        for case in cases_below(directory):
            queue = verdicts[os.path.basename(case)]
            if not queue:
                sys.exit("%s says nothing about %s" % (results, case))
            passed = queue.pop(0)
            found, opsets = read_model(os.path.join(case, "model.onnx"))
            for domain, op in found:
                name = domain + "::" + op if domain else op
                opset = opsets.get(domain, 1)
                known = [v for v in since.get(name, []) if v <= opset]
                entry = counts[name, max(known) if known else opset]
                entry[0] += passed
                entry[1] += 1
    return counts


def main():
    ops, path, runs = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(ops) as f:
        since = {o["name"]: [int(v) for v in o["versions"].split(",")] for o in json.load(f)}
    table = collections.defaultdict(dict)  # (suite, operator, version) -> {target: "p/c"}
    if os.path.exists(path):
        with open(path) as f:
            for line in f:
                if not line.startswith("#"):
                    suite, op, version, *rest = line.split()
                    table[suite, op, int(version)] = dict(zip(rest[::2], rest[1::2]))
    for run in runs:
        suite, target, results, directories = run.split("=", 3)
        for (s, _, _), entry in table.items():
            if s == suite:
                entry.pop(target, None)
        counted = count(results, directories.split(","), since)
        for (op, version), (passing, cases) in counted.items():
            table[suite, op, version][target] = "%d/%d" % (passing, cases)
    lines = ["%s %s %d %s\n" % (*key, " ".join("%s %s" % t for t in sorted(entry.items())))
             for key, entry in sorted(table.items()) if entry]
    with open(path + ".tmp", "w") as f:
        f.write(HEAD + "".join(lines))
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    main()
