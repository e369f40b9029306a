"""Run by a Python that has PyTorch and its kin (examples.py: references): what they make of the models of
the examples.

    models_worker.py llama FOLDER ...          transformers' logits of LLaMAs, FOLDER/logits.npy
    models_worker.py mlx_lm FOLDER ADAPTERS    mlx_lm's, with adapters
    models_worker.py bert FOLDER               transformers' last states of a BERT, FOLDER/hidden.npy
    models_worker.py sentences MODEL FOLDER    sentence-transformers' vectors of FOLDER/texts.json
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


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    globals()[command](*words)
