"""One node each: (operator, inputs, attributes, outputs, operator set[, domain]). An input is (type, dims, data):
data None makes it an input of the graph. Where a number divides, counts or indexes, a row with a bad one follows.
"""


def x(*dims, t="f32"):
    return (t, list(dims), None)


def c(*v, dims=None, t="i64"):
    return (t, [len(v)] if dims is None else list(dims), list(v))


def f(*v, dims=None):
    return c(*v, dims=dims, t="f32")


IMG, W = x(1, 2, 5, 5), f(*[0.5] * 36, dims=[2, 2, 3, 3])
BIG = 1 << 40

OPS = [
    ("Add", [x(2, 3), x(3)], {}, 1, 14), ("Add", [x(2, 3), x(4)], {}, 1, 14), ("Mul", [x("n", 3), x(2, 1)], {}, 1, 6),
    ("Div", [x(3, t="i64"), c(0, 0, 0)], {}, 1, 14), ("Div", [c(-(1 << 63)), c(-1)], {}, 1, 14),
    ("Mod", [c(5), c(0)], {}, 1, 13), ("Mod", [c(-(1 << 63)), c(-1)], {}, 1, 13),
    ("Mod", [f(5), f(0)], {"fmod": 1}, 1, 13), ("Pow", [c(2), c(70)], {}, 1, 13), ("Pow", [x(2), f(-1)], {}, 1, 15),
    ("BitShift", [c(1, t="u8"), c(200, t="u8")], {"direction": "LEFT"}, 1, 11), ("Neg", [c(-(1 << 63))], {}, 1, 13),
    ("Abs", [c(-(1 << 63))], {}, 1, 13), ("Cast", [f(3e38, -3e38)], {"to": 7}, 1, 13), ("Cast", [x(2)], {"to": 99}, 1, 13),
    ("Relu", [x(2)], {}, 1, 1), ("Clip", [x(2)], {"min": 1.0, "max": 0.0}, 1, 6), ("Clip", [x(2), None, f(1, dims=[])], {}, 1, 13),
    ("Conv", [IMG, W], {"pads": [1, 1, 1, 1]}, 1, 11), ("Conv", [IMG, W], {"strides": [0, 0]}, 1, 11),
    ("Conv", [IMG, W], {"dilations": [0, 1]}, 1, 11), ("Conv", [IMG, W], {"group": 0}, 1, 11),
    ("Conv", [IMG, W], {"group": 3}, 1, 11), ("Conv", [IMG, W], {"pads": [-9, 0, 0, 0]}, 1, 11),
    ("Conv", [IMG, W], {"strides": [BIG, BIG], "dilations": [BIG, BIG]}, 1, 11),
    ("Conv", [IMG, W], {"pads": [(1 << 63) - 1] * 4}, 1, 11), ("Conv", [IMG, W], {"kernel_shape": [0, 0]}, 1, 11),
    ("Conv", [IMG, W, x(9)], {"auto_pad": "SAME_UPPER"}, 1, 11), ("Conv", [x(1), W], {}, 1, 11),
    ("Conv", [IMG, x(2, 2, 0, 0)], {}, 1, 11), ("ConvTranspose", [IMG, W], {"output_padding": [1, 1]}, 1, 11),
    ("ConvTranspose", [IMG, W], {"strides": [0, -1], "group": 0}, 1, 11),
    ("ConvTranspose", [IMG, W], {"output_shape": [BIG, BIG]}, 1, 11),
    ("MaxPool", [IMG], {"kernel_shape": [2, 2], "strides": [2, 2]}, 2, 12), ("MaxPool", [IMG], {"kernel_shape": [0, 0]}, 1, 12),
    ("MaxPool", [IMG], {"kernel_shape": [2, 2], "strides": [0, 0]}, 1, 12),
    ("MaxPool", [IMG], {"kernel_shape": [9, 9], "ceil_mode": 1}, 1, 12),
    ("AveragePool", [IMG], {"kernel_shape": [2, 2], "pads": [5, 5, 5, 5]}, 1, 11),
    ("LpPool", [IMG], {"kernel_shape": [2, 2], "p": 0}, 1, 18), ("GlobalAveragePool", [x(1, 2, 0, 0)], {}, 1, 1),
    ("GlobalAveragePool", [x(3)], {}, 1, 1), ("MaxRoiPool", [IMG, x(1, 5)], {"pooled_shape": [0, 2]}, 1, 1),
    ("BatchNormalization", [IMG] + [f(1, 2)] * 4, {}, 1, 15), ("BatchNormalization", [IMG] + [f(1, 2, 3)] * 4, {}, 1, 9),
    ("InstanceNormalization", [IMG, f(1, 1), f(0, 0)], {}, 1, 6), ("LayerNormalization", [x(2, 3), f(1, 1, 1)], {"axis": 7}, 1, 17),
    ("GroupNormalization", [IMG, f(1, 1), f(0, 0)], {"num_groups": 0}, 1, 21),
    ("GroupNormalization", [IMG, f(1, 1), f(0, 0)], {"num_groups": 2}, 1, 21), ("LRN", [IMG], {"size": -3}, 1, 13),
    ("MatMul", [x("n", 3), f(*[1] * 6, dims=[3, 2])], {}, 1, 13), ("MatMul", [x(2, 3), x(2, 3)], {}, 1, 13), ("MatMul", [x(), x()], {}, 1, 13),
    ("Gemm", [x(2, 3), x(4, 3), x(4)], {"transB": 1, "alpha": 0.5}, 1, 13), ("Gemm", [x(2, 3), x(4, 3), x(5)], {"transA": 7}, 1, 7),
    ("Softmax", [x(2, 3)], {"axis": -1}, 1, 13), ("Softmax", [x(2, 3)], {"axis": -(1 << 63)}, 1, 13), ("Softmax", [x(2, 3, 4)], {}, 1, 1),
    ("Hardmax", [x(2, 0)], {}, 1, 13), ("LogSoftmax", [x()], {"axis": 0}, 1, 13), ("ArgMax", [x(2, 0)], {"axis": 1}, 1, 13),
    ("ArgMin", [x(2, 3)], {"axis": 5}, 1, 13), ("TopK", [x(5), c(3)], {}, 2, 11), ("TopK", [x(5), c(-3)], {}, 2, 11),
    ("TopK", [x(5), c(BIG)], {"axis": 3}, 2, 11), ("Gather", [x(3, 2), c(0, -1)], {}, 1, 13), ("Gather", [f(1, 2, 3), c(3)], {}, 1, 13),
    ("Gather", [f(1, 2, 3), c(-4)], {}, 1, 13), ("Gather", [x(3), c(0)], {"axis": 2}, 1, 13),
    ("GatherElements", [f(1, 2), c(5, -9)], {}, 1, 13), ("GatherND", [f(1, 2, dims=[2, 1]), c(9, 9, dims=[1, 2])], {}, 1, 12),
    ("GatherND", [x(2, 2), c(0, dims=[1, 1])], {"batch_dims": 9}, 1, 12), ("ScatterND", [f(1, 2), c(9, dims=[1, 1]), f(5)], {}, 1, 13),
    ("ScatterND", [f(1, 2), c(-9, dims=[1, 1]), f(5, 6)], {}, 1, 13), ("ScatterElements", [f(1, 2), c(-3), f(5)], {"axis": -9}, 1, 13),
    ("Reshape", [x(2, 3), c(3, -1)], {}, 1, 13), ("Reshape", [x(2, 3), c(0, 0, 0)], {}, 1, 13), ("Reshape", [x(2, 3), c(-1, -1)], {}, 1, 13),
    ("Reshape", [x(2, 3), c(-2, 3)], {}, 1, 13), ("Reshape", [x(0, 3), c(0, -1)], {}, 1, 13), ("Reshape", [x(2, 3), c(*[1] * 40)], {}, 1, 13),
    ("Reshape", [x("a", "b"), c(BIG, BIG, BIG)], {}, 1, 13), ("Reshape", [x(2, 3), x(2, t="i64")], {}, 1, 13),
    ("Reshape", [x(2, 3)], {"shape": [6]}, 1, 1), ("Flatten", [x(2, 3)], {"axis": 9}, 1, 13), ("Flatten", [x("n", 3, 4)], {}, 1, 13),
    ("Transpose", [x(2, 3)], {"perm": [1, 0]}, 1, 13), ("Transpose", [x(2, 3)], {"perm": [1, 1]}, 1, 13), ("Transpose", [x(2, 3)], {"perm": [-1, 5]}, 1, 13),
    ("Squeeze", [x(1, 3), c(0)], {}, 1, 13), ("Squeeze", [x(1, 3), c(1)], {}, 1, 13), ("Squeeze", [x(1, 3)], {"axes": [0, 0]}, 1, 1),
    ("Unsqueeze", [x(3), c(0, 2)], {}, 1, 13), ("Unsqueeze", [x(3), c(0, 0)], {}, 1, 13), ("Unsqueeze", [x(3), c(99, -99)], {}, 1, 13),
    ("Concat", [x(2, 3), x(2, 3)], {"axis": 1}, 1, 13), ("Concat", [x(2, 3), x(2, 4)], {"axis": 0}, 1, 13), ("Concat", [x(), x()], {"axis": 0}, 1, 13),
    ("Split", [x(6), c(2, 4)], {}, 2, 13), ("Split", [x(6), c(-2, 8)], {}, 2, 13), ("Split", [x(7)], {"num_outputs": 3}, 3, 18),
    ("Split", [x(6)], {"num_outputs": 0}, 1, 18), ("Slice", [x(6), c(1), c(5), c(0), c(2)], {}, 1, 13),
    ("Slice", [x(6), c(1), c(5), c(0), c(0)], {}, 1, 13), ("Slice", [x(6), c(-(1 << 63)), c((1 << 63) - 1), c(0), c(-(1 << 63))], {}, 1, 13),
    ("Slice", [x(6), c(0, 0), c(1), c(0)], {}, 1, 13), ("Slice", [x("n", 6), c(0), c(3)], {"axes": [1]}, 1, 13), ("Slice", [x(6)], {"starts": [0], "ends": [2]}, 1, 1),
    ("Pad", [x(2, 2), c(1, 1, 1, 1)], {"mode": "reflect"}, 1, 13), ("Pad", [x(2, 2), c(-5, 0, -5, 0)], {}, 1, 13),
    ("Pad", [x(2), c((1 << 63) - 1, 1)], {}, 1, 13), ("Pad", [x(0), c(1, 1)], {"mode": "edge"}, 1, 13), ("Pad", [x(2, 2), c(1)], {}, 1, 13),
    ("Tile", [f(1, 2), c(2)], {}, 1, 13), ("Tile", [f(1, 2), c(BIG)], {}, 1, 13), ("Tile", [x(2), c(-1)], {}, 1, 13),
    ("Expand", [f(1), c(BIG, 4)], {}, 1, 13), ("Expand", [x(3), c(2, 3)], {}, 1, 13), ("Expand", [x(3), c(-1)], {}, 1, 13),
    ("ConstantOfShape", [c(BIG)], {}, 1, 9), ("ConstantOfShape", [c(BIG, BIG, BIG)], {}, 1, 9), ("ConstantOfShape", [c(-1)], {}, 1, 9),
    ("ConstantOfShape", [x(2, t="i64")], {}, 1, 9), ("Range", [c(0, dims=[]), c(BIG, dims=[]), c(1, dims=[])], {}, 1, 11),
    ("Range", [c(0, dims=[]), c(5, dims=[]), c(0, dims=[])], {}, 1, 11), ("Range", [f(0, dims=[]), f(3e38, dims=[]), f(1e-38, dims=[])], {}, 1, 11),
    ("Range", [c(-(1 << 63), dims=[]), c((1 << 63) - 1, dims=[]), c(1, dims=[])], {}, 1, 11), ("EyeLike", [x(3, 4)], {"k": BIG}, 1, 9),
    ("OneHot", [c(0, 5), c(3, dims=[]), f(0, 1)], {}, 1, 11), ("OneHot", [c(0), c(-3, dims=[]), f(0, 1)], {}, 1, 11), ("OneHot", [c(0), c(BIG, dims=[]), f(0, 1, 2)], {"axis": 9}, 1, 11),
    ("ReduceSum", [x(2, 3), c(1)], {}, 1, 13), ("ReduceSum", [x(2, 3), c(1, 1)], {}, 1, 13), ("ReduceMean", [x(2, 0)], {"axes": [1]}, 1, 13), ("ReduceMax", [f(*[1] * 4)], {"axes": [7]}, 1, 13),
    ("CumSum", [f(1, 2, 3), c(0, dims=[])], {}, 1, 14), ("CumSum", [x(3), c(7, dims=[])], {"reverse": 1}, 1, 14), ("Shape", [x("n", 3)], {"start": -9, "end": 9}, 1, 15), ("Size", [x("n", 3)], {}, 1, 13),
    ("NonZero", [f(0, 1)], {}, 1, 13), ("Where", [x(2, t="bool"), x(2), x(1)], {}, 1, 9), ("Where", [x(2), x(2), x(1)], {}, 1, 9), ("IsNaN", [x(2)], {}, 1, 13),
    ("Resize", [IMG, None, f(1, 1, 2, 2)], {"mode": "linear"}, 1, 13), ("Resize", [IMG, None, f(1, 1, 0, -1)], {}, 1, 13), ("Resize", [IMG, None, None, c(1, 2, BIG, BIG)], {"mode": "cubic"}, 1, 13),
    ("Resize", [IMG, None, f(1, 1, 3e38, 1)], {}, 1, 13), ("Upsample", [IMG], {"scales": [1.0, 1.0, 0.0, 2.0]}, 1, 7), ("DepthToSpace", [x(1, 8, 2, 2)], {"blocksize": 2}, 1, 13), ("DepthToSpace", [x(1, 8, 2, 2)], {"blocksize": 0}, 1, 13),
    ("SpaceToDepth", [x(1, 1, 4, 4)], {"blocksize": 0}, 1, 13), ("SpaceToDepth", [x(1, 1, 4, 4)], {"blocksize": BIG}, 1, 13), ("Col2Im", [x(1, 5, 5), c(5, 5), c(1, 5)], {}, 1, 18), ("Col2Im", [x(1, 5, 5), c(5, 5), c(0, 0)], {"strides": [0, 0]}, 1, 18),
    ("Einsum", [x(2, 3), x(3, 4)], {"equation": "ij,jk->ik"}, 1, 12), ("Einsum", [x(2, 3)], {"equation": "...->...,"}, 1, 12), ("Einsum", [x(2, 3)], {"equation": "iiiiii->"}, 1, 12), ("Einsum", [x(2, 3)], {"equation": "i" * 300}, 1, 12),
    ("LSTM", [x(2, 1, 3), x(1, 8, 3), x(1, 8, 2)], {"hidden_size": 2}, 3, 14), ("LSTM", [x(2, 1, 3), x(1, 8, 3), x(1, 8, 2)], {"hidden_size": 0, "direction": "bidirectional"}, 3, 14), ("GRU", [x(2, 1, 3), x(1, 6, 3), x(1, 6, 2)], {"hidden_size": 2}, 2, 14),
    ("RNN", [x(2, 1, 3), x(1, 2, 3), x(1, 2, 2)], {"hidden_size": -2}, 2, 14), ("QuantizeLinear", [x(2), f(0, dims=[]), c(0, dims=[], t="u8")], {}, 1, 13), ("QuantizeLinear", [x(2, 4), f(1, 2), c(0, 0, t="i8")], {"axis": 0}, 1, 13),
    ("QuantizeLinear", [x(2, 4), f(1, dims=[2, 1])], {"block_size": -1}, 1, 21), ("DequantizeLinear", [c(1, 2, t="i8"), f(0.5, dims=[])], {}, 1, 13), ("DequantizeLinear", [c(1, 2, t="i8"), f(1, 2, 3)], {"axis": 4}, 1, 13),
    ("DynamicQuantizeLinear", [x(3)], {}, 3, 11), ("QLinearMatMul", [x(1, 2, t="u8"), f(1, dims=[]), c(0, dims=[], t="u8"), c(1, 2, dims=[2, 1], t="u8"), f(1, dims=[]), c(0, dims=[], t="u8"), f(1, dims=[]), c(0, dims=[], t="u8")], {}, 1, 10),
    ("MatMulInteger", [x(1, 2, t="u8"), c(1, 2, dims=[2, 1], t="u8")], {}, 1, 10), ("ConvInteger", [x(1, 1, 3, 3, t="u8"), c(1, dims=[1, 1, 1, 1], t="u8")], {"group": 0}, 1, 10), ("Identity", [x()], {}, 1, 16), ("Dropout", [x(2)], {"ratio": 0.5}, 2, 10),
    ("GridSample", [IMG, x(1, 2, 2, 2)], {}, 1, 16), ("GridSample", [IMG, x(1, 2, 2, 3)], {}, 1, 16), ("RoiAlign", [IMG, x(1, 4), c(7)], {"output_height": 0}, 1, 16), ("RoiAlign", [IMG, x(1, 4), c(0)], {"sampling_ratio": -1}, 1, 16), ("NonMaxSuppression", [x(1, 2, 4), x(1, 1, 2), c(BIG)], {}, 1, 11),
    ("DFT", [x(1, 4, 1)], {}, 1, 17), ("DFT", [x(1, 4, 1), c(0, dims=[])], {"axis": 9}, 1, 17), ("STFT", [x(1, 8, 1), c(0, dims=[]), None, c(4, dims=[])], {}, 1, 17), ("HannWindow", [c(BIG, dims=[])], {}, 1, 17), ("HannWindow", [c(0, dims=[])], {}, 1, 17), ("MelWeightMatrix", [c(8, dims=[]), c(0, dims=[]), c(0, dims=[]), f(0, dims=[]), f(1, dims=[])], {}, 1, 17),
    ("ReverseSequence", [x(3, 2), c(9, -1)], {}, 1, 10), ("Compress", [x(3), x(2, t="bool")], {"axis": 3}, 1, 11), ("Unique", [x(3)], {"axis": 3}, 4, 11), ("Det", [x(2, 2)], {}, 1, 11), ("Det", [x(2, 3)], {}, 1, 11), ("Trilu", [f(1, 2, 3, 4, dims=[2, 2]), c((1 << 63) - 1, dims=[])], {}, 1, 14), ("MaxUnpool", [x(1, 1, 2, 2), x(1, 1, 2, 2, t="i64")], {"kernel_shape": [0, 2]}, 1, 11),
    ("RandomNormal", [], {"shape": [BIG, BIG]}, 1, 1), ("RandomUniformLike", [x(2)], {}, 1, 1), ("Multinomial", [x(1, 3)], {"sample_size": -1}, 1, 7), ("NegativeLogLikelihoodLoss", [x(2, 3), c(9, -9)], {}, 1, 13), ("SoftmaxCrossEntropyLoss", [x(2, 3), c(0, 1)], {"reduction": "none"}, 2, 13),
    ("CenterCropPad", [x(4, 4), c(BIG, 1)], {}, 1, 18), ("AffineGrid", [x(1, 2, 3), c(1, 1, BIG, 0)], {}, 1, 20), ("BitwiseNot", [x(2, t="u8")], {}, 1, 18), ("Attention", [x(1, 2, 4), x(1, 2, 4), x(1, 2, 4)], {"q_num_heads": 0, "kv_num_heads": 0}, 1, 23), ("RotaryEmbedding", [x(1, 2, 4), x(1, 2), x(1, 2)], {"num_heads": 0}, 1, 23),
    ("SequenceConstruct", [x(2), x(3)], {}, 1, 11), ("SequenceEmpty", [], {}, 1, 11), ("StringNormalizer", [x(2)], {}, 1, 10), ("Gelu", [x(2)], {"approximate": "tanh"}, 1, 20), ("PRelu", [x(2, 3), f(1, 2)], {}, 1, 16), ("ThresholdedRelu", [x(2)], {"alpha": float("nan")}, 1, 10), ("Sum", [x(2), x(3)], {}, 1, 13),
    ("Max", [], {}, 1, 13), ("Mean", [x(2)] * 40, {}, 1, 13), ("FusedMatMul", [x(2, 3), x(2, 3)], {"transA": 1}, 1, 17, "com.microsoft"), ("SkipLayerNormalization", [x(1, 2, 3), x(1, 2, 3), f(1, 1, 1)], {}, 1, 17, "com.microsoft"), ("QLinearAdd", [x(2, t="u8"), f(0, dims=[])], {}, 1, 17, "com.microsoft"), ("TreeEnsembleRegressor", [x(1, 2)], {"nodes_treeids": [0]}, 1, 17, "ai.onnx.ml"),
]
