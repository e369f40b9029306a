"""Run by a Python that has PyTorch and its kin (examples.py: references): what they make of the models of
the examples.

    models_worker.py llama FOLDER ...          transformers' logits of LLaMAs, FOLDER/logits.npy
    models_worker.py mlx_lm FOLDER ADAPTERS    mlx_lm's, with adapters
"""

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


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    globals()[command](*words)
