"""Whole networks with random weights for compare_models.py: in mlx.nn, and in PyTorch for its own two
ways, ONNX Runtime and OpenVINO. A network is built from `Layers` of either; images are (N, H, W, C)
here and (N, C, H, W) in channels-last order there. Inference, float32.
"""

import os
import tempfile

THREADS = int(os.environ.get("MLX_NUM_THREADS", "2"))


class Ours:
    """What networks are made of in mlx.nn."""

    channels = -1

    def __init__(self):
        import mlx.core as mx
        import mlx.nn as nn

        self.n, self.lib, self.relu, self.gelu = nn, mx, nn.relu, nn.gelu
        self.hardswish, self.sigmoid = nn.hardswish, mx.sigmoid
        self.Norm = nn.BatchNorm

    def conv(self, inputs, outputs, kernel, stride=1, groups=1, bias=False):
        options = {"bias": bias, "groups": groups}
        return self.n.Conv2d(inputs, outputs, kernel, stride, kernel // 2, **options)

    def pooled(self, x, keep=False):
        return x.mean((1, 2), keepdims=keep)

    def tokens(self, x):
        return x.flatten(1, 2)

    def encoder(self, layers, dims, heads, hidden):
        return self.n.TransformerEncoder(
            layers, dims, heads, hidden, activation=self.gelu, norm_first=True
        )

    def run_encoder(self, encoder, x):
        return encoder(x, None)

    def images(self, n, side):
        return self.lib.random.normal((n, side, side, 3))

    def numbers(self, *shape):
        return self.lib.random.normal(shape)


class Theirs:
    """The same in PyTorch."""

    channels = 1

    def __init__(self):
        import torch

        torch.set_num_threads(THREADS)
        torch.set_grad_enabled(False)
        torch.backends.mha.set_fastpath_enabled(False)  # which cannot be exported
        self.n, self.lib, self.relu = torch.nn, torch, torch.relu
        self.gelu, self.hardswish = torch.nn.functional.gelu, torch.nn.functional.hardswish
        self.sigmoid, self.Norm = torch.sigmoid, torch.nn.BatchNorm2d

    def conv(self, inputs, outputs, kernel, stride=1, groups=1, bias=False):
        options = {"bias": bias, "groups": groups}
        return self.n.Conv2d(inputs, outputs, kernel, stride, kernel // 2, **options)

    def pooled(self, x, keep=False):
        return x.mean((2, 3), keepdim=keep)

    def tokens(self, x):
        return x.flatten(2).transpose(1, 2)

    def encoder(self, layers, dims, heads, hidden):
        layer = self.n.TransformerEncoderLayer(
            dims, heads, hidden, 0.0, self.gelu, batch_first=True, norm_first=True
        )
        norm = self.n.LayerNorm(dims)
        return self.n.TransformerEncoder(layer, layers, norm, enable_nested_tensor=False)

    def run_encoder(self, encoder, x):
        return encoder(x)

    def images(self, n, side):
        return self.numbers(n, 3, side, side).to(memory_format=self.lib.channels_last)

    def numbers(self, *shape):
        return self.lib.randn(*shape)


def listed(q, layers):
    """A list of layers that the framework finds."""
    return layers if isinstance(q, Ours) else q.n.ModuleList(layers)


def module(q, make, forward):
    """A module whose parts `make` puts into it and whose call is `forward`."""

    class Network(q.n.Module):
        def __init__(self):
            super().__init__()
            make(self)

        def forward(self, x):
            return forward(self, x)

        def __call__(self, *x):
            return forward(self, *x) if isinstance(q, Ours) else super().__call__(*x)

    return Network().eval()


# --- networks -------------------------------------------------------------------------------------


def resnet50(q, n):
    """He et al. 2015."""

    def stack(inputs, width, stride):
        def make(self):
            sizes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, 4 * width, 1, 1)]
            self.convs = listed(q, [q.conv(*size) for size in sizes])
            self.norms = listed(q, [q.Norm(size[1]) for size in sizes])
            if inputs != 4 * width:
                self.side, self.side_norm = q.conv(inputs, 4 * width, 1, stride), q.Norm(4 * width)

        def forward(self, x):
            y = q.relu(self.norms[0](self.convs[0](x)))
            y = self.norms[2](self.convs[2](q.relu(self.norms[1](self.convs[1](y)))))
            x = self.side_norm(self.side(x)) if inputs != 4 * width else x
            return q.relu(x + y)

        return module(q, make, forward)

    def make(self):
        self.stem, self.norm, self.pool = q.conv(3, 64, 7, 2), q.Norm(64), q.n.MaxPool2d(3, 2, 1)
        blocks, inputs = [], 64
        for i, count in enumerate((3, 4, 6, 3)):
            for k in range(count):
                blocks.append(stack(inputs, 64 << i, 2 if i and not k else 1))
                inputs = 256 << i
        self.blocks, self.head = listed(q, blocks), q.n.Linear(2048, 1000)

    def forward(self, x):
        x = self.pool(q.relu(self.norm(self.stem(x))))
        for block in self.blocks:
            x = block(x)
        return self.head(q.pooled(x))

    return module(q, make, forward), [q.images(n, 224)]


# kernel, hidden, outputs, squeezed, hard swish, stride
MOBILENET = [
    *((3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 24, 0, 2)),
    *[(5, 120, 40, 32, 0, 1)] * 2,
    *((3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1)),
    *((3, 480, 112, 120, 1, 1), (3, 672, 112, 168, 1, 1), (5, 672, 160, 168, 1, 2)),
    *[(5, 960, 160, 240, 1, 1)] * 2,
]


def mobilenet(q, n):
    """MobileNetV3-Large (Howard et al. 2019)."""

    def block(inputs, kernel, hidden, outputs, squeezed, swish, stride):
        act = q.hardswish if swish else q.relu

        def make(self):
            sizes = [(inputs, hidden, 1), (hidden, hidden, kernel, stride, hidden)]
            self.convs = listed(q, [q.conv(*size) for size in [*sizes, (hidden, outputs, 1)]])
            self.norms = listed(q, [q.Norm(size) for size in (hidden, hidden, outputs)])
            if squeezed:
                self.down = q.conv(hidden, squeezed, 1, bias=True)
                self.up = q.conv(squeezed, hidden, 1, bias=True)

        def forward(self, x):
            y = act(self.norms[0](self.convs[0](x))) if hidden != inputs else x
            y = act(self.norms[1](self.convs[1](y)))
            if squeezed:
                y = y * q.sigmoid(self.up(q.relu(self.down(q.pooled(y, True)))))
            y = self.norms[2](self.convs[2](y))
            return x + y if stride == 1 and inputs == outputs else y

        return module(q, make, forward)

    def make(self):
        self.stem, self.norm = q.conv(3, 16, 3, 2), q.Norm(16)
        inputs = [16, *(row[2] for row in MOBILENET)]
        self.blocks = listed(q, [block(i, *row) for i, row in zip(inputs, MOBILENET)])
        self.last, self.last_norm = q.conv(160, 960, 1), q.Norm(960)
        self.hidden, self.head = q.n.Linear(960, 1280), q.n.Linear(1280, 1000)

    def forward(self, x):
        x = q.hardswish(self.norm(self.stem(x)))
        for layer in self.blocks:
            x = layer(x)
        x = q.pooled(q.hardswish(self.last_norm(self.last(x))))
        return self.head(q.hardswish(self.hidden(x)))

    return module(q, make, forward), [q.images(n, 224)]


def vit(q, n):
    """ViT-B/16 (Dosovitskiy et al. 2020), with the mean of its tokens."""

    def make(self):
        self.patches = q.n.Conv2d(3, 768, 16, 16)
        self.encoder, self.head = q.encoder(12, 768, 12, 3072), q.n.Linear(768, 1000)

    def forward(self, x):
        x = q.run_encoder(self.encoder, q.tokens(self.patches(x)))
        return self.head(x.mean(1))

    return module(q, make, forward), [q.images(n, 224)]


def encoder(q, n, length, layers, dims, heads):
    """The layers of BERT (Devlin et al. 2018) or of Whisper's encoder (Radford et al. 2022)."""

    def make(self):
        self.encoder = q.encoder(layers, dims, heads, 4 * dims)

    def forward(self, x):
        return q.run_encoder(self.encoder, x)

    return module(q, make, forward), [q.numbers(n, length, dims)]


def lstm(q, n, length, size):
    def make(self):
        options = {} if isinstance(q, Ours) else {"batch_first": True}
        self.lstm = q.n.LSTM(size, size, **options)

    def forward(self, x):
        return self.lstm(x)[0]

    return module(q, make, forward), [q.numbers(n, length, size)]


NETWORKS = {  # name: (function, arguments)
    "resnet50_1": (resnet50, (1,)),
    "resnet50_8": (resnet50, (8,)),
    "mobilenetv3_1": (mobilenet, (1,)),
    "mobilenetv3_8": (mobilenet, (8,)),
    "vit_b16": (vit, (1,)),
    "bert_base_128": (encoder, (1, 128, 12, 768, 12)),
    "whisper_tiny_encoder": (encoder, (1, 1500, 4, 384, 6)),
    "lstm_256": (lstm, (16, 64, 256)),
}


# --- engines --------------------------------------------------------------------------------------


def ours(name):
    import mlx.core as mx

    make, arguments = NETWORKS[name]
    model, x = make(Ours(), *arguments)
    mx.eval(model.parameters(), x)
    forward = mx.compile(model)
    return lambda: mx.eval(forward(*x))


def torch(name):
    make, arguments = NETWORKS[name]
    model, x = make(Theirs(), *arguments)
    if x[0].ndim == 4:
        import torch

        model = model.to(memory_format=torch.channels_last)
    return lambda: model(*x)


def torch_compiled(name):
    import torch

    make, arguments = NETWORKS[name]
    model, x = make(Theirs(), *arguments)
    if x[0].ndim == 4:
        model = model.to(memory_format=torch.channels_last)
    model = torch.compile(model)
    return lambda: model(*x)


def exported(name, folder):
    """The path of a network as ONNX, and its input."""
    make, arguments = NETWORKS[name]
    q = Theirs()
    model, x = make(q, *arguments)
    path = f"{folder}/{name}.onnx"
    q.lib.onnx.export(model, tuple(x), path, input_names=["x"], dynamo=False)
    return path, x[0].contiguous().numpy()


def onnxruntime(name):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    with tempfile.TemporaryDirectory() as folder:
        path, x = exported(name, folder)
        session = onnxruntime.InferenceSession(path, options)
    return lambda: session.run(None, {"x": x})


def openvino(name):
    import openvino

    core = openvino.Core()
    hints = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    with tempfile.TemporaryDirectory() as folder:
        path, x = exported(name, folder)
        request = core.compile_model(path, "CPU", hints).create_infer_request()
    return lambda: request.infer({"x": x})


ENGINES = {
    "ours": ours,
    "PyTorch": torch,
    "torch.compile": torch_compiled,
    "ONNX Runtime": onnxruntime,
    "OpenVINO": openvino,
}
