"""Run by a Python that has PyTorch and its kin (examples.py: references): what they make of the
models of the examples.

    models_worker.py llama FOLDER ...          transformers' logits of LLaMAs, FOLDER/logits.npy
    models_worker.py mlx_lm FOLDER ADAPTERS    mlx_lm's, with adapters
    models_worker.py bert FOLDER               a BERT's last states, FOLDER/hidden.npy
    models_worker.py sentences MODEL FOLDER    sentence-transformers' vectors of FOLDER/texts.json
    models_worker.py resnet FILE ...           a ResNet's logits of x.npy beside it, logits.npy
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
IDS = [(7 * i + 3) % 96 for i in range(40)]


def llama(*folders):
    import torch
    import transformers

    for folder in folders:
        model = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
        with torch.no_grad():
            found = model.eval()(torch.tensor([IDS])).logits[0]
        np.save(Path(folder) / "logits.npy", found.numpy())


def mlx_lm(folder, adapters):
    import mlx.core as mx
    from mlx_lm.utils import load_adapters, load_model

    model = load_adapters(load_model(Path(folder))[0], adapters)
    found = model(mx.array([IDS]))[0]
    np.save(Path(folder) / "logits.npy", np.array(found.astype(mx.float32)))


def bert(folder):
    import torch
    import transformers

    model = transformers.BertModel.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        found = model(torch.tensor([IDS])).last_hidden_state[0]
    np.save(Path(folder) / "hidden.npy", found.numpy())


def sentences(model, folder):
    from sentence_transformers import SentenceTransformer

    texts = json.loads((Path(folder) / "texts.json").read_text())
    np.save(Path(folder) / "vectors.npy", SentenceTransformer(model).encode(texts))


def resnet(*files):
    """The network written anew from its paper's figures, over the file's own tensors."""
    import torch
    import torch.nn.functional as F
    from safetensors.torch import load_file

    def norm(w, x, n):
        moments = (w[f"{n}.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *moments)

    def conv(w, x, n, stride=1):
        kernel = w[n + ".weight"]
        return F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)

    def block(w, x, n, stride):
        last = 3 if f"{n}.conv3.weight" in w else 2
        y = x
        for i in range(1, last + 1):
            y = norm(w, conv(w, y, f"{n}.conv{i}", stride if i == last - 1 else 1), f"{n}.bn{i}")
            y = F.relu(y) if i < last else y
        if f"{n}.downsample.0.weight" in w:
            x = norm(w, conv(w, x, f"{n}.downsample.0", stride), f"{n}.downsample.1")
        return F.relu(x + y)

    def logits(w, x):
        small = w["conv1.weight"].shape[-1] == 3
        x = F.relu(norm(w, conv(w, x, "conv1", 1 if small else 2), "bn1"))
        x = x if small else F.max_pool2d(x, 3, 2, 1)
        places = {tuple(k.split(".")[:2]) for k in w if k.startswith("layer")}
        for layer, i in sorted(places, key=lambda p: (p[0], int(p[1]))):
            x = block(w, x, f"{layer}.{i}", 2 if i == "0" and layer != "layer1" else 1)
        return F.linear(x.mean((2, 3)), w["fc.weight"], w["fc.bias"])

    for file in files:
        folder = Path(file).parent
        x = torch.tensor(np.load(folder / "x.npy")).permute(0, 3, 1, 2)
        np.save(folder / "logits.npy", logits(load_file(file), x).numpy())


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    globals()[command](*words)
