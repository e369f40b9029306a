"""Run by a Python that has transformers, or faster-whisper (test_examples_whisper.py).

whisper_worker.py make FOLDER           a tiny random checkpoint; prints encoded sound and logits
                                        of FOLDER/input.npz
whisper_worker.py say MODEL FILE.npy    prints the tokens that faster-whisper says to samples
"""

import json
import os
import sys

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

SIZES = {
    "num_mel_bins": 80,
    "d_model": 32,
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_layers": 3,
    "decoder_attention_heads": 2,
    "decoder_ffn_dim": 96,
    "max_source_positions": 150,
    "max_target_positions": 64,
    "vocab_size": 300,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 3,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
}


def make(folder):
    import torch
    import transformers

    torch.manual_seed(int(os.environ.get("MLX_TEST_SEED", "0")))
    config = transformers.WhisperConfig(**SIZES)
    model = transformers.WhisperForConditionalGeneration(config).float().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (parameter.ndim == 1))
    model.save_pretrained(folder)
    inputs = np.load(os.path.join(folder, "input.npz"))
    with torch.no_grad():
        features = torch.tensor(inputs["features"]).swapaxes(1, 2)
        found = model(input_features=features, decoder_input_ids=torch.tensor(inputs["tokens"]))
    for name, array in (("encoded", found.encoder_last_hidden_state), ("logits", found.logits)):
        np.save(os.path.join(folder, f"{name}.npy"), array.numpy())


def say(model, file):
    from faster_whisper import WhisperModel

    theirs = WhisperModel(model, device="cpu", compute_type="float32", cpu_threads=1)
    segments, _ = theirs.transcribe(np.load(file), language="en", beam_size=1)
    print(json.dumps([[s.start, s.end, s.tokens] for s in segments]))


if __name__ == "__main__":
    {"make": make, "say": say}[sys.argv[1]](*sys.argv[2:])
