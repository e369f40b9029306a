"""What people feel from Python: this package, the reference and PyTorch, each in its process.

    PYTHONPATH=build/python python3 bench/operations/bench_python.py [substring]

Prints one Markdown table of milliseconds, the best of many rounds. ``MLX_REFERENCE_PYTHON`` names
a Python that has the reference package, ``TORCH_PYTHON`` one that has PyTorch (else this one is
asked); a column without an engine stays empty. ``THREADS`` (2) is the number of threads.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Row: the goal in milliseconds.
GOALS = {
    "import mlx.core": 30,
    "a + b, not evaluated": 0.00025,
    "500 dependent adds of 8x8": 0.5,
    "MLP training step": 12,
    "MLP training step, compiled": 12,
    "transformer training step": 120,
    "transformer training step, compiled": 120,
    "CNN training step": 35,
    "CNN training step, compiled": 35,
    "decoder 4-bit, one token": 3,
    "decoder 4-bit, 128-token prompt": 150,
    "load 256 MB lazy": 0.01,
    "load 256 MB evaluated": None,
    "load 256 MB and read it": None,
    "mean over axes 1 and 3, 8 MB": 1,
}

IMPORT = "from time import perf_counter as t; a = t(); import {}; print((t() - a) * 1e3)"


def best(function, seconds=2.0, rounds=300):
    """The shortest of many rounds of a function, in milliseconds."""
    function()
    low, spent = float("inf"), 0.0
    for i in range(rounds):
        start = time.perf_counter()
        function()
        taken = time.perf_counter() - start
        low, spent = min(low, taken), spent + taken
        if i >= 2 and spent > seconds:
            break
    return low * 1e3


def import_time(module):
    """The import of a module in a fresh process, in milliseconds."""
    command = [sys.executable, "-c", IMPORT.format(module)]
    return min(float(subprocess.check_output(command, text=True)) for _ in range(8))


# --- MLX ------------------------------------------------------------------------------


class MLX:
    """The rows, for this package and the reference package alike."""

    def __init__(self):
        import mlx.core as mx
        import mlx.nn as nn
        import mlx.optimizers as optim

        self.mx, self.nn, self.optim = mx, nn, optim
        mx.random.seed(0)
        self.models()

    def models(self):
        """Define the models; their base class exists only now."""
        mx, nn = self.mx, self.nn

        class Language(nn.Module):
            """Embedding, transformer encoder with a causal mask, and logits."""

            def __init__(self, vocabulary, dims, layers, heads):
                super().__init__()
                self.embedding = nn.Embedding(vocabulary, dims)
                self.transformer = nn.TransformerEncoder(layers, dims, heads)
                self.head = nn.Linear(dims, vocabulary)

            def __call__(self, tokens):
                mask = nn.MultiHeadAttention.create_additive_causal_mask(tokens.shape[1])
                return self.head(self.transformer(self.embedding(tokens), mask))

        class Layer(nn.Module):
            """A layer as in LLaMA: grouped attention, rotary positions, SwiGLU, RMSNorm."""

            def __init__(self, dims, heads, kv_heads, hidden):
                super().__init__()
                self.heads, self.kv_heads = heads, kv_heads
                size = dims // heads
                self.q, self.o = (nn.Linear(dims, dims, bias=False) for _ in range(2))
                self.k, self.v = (nn.Linear(dims, kv_heads * size, bias=False) for _ in range(2))
                self.gate, self.up = (nn.Linear(dims, hidden, bias=False) for _ in range(2))
                self.down = nn.Linear(hidden, dims, bias=False)
                self.norm1, self.norm2 = nn.RMSNorm(dims), nn.RMSNorm(dims)
                self.rope = nn.RoPE(size)

            def __call__(self, x, cache):
                B, L, D = x.shape
                y = self.norm1(x)
                q = self.q(y).reshape(B, L, self.heads, -1).transpose(0, 2, 1, 3)
                k = self.k(y).reshape(B, L, self.kv_heads, -1).transpose(0, 2, 1, 3)
                v = self.v(y).reshape(B, L, self.kv_heads, -1).transpose(0, 2, 1, 3)
                offset = cache[0].shape[2] if cache else 0
                q, k = self.rope(q, offset=offset), self.rope(k, offset=offset)
                if cache:
                    k, v = mx.concatenate([cache[0], k], 2), mx.concatenate([cache[1], v], 2)
                mask = "causal" if L > 1 else None
                y = mx.fast.scaled_dot_product_attention(
                    q, k, v, scale=q.shape[-1] ** -0.5, mask=mask
                )
                x = x + self.o(y.transpose(0, 2, 1, 3).reshape(B, L, D))
                y = self.norm2(x)
                return x + self.down(nn.silu(self.gate(y)) * self.up(y)), (k, v)

        class Decoder(nn.Module):
            """Token numbers to logits and the keys and values of each layer."""

            def __init__(self, vocabulary, dims, layers, heads, kv_heads, hidden):
                super().__init__()
                self.embedding = nn.Embedding(vocabulary, dims)
                self.layers = [Layer(dims, heads, kv_heads, hidden) for _ in range(layers)]
                self.norm, self.head = nn.RMSNorm(dims), nn.Linear(dims, vocabulary, bias=False)

            def __call__(self, tokens, cache=None):
                x, new = self.embedding(tokens), []
                for layer, c in zip(self.layers, cache or [None] * len(self.layers)):
                    x, c = layer(x, c)
                    new.append(c)
                return self.head(self.norm(x[:, -1:])), new

        self.Language, self.Decoder = Language, Decoder

    def training(self, model, x, y, compiled):
        """One step of Adam, with all that it changes evaluated."""
        mx, nn = self.mx, self.nn
        optimizer = self.optim.Adam(1e-3)
        optimizer.init(model.trainable_parameters())
        state = [model.state, optimizer.state]
        value_and_grad = nn.value_and_grad(
            model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean")
        )

        def step(x, y):
            value, gradients = value_and_grad(x, y)
            optimizer.update(model, gradients)
            return value

        if compiled:
            step = mx.compile(step, inputs=state, outputs=state)
        return best(lambda: mx.eval(step(x, y), state), 3.0)

    def mlp(self, compiled):
        mx, nn = self.mx, self.nn
        model = nn.Sequential(
            *(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU()),
            nn.Linear(1024, 10),
        )
        x, y = mx.random.normal((128, 784)), mx.random.randint(0, 10, (128,))
        return self.training(model, x, y, compiled)

    def transformer(self, compiled):
        x, y = (self.mx.random.randint(0, 1024, (4, 128)) for _ in range(2))
        return self.training(self.Language(1024, 256, 4, 8), x, y, compiled)

    def cnn(self, compiled):
        mx, nn = self.mx, self.nn
        model = nn.Sequential(
            *(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2)),
            *(lambda x: x.flatten(1), nn.Linear(8 * 8 * 64, 10)),
        )
        x, y = mx.random.normal((64, 32, 32, 3)), mx.random.randint(0, 10, (64,))
        return self.training(model, x, y, compiled)

    def decoder(self):
        """A 4-bit model of 103 million weights, activations in bfloat16."""
        if not hasattr(self, "_decoder"):
            self._decoder = self.Decoder(8192, 1024, 8, 16, 8, 2816)
            self._decoder.set_dtype(self.mx.bfloat16)
            self.nn.quantize(self._decoder, group_size=64, bits=4)
            self.mx.eval(self._decoder.state)
        return self._decoder

    def prompt(self):
        mx, model = self.mx, self.decoder()
        tokens = mx.random.randint(0, 8192, (1, 128))
        return best(lambda: mx.eval(model(tokens)))

    def token(self):
        mx, model = self.mx, self.decoder()
        _, cache = model(mx.random.randint(0, 8192, (1, 2)))
        token = mx.array([[5]])
        mx.eval(cache)
        return best(lambda: mx.eval(model(token, cache)))

    def adds(self):
        mx = self.mx
        x, y = mx.ones((8, 8)), mx.ones((8, 8)) * 0.5
        mx.eval(x, y)

        def run():
            z = x
            for _ in range(500):
                z = z + y
            mx.eval(z)

        return best(run, rounds=2000)

    def add(self):
        mx = self.mx
        x, y = mx.ones((8, 8)), mx.ones((8, 8)) * 0.5
        mx.eval(x, y)

        def run():
            for _ in range(1000):
                x + y

        return best(run, rounds=2000) / 1000

    def load(self, how):
        """256 MB of float32 in 64 tensors, in the system's cache of files."""
        mx = self.mx
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as folder:
            path = str(Path(folder) / "weights.safetensors")
            mx.save_safetensors(path, {f"w{i}": mx.random.normal((1024, 1024)) for i in range(64)})
            return best(lambda: how(mx.load(path)))

    def mean(self):
        x = self.mx.random.normal((64, 32, 32, 32))
        self.mx.eval(x)
        return best(lambda: self.mx.eval(self.mx.mean(x, axis=(1, 3))))

    def rows(self):
        mx = self.mx
        rows = {
            "import mlx.core": lambda: import_time("mlx.core"),
            "a + b, not evaluated": self.add,
            "500 dependent adds of 8x8": self.adds,
            "mean over axes 1 and 3, 8 MB": self.mean,
            "decoder 4-bit, one token": self.token,
            "decoder 4-bit, 128-token prompt": self.prompt,
            "load 256 MB lazy": lambda: self.load(lambda w: None),
            "load 256 MB evaluated": lambda: self.load(mx.eval),
            "load 256 MB and read it": lambda: self.load(
                lambda w: mx.eval([x.sum() for x in w.values()])
            ),
        }
        for name, row in (("MLP", self.mlp), ("transformer", self.transformer), ("CNN", self.cnn)):
            rows[f"{name} training step"] = lambda row=row: row(False)
            rows[f"{name} training step, compiled"] = lambda row=row: row(True)
        return rows


# --- PyTorch --------------------------------------------------------------------------


class Torch:
    """The same rows in PyTorch."""

    def __init__(self):
        import torch

        self.torch, self.nn = torch, torch.nn
        torch.set_num_threads(int(os.environ.get("THREADS", "2")))

    def training(self, model, x, y):
        adam = self.torch.optim.Adam(model.parameters(), lr=1e-3)

        def step():
            adam.zero_grad()
            logits = model(x)
            loss = self.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), y)
            loss.backward()
            adam.step()

        return best(step, 3.0)

    def mlp(self):
        nn, torch = self.nn, self.torch
        model = nn.Sequential(
            *(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU()),
            nn.Linear(1024, 10),
        )
        return self.training(model, torch.randn(128, 784), torch.randint(0, 10, (128,)))

    def transformer(self):
        nn, torch = self.nn, self.torch
        layer = nn.TransformerEncoderLayer(256, 8, 1024, 0.0, batch_first=True, norm_first=True)
        encoder = nn.TransformerEncoder(layer, 4, nn.LayerNorm(256))
        mask = nn.Transformer.generate_square_subsequent_mask(128)

        class Language(nn.Module):
            """As in MLX above."""

            def __init__(self):
                super().__init__()
                self.embedding, self.encoder = nn.Embedding(1024, 256), encoder
                self.head = nn.Linear(256, 1024)

            def forward(self, tokens):
                return self.head(self.encoder(self.embedding(tokens), mask))

        x, y = torch.randint(0, 1024, (4, 128)), torch.randint(0, 1024, (512,))
        return self.training(Language(), x, y)

    def cnn(self):
        nn, torch = self.nn, self.torch
        model = nn.Sequential(
            *(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(8 * 8 * 64, 10)),
        )
        return self.training(model, torch.randn(64, 3, 32, 32), torch.randint(0, 10, (64,)))

    def adds(self):
        x, y = self.torch.ones(8, 8), self.torch.ones(8, 8)

        def run():
            z = x
            for _ in range(500):
                z = z + y

        return best(run, rounds=2000)

    def rows(self):
        x = self.torch.randn(64, 32, 32, 32)
        return {
            "500 dependent adds of 8x8": self.adds,
            "MLP training step": self.mlp,
            "transformer training step": self.transformer,
            "CNN training step": self.cnn,
            "mean over axes 1 and 3, 8 MB": lambda: best(lambda: x.mean((1, 3))),
        }


# --- the table ------------------------------------------------------------------------


def measure(engine, only):
    """Print a line for each row of an engine: its name, a tab, milliseconds."""
    for name, row in {"mlx": MLX, "torch": Torch}[engine]().rows().items():
        if only in name:
            print(f"{name}\t{row()}", flush=True)


def column(python, engine, only, **environment):
    """The rows of an engine from a process of its own; none where it cannot be imported."""
    module = {"mlx": "mlx.core", "torch": "torch"}[engine]
    environment = {**os.environ, **environment}
    if not python:
        return {}
    probe = [python, "-c", f"import {module}"]
    if subprocess.run(probe, env=environment, stderr=subprocess.DEVNULL).returncode:
        return {}
    command = [python, __file__, "--measure", engine, only]
    lines = subprocess.check_output(command, text=True, env=environment).splitlines()
    return {name: float(ms) for name, ms in (line.split("\t") for line in lines)}


def number(ms):
    """Three digits; nothing for None."""
    return "" if ms is None else f"{ms:.3g}" if ms >= 0.001 else f"{ms:.6f}"


def main(only):
    """Print the table."""
    threads = os.environ.get("THREADS", "2")
    here = column(sys.executable, "mlx", only, MLX_NUM_THREADS=threads)
    reference = column(os.environ.get("MLX_REFERENCE_PYTHON"), "mlx", only, PYTHONPATH="")
    torch = column(os.environ.get("TORCH_PYTHON", sys.executable), "torch", only)
    print("| work | here, ms | goal, ms | reference, ms | PyTorch, ms | ratio to the best |")
    print("|---|---|---|---|---|---|")
    for name, goal in GOALS.items():
        if name not in here:
            continue
        others = [o[name] for o in (reference, torch) if name in o]
        ratio = f"{here[name] / min(others):.2f}" if others else ""
        cells = [here[name], goal, reference.get(name), torch.get(name)]
        print("| " + " | ".join([name, *map(number, cells), ratio]) + " |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3])
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
