"""Models of examples/python beside what one usually takes, by turns in one run.

    PYTHONPATH=build/python python3 bench/models/compare_models.py OTHER [CASE]...

OTHER is a Python that has the other packages. MLX_NUM_THREADS sets the threads of both (2),
BENCH_ROUNDS the rounds (7), MLX_MODELS and MLX_TEST_DATA say where models and recordings are.
Medians in milliseconds: of wall time, and of processor time, which counts on a busy machine
(threads that wait busily for each other spend it, too: then one thread says more); their ratio.

A case is two functions of ours and theirs, which prepare and return what is measured. Each side
has a process of its own that takes its turn when it is told to. Networks (networks.py) have more
sides: PyTorch, torch.compile, ONNX Runtime and OpenVINO (which need the package onnx there); their
table is of wall time, with the best of the others over ours.
"""

import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from networks import ENGINES, NETWORKS

ROOT = Path(__file__).resolve().parents[2]
MODELS = Path(os.environ.get("MLX_MODELS", ROOT / "build" / "models"))
DATA = Path(os.environ.get("MLX_TEST_DATA", ROOT.parent / "shared" / "data"))
THREADS = os.environ.get("MLX_NUM_THREADS", "2")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SETTLE = 0.3  # seconds until the threads of the one before sleep


def whisper_ours(beam):
    from speech.speech_features import read_audio
    from speech.whisper.load import load
    from speech.whisper.transcribe import Options, transcribe

    model = load(MODELS / "whisper-tiny.en")
    samples = read_audio(DATA / "speech" / "jfk.wav")
    return lambda: transcribe(*model, samples, Options("en", beam=beam)).text


def whisper_theirs(beam):
    from faster_whisper import WhisperModel, decode_audio

    model = WhisperModel(
        str(MODELS / "whisper-tiny.en"),
        device="cpu",
        compute_type="float32",
        cpu_threads=int(THREADS),
    )
    samples = decode_audio(str(DATA / "speech" / "jfk.wav"))

    def run():
        segments, _ = model.transcribe(samples, language="en", beam_size=beam)
        return "".join(s.text for s in segments)

    return run


UNET = {  # of Stable Diffusion 1.5
    "sample_size": 64,
    "block_out_channels": [320, 640, 1280, 1280],
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
TIME = 500.0


def unet_ours(side):
    """A step with guidance: two latent images, texts of 77 tokens; all weights are 0.01."""
    import json
    import tempfile

    import mlx.core as mx
    from generative.stable_diffusion.folder import unet_config
    from generative.stable_diffusion.unet import UNet
    from mlx.utils import tree_map

    with tempfile.TemporaryDirectory() as folder:
        config = json.dumps(UNET | {"_class_name": "UNet2DConditionModel"})
        (Path(folder) / "config.json").write_text(config)
        model = UNet(unet_config(folder)).eval()
    model.update(tree_map(lambda x: mx.full(x.shape, 0.01), model.parameters()))
    mx.eval(model.parameters())
    x, text = mx.random.normal((2, side, side, 4)), mx.random.normal((2, 77, 768))
    return lambda: mx.eval(model(x, mx.array([TIME, TIME]), text))


def unet_theirs(side):
    import torch
    from diffusers import UNet2DConditionModel

    torch.set_num_threads(int(THREADS))
    torch.set_grad_enabled(False)
    with torch.device("meta"):
        model = UNet2DConditionModel(**UNET)
    model = model.to_empty(device="cpu").eval()
    for parameter in model.parameters():
        parameter.fill_(0.01)
    x, text = torch.randn(2, 4, side, side), torch.randn(2, 77, 768)
    return lambda: model(x, torch.tensor([TIME, TIME]), text)


# --- steps of training ----------------------------------------------------------------------------


def images(batch, side, classes):
    import numpy as np

    random = np.random.default_rng(0)
    pixels = random.standard_normal((batch, side, side, 3), dtype=np.float32)
    return pixels, random.integers(0, classes, batch)


def our_step(model, pixels, labels):
    """A compiled step of SGD with momentum."""
    import mlx.core as mx
    import mlx.nn as nn
    import mlx.optimizers as optim

    optimizer = optim.SGD(1e-3, momentum=0.9)
    gradients = nn.value_and_grad(
        model.train(), lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean")
    )
    state = [model.state, optimizer.state]

    def step(x, y):
        value, g = gradients(x, y)
        optimizer.update(model, g)
        return value

    step = mx.compile(step, inputs=state, outputs=state)
    x, y = mx.array(pixels), mx.array(labels)
    return lambda: mx.eval(step(x, y), state)


def their_step(model, pixels, labels):
    """The same in PyTorch, with images in the order that its convolutions like best."""
    import torch

    torch.set_num_threads(int(THREADS))
    model = model.train().to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)
    x = torch.tensor(pixels).permute(0, 3, 1, 2).to(memory_format=torch.channels_last)
    y = torch.tensor(labels)

    def run():
        sgd.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        sgd.step()

    return run


def resnet_ours(batch, side, classes):
    from vision.resnet import resnet

    model = resnet(18, classes=classes, small=side == 32)
    return our_step(model, *images(batch, side, classes))


def resnet_theirs(batch, side, classes):
    import torch.nn as t

    conv = lambda i, o, k, s: t.Conv2d(i, o, k, s, k // 2, bias=False)

    class Block(t.Module):
        def __init__(self, inputs, width, stride):
            super().__init__()
            self.conv1, self.bn1 = conv(inputs, width, 3, stride), t.BatchNorm2d(width)
            self.conv2, self.bn2 = conv(width, width, 3, 1), t.BatchNorm2d(width)
            down = [conv(inputs, width, 1, stride), t.BatchNorm2d(width)] if inputs != width else []
            self.relu, self.downsample = t.ReLU(), t.Sequential(*down)

        def forward(self, x):
            y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
            return self.relu(y + self.downsample(x))

    layers = [conv(3, 64, 3, 1)] if side == 32 else [conv(3, 64, 7, 2)]
    layers += [t.BatchNorm2d(64), t.ReLU()] + ([] if side == 32 else [t.MaxPool2d(3, 2, 1)])
    for inputs, width in ((64, 64), (64, 128), (128, 256), (256, 512)):
        layers += [Block(inputs, width, width // inputs), Block(width, width, 1)]
    layers += [t.AdaptiveAvgPool2d(1), t.Flatten(), t.Linear(512, classes)]
    return their_step(t.Sequential(*layers), *images(batch, side, classes))


def cnn(n, conv, pool, flat):
    """Two convolutions with pooling and two layers, as in bench_conv.c."""
    first, second = conv(3, 32, 3, padding=1), conv(32, 64, 3, padding=1)
    layers = [first, n.ReLU(), pool(2), second, n.ReLU(), pool(2), flat]
    return n.Sequential(*layers, n.Linear(4096, 128), n.ReLU(), n.Linear(128, 10))


def cnn_ours():
    import mlx.nn as nn

    flat = lambda x: x.reshape(x.shape[0], -1)
    return our_step(cnn(nn, nn.Conv2d, nn.MaxPool2d, flat), *images(64, 32, 10))


def cnn_theirs():
    import torch.nn as t

    return their_step(cnn(t, t.Conv2d, t.MaxPool2d, t.Flatten()), *images(64, 32, 10))


# --- vectors of sentences -------------------------------------------------------------------------


def sentences():
    """Tokens (64, 64) of sentences, and how many of each count: 10 to 64."""
    import numpy as np

    random = np.random.default_rng(0)
    lengths = np.append(random.integers(10, 65, 63), 64)
    tokens = random.integers(1000, 30000, (64, 64)) * (np.arange(64) < lengths[:, None])
    return tokens, lengths


def minilm_ours():
    import mlx.core as mx
    from language.search.encoder import SentenceEncoder

    encoder = SentenceEncoder(MODELS / "all-MiniLM-L6-v2")
    tokens, lengths = (mx.array(x.astype("int32")) for x in sentences())
    return lambda: mx.eval(encoder._vectors(tokens, lengths))


def minilm_theirs():
    """BERT with the mean of its vectors, exported by PyTorch, in ONNX Runtime."""
    import tempfile

    import numpy as np
    import onnxruntime
    import torch
    import transformers

    folder = MODELS / "all-MiniLM-L6-v2"

    class Mean(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = transformers.BertModel.from_pretrained(folder, add_pooling_layer=False)

        def forward(self, tokens, mask):
            x = self.bert(input_ids=tokens, attention_mask=mask)[0] * mask[..., None]
            return torch.nn.functional.normalize(x.sum(1), dim=-1)

    tokens, lengths = sentences()
    mask = (np.arange(64) < lengths[:, None]).astype(np.int64)
    axes = dict.fromkeys(("tokens", "mask"), {0: "texts", 1: "length"})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(THREADS)
    with tempfile.TemporaryDirectory() as place:
        torch.onnx.export(
            Mean().eval(),
            (torch.tensor(tokens), torch.tensor(mask)),
            f"{place}/x.onnx",
            input_names=list(axes),
            dynamic_axes=axes,
            dynamo=False,
        )
        session = onnxruntime.InferenceSession(f"{place}/x.onnx", options)
    return lambda: session.run(None, {"tokens": tokens, "mask": mask})


CASES = {  # name: (ours, theirs, arguments of both)
    "whisper_greedy": (whisper_ours, whisper_theirs, (1,)),
    "whisper_beams": (whisper_ours, whisper_theirs, (5,)),
    "unet_32": (unet_ours, unet_theirs, (32,)),
    "unet_64": (unet_ours, unet_theirs, (64,)),
    "cnn_step": (cnn_ours, cnn_theirs, ()),
    "resnet18_step_32": (resnet_ours, resnet_theirs, (64, 32, 10)),
    "resnet18_step_224": (resnet_ours, resnet_theirs, (8, 224, 1000)),
    "minilm_64": (minilm_ours, minilm_theirs, ()),
}


def prepared(name, side):
    if name in NETWORKS:
        return list(ENGINES.values())[side](name)
    case = CASES[name]
    return case[side](*case[2])


def work(name, side):
    """A side's process: a turn for each line that comes, and the two times of it."""
    run = prepared(name, side)
    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        run()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(wall, processor, flush=True)


def start(python, name, side):
    variables = dict(os.environ, MLX_NUM_THREADS=THREADS, OMP_NUM_THREADS=THREADS)
    # Settings of OpenBLAS that are this machine's would slow the others' down.
    for setting in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        variables.pop(setting, None)
    ours = [variables.get("PYTHONPATH", ""), str(ROOT / "examples" / "python")]
    variables["PYTHONPATH"] = "" if side else os.pathsep.join(ours)
    command = [python, __file__, "--work", name, str(side)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables
    )
    line = process.stdout.readline()
    while line and line != "ready\n":  # packages say this and that
        line = process.stdout.readline()
    return process if line else None


def turn(process):
    time.sleep(SETTLE)
    process.stdin.write("\n")
    process.stdin.flush()
    return [float(x) * 1e3 for x in process.stdout.readline().split()]


def medians(sides):
    """Of each process that could be started: of wall time, and of processor time."""
    alive = [process for process in sides if process]
    times = [[turn(process) for process in alive] for _ in range(ROUNDS)]
    for process in alive:
        process.stdin.close()
        process.wait()
    found = [
        [statistics.median(row[i][kind] for row in times) for kind in (0, 1)]
        for i in range(len(alive))
    ]
    return [found.pop(0) if process else None for process in sides]


def compare(name, other):
    sides = medians([start(python, name, i) for i, python in enumerate((sys.executable, other))])
    if None in sides:
        sys.exit(f"{name}: {(sys.executable, other)[sides.index(None)]} cannot run it")
    wall, processor = zip(*sides)
    cells = [f"{a:9.0f}{b:9.0f}{b / a:7.2f}" for a, b in (wall, processor)]
    print(f"{name:24}{cells[0]}   {cells[1]}", flush=True)


def compare_networks(names, other):
    print("| ms | " + " | ".join(ENGINES) + " | best of the others / ours |")
    print("|---|" + "---|" * (len(ENGINES) + 1))
    ratios = []
    for name in names:
        pythons = [sys.executable, *[other] * (len(ENGINES) - 1)]
        sides = medians([start(python, name, i) for i, python in enumerate(pythons)])
        wall = [side and side[0] for side in sides]
        ratios.append(min(filter(None, wall[1:])) / wall[0])
        cells = [f"{ms:.1f}" if ms else "" for ms in wall]
        print(f"| {name} | " + " | ".join(cells) + f" | {ratios[-1]:.2f} |", flush=True)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"\ngeometric mean {mean:.2f}, worst {min(ratios):.2f}")


def main(other, *names):
    unknown = [n for n in names if n not in CASES and n not in NETWORKS]
    if unknown:
        sys.exit(f"{unknown[0]}: there are {', '.join([*CASES, *NETWORKS])}")
    networks = [n for n in names or NETWORKS if n in NETWORKS]
    cases = [n for n in names or CASES if n in CASES]
    if cases:
        print(f"{'ms':24}{'ours':>9}{'theirs':>9}{'ratio':>7}   processor: ours, theirs, ratio")
    for name in cases:
        compare(name, other)
    if networks:
        compare_networks(networks, other)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    if sys.argv[1] == "--work":
        work(sys.argv[2], int(sys.argv[3]))
    else:
        main(*sys.argv[1:])
