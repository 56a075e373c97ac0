#!/usr/bin/env python3
"""Operators of ai.onnx.ml against ONNX Runtime: one node a case, random models and rows from a fixed
seed, with fixed and with open numbers of rows.

    ml.py MLC [TARGET...]

What ONNX Runtime computes becomes the expected output of a test directory; `mlc verify` must pass
every one for each TARGET (default host and interp). Where ONNX Runtime contradicts the standard or
leaves memory unwritten there is no case: ir/ops says what mlc does instead.
"""
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import contrib
from contrib import floats, rng

TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
INTS, NAMES, SCORES = "y:INT64", "y:STRING", "z:FLOAT"


def case(name, op, ins, outs=("y:FLOAT",), opset=3, open_rows=False, **attrs):
    node = helper.make_node(op, list(ins), [o.split(":")[0] for o in outs], domain="ai.onnx.ml", **attrs)
    inputs = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype),
                                            ["rows" if open_rows else v.shape[0], *v.shape[1:]])
              for k, v in ins.items()]
    outputs = [helper.make_tensor_value_info(o.split(":")[0], getattr(TensorProto, o.split(":")[1]), None)
               for o in outs]
    model = helper.make_model(helper.make_graph([node], "g", inputs, outputs), ir_version=8,
                              opset_imports=[helper.make_opsetid("", 17),
                                             helper.make_opsetid("ai.onnx.ml", opset)])
    contrib.save(f"{op}_{name}", model, ins)


def rows(n, features, kind="f4", missing=0.0):
    """Rows on a coarse grid, so that features meet thresholds exactly."""
    x = np.round(floats(n, features) * 4) / 4
    x[rng.random(x.shape) < missing] = np.nan
    return x.astype(kind)


def threshold():
    return float(np.round(rng.standard_normal() * 4) / 4)


# ---- trees ----

def grow(depth, features, modes, node, out):
    """Appends the nodes of a random tree to `out` and returns how many: nodes are in preorder."""
    at = len(out)
    out.append(None)
    if depth == 0 or (node and rng.random() < 0.2):
        out[at] = ("LEAF", 0, 0.0, 0, 0)
        return
    yes = len(out)
    grow(depth - 1, features, modes, True, out)
    no = len(out)
    grow(depth - 1, features, modes, True, out)
    out[at] = (str(rng.choice(modes)), int(rng.integers(features)), threshold(), yes, no)


def forest(trees, depth, features, modes=("BRANCH_LEQ",), missing=False):
    made = []
    for _ in range(trees):
        tree = []
        grow(depth, features, modes, False, tree)
        made.append(tree)
    nodes = [(t, i) + node for t, tree in enumerate(made) for i, node in enumerate(tree)]
    attrs = dict(nodes_treeids=[n[0] for n in nodes], nodes_nodeids=[n[1] for n in nodes],
                 nodes_modes=[n[2] for n in nodes], nodes_featureids=[n[3] for n in nodes],
                 nodes_values=[n[4] for n in nodes], nodes_truenodeids=[n[5] for n in nodes],
                 nodes_falsenodeids=[n[6] for n in nodes])
    if missing:
        attrs["nodes_missing_value_tracks_true"] = [int(i) for i in rng.integers(0, 2, len(nodes))]
    return attrs, [n[:2] for n in nodes if n[2] == "LEAF"]


def weights(prefix, leaves, targets, positive=False, all_targets=True, kind="f4"):
    """A weight of every leaf for every target, or for one of them."""
    picked = [(t, n, c) for t, n in leaves
              for c in (range(targets) if all_targets else [(t + n) % targets])]
    value = rng.standard_normal(len(picked)).astype("f4")
    value = np.abs(value) if positive else value
    ids = "class" if prefix == "class" else "target"
    return {f"{ids}_treeids": [p[0] for p in picked], f"{ids}_nodeids": [p[1] for p in picked],
            f"{ids}_ids": [p[2] for p in picked], f"{ids}_weights": [float(v) for v in value]}


ALL_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


def tree_regressors():
    def go(name, x, targets=1, trees=7, depth=4, modes=ALL_MODES, missing=False, all_targets=True, **attrs):
        nodes, leaves = forest(trees, depth, x.shape[1], modes, missing)
        case(name, "TreeEnsembleRegressor", dict(x=x), n_targets=targets,
             **nodes, **weights("target", leaves, targets, all_targets=all_targets), **attrs)

    for mode in ALL_MODES:
        go(mode, rows(30, 3), modes=(mode,))
        go(mode + "_nan", rows(30, 3, missing=0.2), modes=(mode,))
        go(mode + "_tracks", rows(30, 3, missing=0.2), modes=(mode,), missing=True)
    for how in ("SUM", "AVERAGE", "MIN", "MAX"):
        go(how, rows(30, 4, missing=0.1), missing=True, aggregate_function=how)
        go(how + "_base", rows(30, 4), aggregate_function=how, base_values=[0.75])
        go(how + "_targets", rows(30, 4), 3, aggregate_function=how, base_values=[0.5, -1.0, 2.0])
        go(how + "_sparse", rows(30, 4), 3, trees=9, all_targets=False, aggregate_function=how)
    for how in TRANSFORMS[:4]:
        go(how, rows(20, 4), 3, post_transform=how)
    go("deep", rows(50, 6), trees=3, depth=9)
    go("mixed_depths", rows(50, 6), trees=40, depth=7, open_rows=True)
    go("one_leaf", rows(5, 2), depth=0)
    go("doubles", rows(20, 3, "f8"))
    x = rng.standard_normal((40, 3))
    nodes, leaves = forest(6, 4, 3)
    w = weights("target", leaves, 2)
    for k in ("nodes_values", "target_weights"):
        source = nodes if k in nodes else w
        values = np.array(source.pop(k), "f8") + rng.standard_normal() / 3
        source[k + "_as_tensor"] = numpy_helper.from_array(values, k)
    case("as_tensor", "TreeEnsembleRegressor", dict(x=x), n_targets=2, **nodes, **w,
         base_values_as_tensor=numpy_helper.from_array(np.array([0.1, 0.2]), "b"))


def tree_classifiers():
    def go(name, x, classes, ids=None, positive=False, names=None, **attrs):
        nodes, leaves = forest(7, 4, x.shape[1], missing=True)
        labels = dict(classlabels_strings=names) if names else \
            dict(classlabels_int64s=[10 * i + 5 for i in range(classes)])
        w = weights("class", leaves, ids or classes, positive)
        case(name, "TreeEnsembleClassifier", dict(x=x), (NAMES if names else INTS, SCORES),
             **nodes, **w, **labels, **attrs)

    for how in TRANSFORMS:
        if how != "PROBIT":
            go("three_" + how, rows(30, 3), 3, post_transform=how)
            go("one_score_" + how, rows(30, 3), 2, 1, post_transform=how)
        go("one_class_" + how, rows(30, 3), 1, positive=how == "PROBIT", post_transform=how)
    go("one_score_positive", rows(30, 3), 2, 1, True)
    go("one_score_positive_LOGISTIC", rows(30, 3), 2, 1, True, post_transform="LOGISTIC")
    go("base", rows(30, 3, missing=0.1), 3, base_values=[0.5, 0.25, -0.5], open_rows=True)
    go("names", rows(30, 3), 3, names=["red", "green", "blue"])
    go("two_names", rows(30, 3), 2, 1, names=["no", "yes"])
    go("doubles", rows(30, 3, "f8"), 4)
    go("ints", rows(30, 3).astype("i8"), 4)
    go("short_ints", rows(30, 3).astype("i4"), 4)


def tree_ensembles():
    def go(name, x, trees, depth, members=False, opset=5, **attrs):
        nodes, leaves, roots, sets = [], [], [], []
        for _ in range(trees):
            tree = []
            grow(depth, x.shape[1], ("0", "1", "2", "3", "4", "5", "6")[:7 if members else 6], False, tree)
            number = {}
            first = len(nodes)
            for i, n in enumerate(tree):
                number[i] = first + sum(m[0] != "LEAF" for m in tree[:i])
                if n[0] == "LEAF":
                    number[i] = len(leaves)
                    leaves.append((int(rng.integers(3)), float(rng.standard_normal())))
            roots.append(first)
            nodes += [n[:3] + tuple((number[c], int(tree[c][0] == "LEAF")) for c in n[3:])
                      for n in tree if n[0] != "LEAF"]
        for n in nodes:
            if n[0] == "6":
                sets += [float(i) for i in rng.integers(1, 9, rng.integers(1, 5))] + [np.nan]
        if members:
            attrs["membership_values"] = numpy_helper.from_array(np.array(sets, x.dtype), "m")
        case(name, "TreeEnsemble", dict(x=x), ("y:DOUBLE" if x.dtype == np.float64 else "y:FLOAT",), opset,
             nodes_modes=numpy_helper.from_array(np.array([int(n[0]) for n in nodes], "u1"), "modes"),
             nodes_featureids=[n[1] for n in nodes], n_targets=3, tree_roots=roots,
             nodes_splits=numpy_helper.from_array(np.array([n[2] for n in nodes], x.dtype), "splits"),
             nodes_truenodeids=[n[3][0] for n in nodes], nodes_trueleafs=[n[3][1] for n in nodes],
             nodes_falsenodeids=[n[4][0] for n in nodes], nodes_falseleafs=[n[4][1] for n in nodes],
             leaf_targetids=[n[0] for n in leaves],
             leaf_weights=numpy_helper.from_array(np.array([n[1] for n in leaves], x.dtype), "w"), **attrs)

    go("floats", rows(30, 4), 20, 4)
    go("doubles", rows(30, 4, "f8"), 20, 4)
    go("members", np.round(rows(60, 4) * 3), 20, 4, True)
    go("average", np.round(rows(60, 4) * 3), 20, 5, True, aggregate_function=0, post_transform=3,
       open_rows=True)  # 1 and 2 have each other's meaning in ONNX Runtime


# ---- linear models ----

def numbers(*shape):
    return [float(v) for v in floats(*shape).ravel()]


def linear():
    x = rows(20, 5)
    three = dict(classlabels_ints=[3, 1, 2])
    for how in TRANSFORMS[:4]:
        case(how, "LinearRegressor", dict(x=x), targets=3, post_transform=how, coefficients=numbers(15),
             intercepts=numbers(3))
        case(how, "LinearClassifier", dict(x=x), (INTS, SCORES), post_transform=how,
             coefficients=numbers(15), intercepts=numbers(3), **three)
        case("two_" + how, "LinearClassifier", dict(x=x), (INTS, SCORES), post_transform=how,
             coefficients=numbers(5), intercepts=numbers(1), classlabels_ints=[8, 9])
    case("one", "LinearRegressor", dict(x=x), coefficients=numbers(5), open_rows=True)
    case("no_names", "LinearClassifier", dict(x=x), (INTS, SCORES), coefficients=numbers(5),
         intercepts=numbers(1))
    case("names", "LinearClassifier", dict(x=x), (NAMES, SCORES), coefficients=numbers(15),
         intercepts=numbers(3), classlabels_strings=["a", "b", "c"])
    for kind in ("i8", "i4", "f8"):
        case(kind, "LinearClassifier", dict(x=np.round(x).astype(kind)), (INTS, SCORES),
             coefficients=numbers(15), intercepts=numbers(3), open_rows=True, **three)


# ---- support vectors ----

KERNELS = ("LINEAR", "POLY", "RBF", "SIGMOID")
PARAMS = [0.25, 0.5, 3.0]


def vectors():
    x = rows(25, 4)
    for kernel in KERNELS:
        for one_class in (0, 1):
            case(f"{kernel}_{one_class}", "SVMRegressor", dict(x=x), kernel_type=kernel, one_class=one_class,
                 kernel_params=PARAMS, n_supports=6, support_vectors=numbers(24), coefficients=numbers(6),
                 rho=numbers(1), open_rows=bool(one_class))
    case("no_vectors", "SVMRegressor", dict(x=x), kernel_params=PARAMS, n_supports=0, coefficients=numbers(4),
         rho=numbers(1))

    def go(name, counts, probabilities=False, names=False, data=x, **attrs):
        k, n = len(counts), sum(counts)
        pairs = k * (k - 1) // 2
        if probabilities:
            attrs.update(prob_a=[-abs(v) - 0.5 for v in numbers(pairs)], prob_b=numbers(pairs))
        labels = dict(classlabels_strings=[f"c{i}" for i in range(k)]) if names else \
            dict(classlabels_ints=[7 * i + 2 for i in range(k)])
        case(name, "SVMClassifier", dict(x=data), (NAMES if names else INTS, SCORES), kernel_params=PARAMS,
             support_vectors=numbers(n * 4), coefficients=numbers((k - 1) * n), rho=numbers(pairs),
             vectors_per_class=counts, **labels, **attrs)

    for kernel in KERNELS:
        go(kernel, [3, 1, 4, 2], kernel_type=kernel)
        go(kernel + "_two", [3, 2], kernel_type=kernel)
        go(kernel + "_coupled", [3, 1, 2], True, kernel_type=kernel)
        go(kernel + "_coupled_two", [3, 2], True, kernel_type=kernel)
    for how in TRANSFORMS[1:4]:
        go(how, [2, 2, 2], kernel_type="RBF", post_transform=how)
        go(how + "_two", [2, 2], kernel_type="RBF", post_transform=how)
        go(how + "_coupled", [2, 2, 3], True, kernel_type="RBF", post_transform=how)
    go("coupled_many", [1, 2, 3, 2, 1, 2, 2], True, kernel_type="RBF", open_rows=True)
    go("names", [2, 3], names=True, kernel_type="RBF")
    go("doubles", [2, 3, 3], kernel_type="RBF", data=x.astype("f8"))
    go("ints", [2, 3, 3], kernel_type="RBF", data=np.round(x).astype("i8"))
    for k in (1, 2, 3):
        for sign in (False, True):
            c = numbers(k * 4)
            case(f"no_vectors_{k}_{sign}", "SVMClassifier", dict(x=x), (INTS, SCORES), kernel_params=PARAMS,
                 coefficients=c if sign else [abs(v) for v in c], rho=[0.5], classlabels_ints=[4, 5, 6][:k])


# ---- what makes features ready ----

def features():
    x = rows(7, 4)
    case("one", "Scaler", dict(x=x), offset=[0.5], scale=[2.0])
    case("each", "Scaler", dict(x=x), offset=[0.5, 1, -1, 0], scale=[2.0, 3, 0.5, -1], open_rows=True)
    for kind in ("i8", "i4", "f8"):
        case(kind, "Scaler", dict(x=x.astype(kind)), offset=[0.5, 1, -1, 0], scale=[2.0, 3, 0.5, -1])
        case(kind, "Normalizer", dict(x=np.abs(x).astype(kind)))
    x[3] = 0
    for norm in ("MAX", "L1", "L2"):
        case(norm, "Normalizer", dict(x=x), norm=norm, open_rows=True)
        case(norm + "_row", "Normalizer", dict(x=x[0]), norm=norm)
    case("plain", "Binarizer", dict(x=floats(2, 3, 4)), threshold=0.25)
    x = rows(7, 4, missing=0.3)
    case("nan", "Imputer", dict(x=x), imputed_value_floats=[1.0, 2, 3, 4], replaced_value_float=float("nan"))
    case("one", "Imputer", dict(x=x), imputed_value_floats=[9.0], replaced_value_float=0.25, open_rows=True)
    case("ints", "Imputer", dict(x=rng.integers(0, 3, (5, 2))), (INTS,), imputed_value_int64s=[7, 8],
         replaced_value_int64=1)
    for name, kind in (("floats", "f4"), ("ints", "i8")):
        out = ("y:INT64" if kind == "i8" else "y:FLOAT",)
        case(name, "ArrayFeatureExtractor", dict(x=rows(3, 5).astype(kind), i=np.array([4, 0, 4])), out)
        case(name + "_row", "ArrayFeatureExtractor", dict(x=rows(3, 5)[0].astype(kind), i=np.array([[2, 1]])), out)
    case("blocks", "ArrayFeatureExtractor", dict(x=floats(2, 3, 5), i=np.array([[1], [3]])))
    case("cut", "FeatureVectorizer", dict(a=rows(4, 3), b=rows(4, 2), c=rows(4, 2)), inputdimensions=[2, 2, 4],
         open_rows=True)
    case("ints", "FeatureVectorizer", dict(a=np.arange(8).reshape(4, 2), b=np.arange(4).reshape(4, 1)),
         inputdimensions=[2, 1])


if __name__ == "__main__":
    sys.exit(contrib.main(sys.argv[1], sys.argv[2:] or ["host", "interp"],
                          (tree_regressors, tree_classifiers, tree_ensembles, linear, vectors,
                           features)))
