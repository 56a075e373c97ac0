"""Train the demo model, a small residual CNN on Fashion-MNIST, and write it as fashion.onnx.

The graph is built with onnx.helper, not with torch's exporter, so that nothing is simplified yet:
raw pixels are normalized by a Sub and a Div, and every Conv is followed by its BatchNormalization.
Folding those is the compiler's job.  One thread and a fixed seed: the same machine and library
versions train the same model.  The test images are read once, after the last epoch.
"""
import argparse
import gzip
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper

SEED, BATCH, PEAK_LR, WEIGHT_DECAY = 1, 128, 0.01, 0.02
MEAN, STD = 72.94, 90.02  # of all training pixels, 0..255


def read_split(folder, split):
    """Images f32[n,1,28,28] in 0..255 and labels i64[n]; idx headers are 16 and 8 bytes."""
    images, labels = (gzip.decompress((folder / f"{split}-{kind}-ubyte.gz").read_bytes())
                      for kind in ("images-idx3", "labels-idx1"))
    images = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    return images.astype(np.float32), np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


class Net(torch.nn.Module):
    """stem 16x28x28, pool, 32x14x14 and a residual, pool, 64x7x7 and a residual, mean, 10."""

    def __init__(self):
        super().__init__()
        for name, cin, cout in (("stem", 1, 16), ("wide1", 16, 32), ("res1", 32, 32),
                                ("wide2", 32, 64), ("res2", 64, 64)):
            self.add_module(name, torch.nn.Sequential(
                torch.nn.Conv2d(cin, cout, 3, padding=1, bias=False), torch.nn.BatchNorm2d(cout)))
        self.head = torch.nn.Linear(64, 10)

    def forward(self, image):
        x = F.max_pool2d(F.relu(self.stem((image - MEAN) / STD)), 2)
        x = F.relu(self.wide1(x))
        x = F.max_pool2d(F.relu(self.res1(x) + x), 2)
        x = F.relu(self.wide2(x))
        x = F.relu(self.res2(x) + x)
        return self.head(x.mean((2, 3)))


def augment(x):
    """Shift every image by up to 2 pixels each way, and mirror half of them."""
    n = len(x)
    windows = F.pad(x, (2, 2, 2, 2)).unfold(2, 28, 1).unfold(3, 28, 1)  # [n,1,5,5,28,28], a view
    x = windows[torch.arange(n), :, torch.randint(5, (n,)), torch.randint(5, (n,))]
    return torch.where(torch.rand(n, 1, 1, 1) < 0.5, x, x.flip(3))


def train(images, labels, epochs):
    net, steps = Net(), len(images) // BATCH
    opt = torch.optim.AdamW(net.parameters(), weight_decay=WEIGHT_DECAY)
    lr = torch.optim.lr_scheduler.OneCycleLR(opt, PEAK_LR, total_steps=epochs * steps)
    for epoch in range(epochs):
        total = 0.0
        for pick in torch.randperm(len(images))[:steps * BATCH].split(BATCH):
            loss = F.cross_entropy(net(augment(images[pick])), labels[pick])
            opt.zero_grad()
            loss.backward()
            opt.step()
            lr.step()
            total += loss.item() / steps
        print(f"epoch {epoch + 1}/{epochs}: loss {total:.4f}", flush=True)
    return net


def export(net, path):
    """Net.forward once more, as ONNX nodes; a node and its output share one name."""
    nodes, weights = [], []

    def const(name, value):
        weights.append(numpy_helper.from_array(np.array(value, np.float32), name))
        return name

    def node(op, name, *inputs, **attributes):
        nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def conv_bn(name, x):
        w = const(f"{name}.weight", state[f"{name}.0.weight"])
        x = node("Conv", f"{name}.conv", x, w, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        bn = [const(f"{name}.bn.{k}", state[f"{name}.1.{k}"])
              for k in ("weight", "bias", "running_mean", "running_var")]
        return node("BatchNormalization", f"{name}.bn", x, *bn, epsilon=1e-5)

    state = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    x = node("Sub", "center", "image", const("mean", MEAN))
    x = node("Div", "scale", x, const("std", STD))
    x = node("MaxPool", "pool1", node("Relu", "stem.relu", conv_bn("stem", x)), **pool)
    x = node("Relu", "wide1.relu", conv_bn("wide1", x))
    x = node("Relu", "res1.relu", node("Add", "res1.add", conv_bn("res1", x), x))
    x = node("MaxPool", "pool2", x, **pool)
    x = node("Relu", "wide2.relu", conv_bn("wide2", x))
    x = node("Relu", "res2.relu", node("Add", "res2.add", conv_bn("res2", x), x))
    x = node("Flatten", "flatten", node("GlobalAveragePool", "mean_hw", x))
    head = [const(name, state[name]) for name in ("head.weight", "head.bias")]
    node("Gemm", "logits", x, *head, transB=1)

    image, logits = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *dims])
                     for name, dims in (("image", [1, 28, 28]), ("logits", [10])))
    model = helper.make_model(helper.make_graph(nodes, "fashion", [image], [logits], weights),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


here = pathlib.Path(__file__).parent
args = argparse.ArgumentParser(description="train the demo model on Fashion-MNIST")
args.add_argument("--data", type=pathlib.Path, default="/usr/share/datasets/fashion-mnist")
args.add_argument("--out", type=pathlib.Path, default=here / "fashion.onnx")
args.add_argument("--epochs", type=int, default=20)
args = args.parse_args()
torch.manual_seed(SEED)
torch.set_num_threads(1)
export(train(*map(torch.from_numpy, read_split(args.data, "train")), args.epochs), args.out)

# The accuracy is that of the file, by ONNX Runtime, not of the network in memory.
images, labels = read_split(args.data, "t10k")
session = onnxruntime.InferenceSession(args.out, providers=["CPUExecutionProvider"])
hits = sum((session.run(["logits"], {"image": images[i:i + 500]})[0].argmax(1)
            == labels[i:i + 500]).sum() for i in range(0, len(images), 500))
print(f"test accuracy {100 * hits / len(images):.2f} % of {len(images)} images")
