"""Where an oracle's answer is not what the standard says, and so is not asked for.

Each row: operators, oracle, when (a function of the case), why. The page that single.py writes lists
them. A row is for what the standard decides; where it is silent, the oracles' disagreement is shown.
"""
import numpy as np

from single_make import NAMES


def has(case, i):
    return len(case.inputs) > i and case.inputs[i] is not None


def narrow(case):
    return NAMES[case.inputs[0].dtype] == "bfloat16"


FAULTS = [
    (("RNN", "GRU", "LSTM"), "reference", lambda c: has(c, 4), "ignores sequence_lens"),
    (("RNN", "GRU", "LSTM"), "reference", lambda c: "clip" in c.attrs, "ignores clip"),
    (("LSTM",), "reference", lambda c: "input_forget" in c.attrs, "ignores input_forget"),
    (("GlobalMaxPool",), "reference", lambda c: True, "takes the maximum over the channels too"),
    (("Det",), "reference", narrow, "answers in float64"),
    (("ReduceSumSquare",), "reference", lambda c: c.inputs[0].dtype == "u4", "answers in uint64"),
    (("AffineGrid",), "reference", lambda c: c.inputs[0].dtype == "f8", "answers in float32"),
    (("LRN",), "reference", lambda c: c.inputs[0].shape[0] < c.inputs[0].shape[1],
     "leaves out the channels beyond the number of batches"),
    (("MaxPool",), "reference", lambda c: "auto_pad" in c.attrs and "strides" in c.attrs,
     "pads for SAME where the window does not reach"),
    (("PRelu",), "reference", lambda c: not np.isfinite(np.asarray(c.inputs[1], "f8")).all(),
     "multiplies a zero by the slope"),
    (("Unique",), "reference", lambda c: c.attrs.get("sorted") == 0, "sorts where sorted is 0"),
    (("StringNormalizer",), "reference", lambda c: True,
     "drops empty strings and accents; ignoring case, it compares stop words by case"),
    (("Loop",), "reference", lambda c: True, "concatenates scan outputs instead of stacking them"),
    (("Loop",), "runtime", lambda c: c.inputs[0] == 0 or not c.inputs[1],
     "forgets the dimensions of scan outputs when there is no iteration"),
]


def fault(case, oracle):
    """Why `oracle` is not asked about the case; None: it is."""
    return next((why for ops, who, when, why in FAULTS if case.op in ops and who == oracle and when(case)), None)
