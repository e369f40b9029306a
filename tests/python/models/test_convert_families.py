"""Conversion of tiny random checkpoints that transformers makes, and what transformers and the gguf
package make of the files. With MLX_TRANSFORMERS_PYTHON, a Python that has both and accelerate."""

import json
import os
import subprocess
from pathlib import Path

import mlx.core as mx
import pytest

from test_convert import assert_equal, stored

PYTHON = os.environ.get("MLX_TRANSFORMERS_PYTHON")
MODELS = Path(os.environ.get("MLX_MODELS", Path(__file__).parents[3] / "build" / "models"))
FAMILIES = "llama mistral mixtral qwen2 qwen3 gemma2 gemma3 phi3 bert".split()
# What transformers reads of GGUF: not bert, a mixture of llama's architecture as a dense model, and
# what is called mistral under a name that it has no list for.
READ = [f for f in FAMILIES if f not in ("bert", "mistral", "mixtral")]

pytestmark = pytest.mark.skipif(not PYTHON, reason="MLX_TRANSFORMERS_PYTHON is not set")


def ask(*words):
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    worker = Path(__file__).parent / "transformers_worker.py"
    done = subprocess.run(
        [PYTHON, worker, *map(str, words)], capture_output=True, text=True, env=plain, timeout=500
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else None


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    top = tmp_path_factory.mktemp("families")
    for family in FAMILIES:
        ask("make", family, top / family)
    return top


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint(checkpoints, tmp_path, family):
    source, file = checkpoints / family, tmp_path / "x.gguf"
    notes = []
    mx.convert_model(source, file, progress=lambda p: p["note"] and notes.append(p["tensor"]))
    notable = {
        "bert": ["pooler.dense.bias", "pooler.dense.weight"],
        "mistral": ["llama.attention.sliding_window"],
    }
    assert notes == notable.get(family, [])
    assert mx.model_family(source) == mx.model_family(file) == family
    assert ask("names", file) == []
    mx.convert_model(file, tmp_path / "hf", format="hf")
    want = {n: x for n, x in stored(source).items() if not n.startswith("pooler")}
    assert_equal(stored(tmp_path / "hf"), want)
    mx.convert_model(file, tmp_path / "mlx")
    mx.convert_model(tmp_path / "mlx", tmp_path / "y.gguf")
    assert_equal(stored(file), stored(tmp_path / "y.gguf"))


@pytest.mark.parametrize("family", READ)
def test_transformers_reads_it(checkpoints, tmp_path, family):
    mx.convert_model(checkpoints / family, tmp_path / "x.gguf")
    assert ask("load", checkpoints / family, tmp_path / "x.gguf") == []


def test_experts(checkpoints, tmp_path):
    mx.convert_model(checkpoints / "mixtral", tmp_path / "mlx", format="mlx")
    a, b = stored(checkpoints / "mixtral"), stored(tmp_path / "mlx")
    for theirs, ours in (("gate_proj", "w1"), ("down_proj", "w2"), ("up_proj", "w3")):
        name = "model.layers.1.block_sparse_moe."
        each = [a[f"{name}experts.{e}.{ours}.weight"] for e in range(4)]
        assert mx.array_equal(b[f"{name}switch_mlp.{theirs}.weight"], mx.stack(each))
    mx.convert_model(tmp_path / "mlx", tmp_path / "hf", format="hf")
    assert_equal(stored(tmp_path / "hf"), a)


def test_the_tokenizer_of_a_real_model(tmp_path):
    source = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not source.exists():
        pytest.skip("the model is not here: tools/get_models.sh")
    mx.convert_model(source, tmp_path / "mlx")
    assert ask("tokens", tmp_path / "mlx", source) == []
