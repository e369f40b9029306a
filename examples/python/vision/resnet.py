"""ResNet (He et al. 2015): what is on a picture, by weights with torchvision's names (resnet18 to
resnet152; a .pth file of PyTorch's or safetensors). Which network it is, the names in the file say.

    python -m vision.resnet --weights resnet18.pth --image photo.jpg --labels labels.txt

Weights: download.pytorch.org/models/resnet18-f37072fd.pth, or model.safetensors of
huggingface.co/timm/resnet18.a1_in1k. labels.txt has the name of a class in each line.
"""

import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from checkpoint import load_weights
from common import arguments
from pictures import read_image
from mlx.data import images

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # of ImageNet's colours
STAGES = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3]}


def conv(inputs, outputs, kernel, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    """x + f(x) for images (B, H, W, inputs); f are two convolutions of 3 x 3."""

    widening = 1

    def __init__(self, inputs, width, stride=1):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 3, stride), nn.BatchNorm(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm(width)
        if stride > 1 or inputs != width:
            self.downsample = [conv(inputs, width, 1, stride), nn.BatchNorm(width)]

    def residual(self, x):
        return self.bn2(self.conv2(nn.relu(self.bn1(self.conv1(x)))))

    def __call__(self, x):
        y = self.residual(x)
        for layer in self.get("downsample", []):
            x = layer(x)
        return nn.relu(y + x)


class Bottleneck(Block):
    """f are convolutions of 1 x 1, which makes it narrow, 3 x 3, and 1 x 1, which makes it wide."""

    widening = 4

    def __init__(self, inputs, width, stride=1):
        nn.Module.__init__(self)
        wide = self.widening * width
        self.conv1, self.bn1 = conv(inputs, width, 1), nn.BatchNorm(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm(width)
        self.conv3, self.bn3 = conv(width, wide, 1), nn.BatchNorm(wide)
        if stride > 1 or inputs != wide:
            self.downsample = [conv(inputs, wide, 1, stride), nn.BatchNorm(wide)]

    def residual(self, x):
        x = nn.relu(self.bn1(self.conv1(x)))
        return self.bn3(self.conv3(nn.relu(self.bn2(self.conv2(x)))))


class ResNet(nn.Module):
    """Images (B, H, W, 3) to logits (B, classes). small: of 32 x 32 pixels, which the beginning
    leaves as large as they are."""

    def __init__(self, stages, block=Block, classes=1000, small=False, width=64):
        super().__init__()
        self.conv1 = conv(3, width, 3) if small else conv(3, width, 7, 2)
        self.bn1 = nn.BatchNorm(width)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        inputs = width
        for i, count in enumerate(stages):
            wide, layers = width << i, []
            for j in range(count):
                layers.append(block(inputs, wide, 2 if i > 0 and j == 0 else 1))
                inputs = wide * block.widening
            self[f"layer{i + 1}"] = layers
        self.stages, self.fc = len(stages), nn.Linear(inputs, classes)

    def __call__(self, x):
        x = self.maxpool(nn.relu(self.bn1(self.conv1(x))))
        for i in range(self.stages):
            for block in self[f"layer{i + 1}"]:
                x = block(x)
        return self.fc(x.mean((1, 2)))


def resnet(depth, **options):
    """ResNet-18, 34, 50 or 101."""
    return ResNet(STAGES[depth], Block if depth < 50 else Bottleneck, **options)


def of_weights(path):
    """The network that the names and shapes in a file are those of, with its weights."""
    try:
        weights = mx.load(str(path))
    except (OSError, RuntimeError, ValueError) as e:
        sys.exit(f"{path} cannot be read: {getattr(e, 'strerror', None) or e}")
    weights = weights if isinstance(weights, dict) else {}
    weights = {k: v for k, v in weights.items() if not k.endswith("num_batches_tracked")}
    for name in ("conv1.weight", "layer1.0.conv1.weight", "fc.weight"):
        if name not in weights or weights[name].ndim not in (2, 4):
            sys.exit(f"{path} has no {name}: it is no ResNet with torchvision's names")
    stages = []
    while f"layer{len(stages) + 1}.0.conv1.weight" in weights:
        names = (k for k in weights if k.startswith(f"layer{len(stages) + 1}."))
        stages.append(len({k.split(".")[1] for k in names}))
    first = weights["conv1.weight"].shape
    model = ResNet(
        stages,
        Bottleneck if "layer1.0.conv3.weight" in weights else Block,
        weights["fc.weight"].shape[0],
        first[-1] == 3,
        first[0],
    )
    return load_weights(model, weights, path)


def load_image(path, smaller=256, side=224):
    """The middle (1, side, side, 3) of a picture whose smaller side was made `smaller` pixels."""
    pixels = images.resize_smallest_side(read_image(path), smaller)
    middle = images.center_crop(pixels, side, side).astype(np.float32) / 255
    return mx.array((middle - np.float32(MEAN)) / np.float32(STD))[None]


def labels_of(path, classes):
    """The names of the classes; without a file their numbers."""
    if not path:
        return [f"class {i}" for i in range(classes)]
    try:
        names = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        sys.exit(f"{path} cannot be read as text: {getattr(e, 'strerror', None) or e}")
    if len(names) != classes:
        sys.exit(f"{path} has {len(names)} lines, and the network {classes} classes")
    return names


def main(weights, image, labels="", count=5):
    """Prints the likeliest classes; returns (probability, name) of each."""
    model = of_weights(weights)
    likely = mx.softmax(model(load_image(image))[0])
    names = labels_of(labels, likely.size)
    best = mx.argsort(-likely)[:count].tolist()
    found = [(likely[i].item(), names[i]) for i in best]
    for p, name in found:
        print(f"{100 * p:6.2f}%  {name}")
    return found


if __name__ == "__main__":
    o = arguments(__doc__, weights="", image="", labels="", count=5)
    if not o.weights or not o.image:
        sys.exit("say --weights FILE and --image FILE (--help)")
    main(o.weights, o.image, o.labels, o.count)
