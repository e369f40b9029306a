"""mx.convert_model: names, rows, metadata and elements between the conventions."""

import json
import os
import subprocess
import sys
import threading

import mlx.core as mx
import numpy as np
import pytest
from family_folders import tiny_of, without_files

MODELS = os.environ.get(
    "MLX_MODELS", os.path.join(os.path.dirname(__file__), "../../../build/models")
)
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 40,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
LAYER = {
    "input_layernorm": (64,),
    "post_attention_layernorm": (64,),
    "self_attn.q_proj": (64, 64),
    "self_attn.k_proj": (32, 64),
    "self_attn.v_proj": (32, 64),
    "self_attn.o_proj": (64, 64),
    "mlp.gate_proj": (96, 64),
    "mlp.up_proj": (96, 64),
    "mlp.down_proj": (64, 96),
}
ENDS = {"model.embed_tokens": (40, 64), "model.norm": (64,), "lm_head": (40, 64)}


def shapes():
    all = {f"{n}.weight": s for n, s in ENDS.items()}
    for i in range(2):
        all |= {f"model.layers.{i}.{n}.weight": s for n, s in LAYER.items()}
    return all


@pytest.fixture
def tensors():
    return {n: mx.random.normal(s).astype(mx.bfloat16) for n, s in shapes().items()}


def folder(path, tensors, config=CONFIG, shards=3):
    """As Hugging Face has it, in shards."""
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config))
    names, index = list(tensors), {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = {n: tensors[n] for n in names[i::shards]}
        mx.save_safetensors(str(path / file), part, {"format": "pt"})
        index |= dict.fromkeys(part, file)
    text = json.dumps({"metadata": {}, "weight_map": index})
    (path / "model.safetensors.index.json").write_text(text)
    return path


@pytest.fixture
def model(tmp_path, tensors):
    return folder(tmp_path / "llama", tensors)


def stored(path):
    f = mx.open_file(path)
    return {n: f.read(n, stored=True) for n in f}


def storages(path):
    return {n: t.storage for n, t in mx.open_file(path).tensors.items()}


def same(a, b):
    return (
        a.dtype == b.dtype and a.shape == b.shape and bytes(memoryview(a)) == bytes(memoryview(b))
    )


def assert_equal(a, b):
    assert sorted(a) == sorted(b)
    assert [n for n in a if not same(a[n].view(mx.uint8), b[n].view(mx.uint8))] == []
    assert {n: x.dtype for n, x in a.items()} == {n: x.dtype for n, x in b.items()}


def metadata(path):
    plain = lambda v: (str(v.dtype), v.tolist()) if isinstance(v, mx.array) else v
    return {k: plain(v) for k, v in mx.open_file(path).metadata.items()}


# --- there and back ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["hf", "mlx"])
def test_gguf_and_back(tmp_path, model, tensors, form):
    mx.convert_model(model, tmp_path / "a.gguf")
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "back", format=form)
    assert_equal(stored(tmp_path / "back"), tensors)
    config = json.loads((tmp_path / "back/config.json").read_text())
    assert config == CONFIG
    mx.convert_model(tmp_path / "back", tmp_path / "b.gguf")
    assert_equal(stored(tmp_path / "a.gguf"), stored(tmp_path / "b.gguf"))
    assert metadata(tmp_path / "a.gguf") == metadata(tmp_path / "b.gguf")


@pytest.mark.parametrize(
    "name",
    ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"],
    ids=["smollm2", "gemma3"],
)
def test_a_real_model_comes_back(tmp_path, name):
    source = os.path.join(MODELS, name)
    if not os.path.exists(source):
        pytest.skip("the model is not here: tools/get_models.sh")
    mx.convert_model(source, tmp_path / "mlx")
    mx.convert_model(tmp_path / "mlx", tmp_path / "back.gguf")
    assert_equal(stored(source), stored(tmp_path / "back.gguf"))
    assert storages(source) == storages(tmp_path / "back.gguf")
    assert metadata(source) == metadata(tmp_path / "back.gguf")


def test_the_values_of_a_real_model(tmp_path):
    source = os.path.join(MODELS, "SmolLM2-135M-Instruct.Q4_1.gguf")
    if not os.path.exists(source):
        pytest.skip("the model is not here: tools/get_models.sh")
    mx.convert_model(source, tmp_path / "mlx")
    config = json.loads((tmp_path / "mlx/config.json").read_text())
    assert config["rope_theta"] == 100000.0 and config["tie_word_embeddings"]
    f, g = mx.open_file(source), mx.open_file(tmp_path / "mlx")
    name = "model.layers.3.mlp.down_proj"
    want = mx.dequantize(
        f.read("blk.3.ffn_down.weight", stored=True), mode="q4_1", dtype=mx.float32
    )
    scales, biases = (g[f"{name}.{p}"].astype(mx.float32) for p in ("scales", "biases"))
    found = mx.dequantize(g[f"{name}.weight"], scales, biases, group_size=32, bits=4)
    assert mx.array_equal(want, found)


def test_names_and_rows(tmp_path, model, tensors):
    """The head of a rotation: GGUF has rows 2 i and 2 i + 1 where the checkpoint has i and n + i."""
    mx.convert_model(model, tmp_path / "a.gguf")
    found = stored(tmp_path / "a.gguf")
    assert len(found) == len(tensors)
    for name, heads, key in (("q_proj", 4, "attn_q"), ("k_proj", 2, "attn_k")):
        x = np.array(tensors[f"model.layers.1.self_attn.{name}.weight"].astype(mx.float32))
        y = np.array(found[f"blk.1.{key}.weight"].astype(mx.float32))
        half = len(x) // heads // 2
        for h in range(heads):
            for i in range(half):
                for part in range(2):
                    row = x[h * 2 * half + part * half + i]
                    assert (y[h * 2 * half + 2 * i + part] == row).all()
    for theirs, ours in (
        ("blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight"),
        ("blk.1.ffn_down.weight", "model.layers.1.mlp.down_proj.weight"),
        ("token_embd.weight", "model.embed_tokens.weight"),
        ("output.weight", "lm_head.weight"),
    ):
        assert same(found[theirs], tensors[ours])
    norm = found["blk.0.ffn_norm.weight"]
    assert norm.dtype == mx.float32
    assert mx.array_equal(norm, tensors["model.layers.0.post_attention_layernorm.weight"])


def test_metadata_has_the_types_of_gguf(tmp_path, model):
    mx.convert_model(model, tmp_path / "a.gguf")
    m = metadata(tmp_path / "a.gguf")
    number = lambda v: ("mlx.core.uint32", v)
    assert m["general.architecture"] == "llama" and m["general.name"] == "llama"
    assert m["llama.block_count"] == number(2) and m["llama.embedding_length"] == number(64)
    assert m["llama.attention.head_count_kv"] == number(2)
    assert m["llama.rope.dimension_count"] == number(16)
    assert m["general.file_type"] == number(32)
    epsilon = ("mlx.core.float32", float(np.float32(1e-05)))
    assert m["llama.attention.layer_norm_rms_epsilon"] == epsilon


def test_what_config_says_now_counts(tmp_path, model):
    mx.convert_model(model, tmp_path / "a.gguf")
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "b")
    config = json.loads((tmp_path / "b/config.json").read_text())
    config["max_position_embeddings"] = 512
    (tmp_path / "b/config.json").write_text(json.dumps(config))
    mx.convert_model(tmp_path / "b", tmp_path / "c.gguf")
    before, after = metadata(tmp_path / "a.gguf"), metadata(tmp_path / "c.gguf")
    assert after.pop("llama.context_length")[1] == 512
    assert before.pop("llama.context_length")[1] == 128
    assert json.loads(after.pop("mlx.file.config.json")) == config
    assert json.loads(before.pop("mlx.file.config.json")) == {
        **config,
        "max_position_embeddings": 128,
    }
    assert before == after


# --- elements -----------------------------------------------------------------------------------


def floats(a):
    return np.array(a.astype(mx.float32))


def test_quantize_for_mlx(tmp_path, model, tensors):
    mx.convert_model(
        model, tmp_path / "q", mode="affine", rules=["lm_head=bf16", "*v_proj=affine:8:32"]
    )
    found, config = stored(tmp_path / "q"), json.loads((tmp_path / "q/config.json").read_text())
    quantization = config["quantization"]
    assert (quantization["group_size"], quantization["bits"]) == (64, 4)
    assert quantization["model.layers.1.self_attn.v_proj"] == {
        "group_size": 32,
        "bits": 8,
        "mode": "affine",
    }
    assert same(found["lm_head.weight"], tensors["lm_head.weight"])
    assert same(found["model.norm.weight"], tensors["model.norm.weight"])
    name = "model.layers.0.self_attn.q_proj"
    want = mx.quantize(tensors[f"{name}.weight"], group_size=64, bits=4)
    assert all(same(found[f"{name}.{p}"], x) for p, x in zip(("weight", "scales", "biases"), want))
    # rows of 96 are no groups of 64
    name = "model.layers.0.mlp.down_proj.weight"
    assert same(found[name], tensors[name])


@pytest.mark.parametrize("mode", ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0"])
def test_blocks_and_words_are_the_same_numbers(tmp_path, model, mode):
    mx.convert_model(model, tmp_path / "a.gguf", mode=mode)
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "mlx")
    mx.convert_model(tmp_path / "mlx", tmp_path / "b.gguf")
    assert set(storages(tmp_path / "a.gguf").values()) == {mode, "float32"}
    assert_equal(stored(tmp_path / "a.gguf"), stored(tmp_path / "b.gguf"))
    assert storages(tmp_path / "a.gguf") == storages(tmp_path / "b.gguf")


def test_quantize_for_gguf_is_quantize(tmp_path, model, tensors):
    mx.convert_model(model, tmp_path / "a.gguf", mode="q8_0")
    found = stored(tmp_path / "a.gguf")["blk.0.ffn_up.weight"]
    want = mx.quantize(tensors["model.layers.0.mlp.up_proj.weight"], mode="q8_0")[0]
    assert same(found, want)


def test_dequantize(tmp_path, model, tensors):
    mx.convert_model(model, tmp_path / "a.gguf", mode="q8_0")
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "hf", format="hf", dtype="bfloat16")
    found = stored(tmp_path / "hf")
    for name, x in tensors.items():
        assert found[name].dtype == mx.bfloat16 and found[name].shape == x.shape
        # half a step of 1 / 127 of the largest of a block, and two roundings to bfloat16
        bound = np.abs(floats(x)).max() / 254 * 1.02 + np.abs(floats(x)) * 2.0**-7
        assert (np.abs(floats(found[name]) - floats(x)) <= bound).all()
    config = json.loads((tmp_path / "hf/config.json").read_text())
    assert "quantization" not in config and config["torch_dtype"] == "bfloat16"


def test_mixtures_and_narrow_rows(tmp_path):
    config = CONFIG | {"hidden_size": 256, "intermediate_size": 288, "num_hidden_layers": 1}
    size = {64: 256, 96: 288, 32: 128}
    tensors = {}
    for name, shape in shapes().items():
        if ".1." not in name:
            tensors[name] = mx.random.normal([size.get(n, n) for n in shape]).astype(mx.bfloat16)
    model, notes = folder(tmp_path / "wide", tensors, config), []
    note = lambda p: p["note"] and notes.append(p["tensor"])
    mx.convert_model(model, tmp_path / "a.gguf", mode="q4_k_m", progress=note)
    found = storages(tmp_path / "a.gguf")
    assert found["output.weight"] == "q6_k" and found["token_embd.weight"] == "q4_k"
    assert found["blk.0.attn_q.weight"] == "q4_k" and found["blk.0.attn_norm.weight"] == "float32"
    assert found["blk.0.ffn_down.weight"] in ("q5_0", "q8_0")
    assert notes == ["blk.0.ffn_down"]
    assert metadata(tmp_path / "a.gguf")["general.file_type"][1] == 15


@pytest.mark.parametrize("ending", ["safetensors", "npz", "gguf"])
def test_plain_files_keep_names(tmp_path, ending):
    tensors = {"a": mx.random.normal((3, 4)), "b.c": mx.arange(5).astype(mx.int32)}
    half = {} if ending == "gguf" else {"h": mx.random.normal((2, 2)).astype(mx.bfloat16)}
    mx.savez(str(tmp_path / "in.npz"), **tensors)
    mx.save_safetensors(str(tmp_path / "in.safetensors"), tensors | half, {"who": "me"})
    for source in ("in.npz", "in.safetensors"):
        out = tmp_path / f"{source}.{ending}"
        mx.convert_model(tmp_path / source, out)
        found = stored(out)
        want = tensors | (half if source == "in.safetensors" else {})
        assert sorted(found) == sorted(want)
        assert all(mx.array_equal(found[n], want[n]) for n in want)
    if ending != "npz":
        assert metadata(out)["who"] == "me"


# --- refusals -----------------------------------------------------------------------------------


def without(model, name):
    index = json.loads((model / "model.safetensors.index.json").read_text())
    file = model / index["weight_map"].pop(name)
    rest = {n: mx.array(x) for n, x in mx.load(str(file)).items() if n != name}
    mx.eval(rest)
    mx.save_safetensors(str(file), rest)
    (model / "model.safetensors.index.json").write_text(json.dumps(index))


def broken(model, what):
    config = json.loads((model / "config.json").read_text())
    if what == "a tensor":
        without(model, "model.layers.1.mlp.up_proj.weight")
        return "'model.layers.1.mlp.up_proj.weight' is missing"
    if what == "a shard":
        os.remove(model / "model-00002-of-00003.safetensors")
        return "model-00002-of-00003.safetensors"
    if what == "a shape":
        config["intermediate_size"] = 100
        message = r"mlp\.\w+_proj.weight' has shape .(96,64|64,96)., .(100,64|64,100). was"
    if what == "a family":
        config["model_type"] = "falcon"
        message = "model_type 'falcon' is no family that is known .llama, mistral"
    if what == "a size":
        del config["num_hidden_layers"]
        message = "config.json' has no num_hidden_layers|has no num_hidden_layers"
    if what == "no size":
        config["hidden_size"] = -64
        message = "hidden_size is no size"
    if what == "layers":
        config["num_hidden_layers"] = 1
        message = "is of layer 1, and the model has 1"
    if what == "an activation":
        config["hidden_act"] = "gelu"
        message = 'hidden_act is "gelu", and GGUF has no key that says so'
    if what == "a rope":
        config["rope_scaling"] = {"rope_type": "dynamic", "factor": 2.0}
        message = "of the kind 'dynamic'"
    if what == "a quantization":
        config["quantization_config"] = {"quant_method": "hqq"}
        message = "quantization_config.quant_method: weights quantized by 'hqq'"
    (model / "config.json").write_text("{" if what == "JSON" else json.dumps(config))
    return "config.json' at byte" if what == "JSON" else message


BROKEN = ["a tensor", "a shard", "a shape", "a family", "a size", "no size", "layers"]
BROKEN += ["an activation", "a rope", "a quantization", "JSON"]


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named(tmp_path, model, what):
    message = broken(model, what)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises((ValueError, RuntimeError), match=message):
        mx.convert_model(model, tmp_path / "a.gguf")
    assert sorted(os.listdir(tmp_path)) == before


NOT_UNDERSTOOD = {
    "logit_scale": 0.5,
    "embedding_multiplier": 12,
    "attention_multiplier": 0.1,
    "sliding_window": 128,
    "attention_bias": True,
    "mlp_bias": True,
    "unknown_thing": 3,
    "clip_qkv": 8.0,
    "attn_logit_softcapping": 50.0,
}


@pytest.mark.parametrize("key", NOT_UNDERSTOOD)
def test_gguf_has_no_place_for_what_is_not_understood(tmp_path, tensors, key):
    config = CONFIG | {key: NOT_UNDERSTOOD[key]}
    model = folder(tmp_path / "m", tensors, config)
    for family in (None, "llama"):
        with pytest.raises((ValueError, RuntimeError), match=f"{key} is "):
            mx.convert_model(model, tmp_path / "a.gguf", family=family)
    assert not os.path.exists(tmp_path / "a.gguf")
    mx.convert_model(model, tmp_path / "hf", format="hf")
    assert json.loads((tmp_path / "hf/config.json").read_text())[key] == config[key]
    folder(tmp_path / "usual", tensors, CONFIG | {key: None})
    mx.convert_model(tmp_path / "usual", tmp_path / "a.gguf")


def test_an_unknown_tensor(tmp_path, tensors):
    model = folder(tmp_path / "m", tensors | {"model.extra.weight": mx.ones((2, 2))})
    with pytest.raises(
        (ValueError, RuntimeError), match="'model.extra.weight' is none of the family"
    ):
        mx.convert_model(model, tmp_path / "a.gguf")
    mx.convert_model(model, tmp_path / "a.gguf", rules=["model.extra*=drop"])
    assert len(stored(tmp_path / "a.gguf")) == len(tensors)


def test_paths(tmp_path, model):
    for out, message in (
        (model, "are the same"),
        (tmp_path / "none/a.gguf", "none/a.gguf"),
        (tmp_path / "none/a", "none/a"),
    ):
        with pytest.raises((ValueError, RuntimeError), match=message):
            mx.convert_model(model, out)
    with pytest.raises((ValueError, RuntimeError), match="cannot open"):
        mx.convert_model(tmp_path / "absent", tmp_path / "a.gguf")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("mine")
    with pytest.raises(ValueError, match="exists: a folder is made anew"):
        mx.convert_model(model, tmp_path / "full", format="hf", overwrite=True)
    (tmp_path / "a.gguf").write_text("mine")
    with pytest.raises(ValueError, match="may not be overwritten"):
        mx.convert_model(model, tmp_path / "a.gguf")
    assert (tmp_path / "a.gguf").read_text() == (tmp_path / "full/file").read_text() == "mine"
    mx.convert_model(model, tmp_path / "a.gguf", overwrite=True)
    (tmp_path / "empty").mkdir()
    mx.convert_model(model, tmp_path / "empty", format="hf")


@pytest.mark.parametrize("out", ["a.gguf", "a.npz", "a.safetensors", "a"])
def test_one_of_many_writers_wins(tmp_path, out):
    """What is there by the time of the renaming is not replaced, unless that was said."""
    mx.save_safetensors(str(tmp_path / "x.safetensors"), {"a.weight": mx.ones((300, 300))})
    mx.eval(mx.zeros(1))
    done, start = [], threading.Barrier(4)

    def convert():
        start.wait()
        try:
            mx.convert_model(tmp_path / "x.safetensors", tmp_path / out)
            done.append("")
        except (ValueError, RuntimeError) as e:
            done.append(str(e))

    threads = [threading.Thread(target=convert) for _ in range(4)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert done.count("") == 1 and all("xists" in e for e in done if e)
    assert sorted(os.listdir(tmp_path)) == sorted([out, "x.safetensors"])


def test_words_that_no_block_holds(tmp_path, model):
    mx.convert_model(model, tmp_path / "q", mode="affine", bits=3, group_size=32)
    with pytest.raises(
        (ValueError, RuntimeError), match="affine of 3 bits.*choose a mode, or dequantize"
    ):
        mx.convert_model(tmp_path / "q", tmp_path / "a.gguf")
    mx.convert_model(tmp_path / "q", tmp_path / "a.gguf", dequantize=True)
    mx.convert_model(tmp_path / "q", tmp_path / "b.gguf", mode="q8_0")


def test_arguments(tmp_path, model):
    out = tmp_path / "a.gguf"
    for more, message in (
        ({"mode": "q9"}, "q9"),
        ({"mode": "iq1_s"}, "can be read and not made"),
        ({"mode": "mxfp8"}, "GGUF files hold no mxfp8"),
        ({"bits": 4}, "need a mode"),
        ({"mode": "q4_0", "dequantize": True}, "one of them"),
        ({"dtype": "q4_0"}, "float32, float16 or bfloat16 was expected"),
        ({"dtype": "float64"}, "float32, float16 or bfloat16 was expected"),
        ({"rules": ["lm_head"]}, "NAME=WHAT"),
        ({"family": "nothing"}, "the name 'nothing' is no family"),
        ({"format": "onnx"}, "'onnx' is none of"),
    ):
        with pytest.raises((ValueError, RuntimeError), match=message):
            mx.convert_model(model, out, **more)
    with pytest.raises(TypeError, match="rules is a list of str, not one"):
        mx.convert_model(model, out, rules="lm_head=keep")
    with pytest.raises(TypeError, match="a rule is a str"):
        mx.convert_model(model, out, rules=[1])
    assert not out.exists()


class Stop(Exception):
    pass


@pytest.mark.parametrize("out", ["a.gguf", "folder"])
def test_it_can_be_stopped(tmp_path, model, out):
    def progress(p):
        assert p["count"] == 21 and p["bytes_done"] <= p["bytes"]
        if p["done"] == 7:
            raise Stop

    with pytest.raises(Stop):
        mx.convert_model(model, tmp_path / out, progress=progress)
    assert os.listdir(tmp_path) == ["llama"]


@pytest.mark.parametrize("out", ["a.gguf", "folder"])
def test_a_full_disk(tmp_path, model, out):
    """A limit on the size of files stands for it: the process is another one, which the limit
    outlives."""
    program = f"""
import resource, signal, mlx.core as mx
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    mx.convert_model({str(model)!r}, {str(tmp_path / out)!r})
except RuntimeError as e:
    print(e)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "cannot" in done.stdout and "File too large" in done.stdout, done
    assert os.listdir(tmp_path) == ["llama"]


def noted(path, out, **options):
    notes = []
    mx.convert_model(path, out, progress=lambda p: notes.append(p["note"]), **options)
    return [n for n in notes if n]


@pytest.mark.parametrize(
    ("held", "made", "large"),
    [
        (mx.float64, "float32", 1e300),
        (mx.float64, "float16", 1e300),
        (mx.float32, "bfloat16", 3.4e38),
        (mx.bfloat16, "float16", 1e6),
    ],
)
def test_numbers_that_become_infinite_are_noted(tmp_path, held, made, large):
    for value, wanted in (large, True), (1.0, False):
        with mx.stream(mx.cpu):
            array = mx.array([value, 1], held)
            mx.save_safetensors(str(tmp_path / "in.safetensors"), {"a": array})
        out = tmp_path / "out.safetensors"
        notes = noted(tmp_path / "in.safetensors", out, dtype=made, overwrite=True)
        assert any("some numbers are infinite" in n for n in notes) == wanted


def test_dtype_is_a_dtype_or_its_name(tmp_path, model):
    for dtype in mx.float16, "float16":
        mx.convert_model(model, tmp_path / "x.safetensors", dtype=dtype, overwrite=True)
        assert set(storages(tmp_path / "x.safetensors").values()) == {"float16"}
    with pytest.raises(TypeError, match="dtype is a Dtype or a str, not int"):
        mx.convert_model(model, tmp_path / "y.safetensors", dtype=16)


@pytest.mark.parametrize("ids", [True, "2", [2, True], 2.5])
def test_tokens_that_are_none(tmp_path, tensors, ids):
    path = folder(tmp_path / "odd", tensors, CONFIG | {"eos_token_id": ids})
    with pytest.raises(RuntimeError, match="eos_token_id is no token and no list of tokens"):
        mx.convert_model(path, tmp_path / "odd.gguf")


# --- files of tensors with what mx.quantize makes ---------------------------------------------


@pytest.fixture
def packed(tmp_path):
    """Words that nothing says the format of, and a module whose scales are missing."""
    words, scales, biases = mx.quantize(mx.random.normal((8, 64)))
    tensors = {"a.weight": words, "a.scales": scales, "a.biases": biases}
    tensors |= {"b.weight": words, "b.biases": biases}
    mx.save_safetensors(str(tmp_path / "q.safetensors"), tensors)
    return tmp_path / "q.safetensors", tensors


@pytest.mark.parametrize("out", ["k.safetensors", "k.npz", "folder"])
@pytest.mark.parametrize("how", [{}, {"family": "none"}, {"dtype": "float16"}])
def test_unknown_words_stay_whole(packed, tmp_path, out, how):
    path, tensors = packed
    mx.convert_model(path, tmp_path / out, **({} if how.get("dtype") else how))
    found = stored(tmp_path / out)
    assert sorted(found) == sorted(tensors)
    assert all(mx.array_equal(found[n], a).item() for n, a in tensors.items())
    if out == "k.npz":
        mx.convert_model(tmp_path / out, tmp_path / "again.safetensors")
        assert sorted(stored(tmp_path / "again.safetensors")) == sorted(tensors)


def test_unknown_words_are_no_numbers(packed, tmp_path):
    with pytest.raises(RuntimeError, match="nothing says of which format"):
        mx.convert_model(packed[0], tmp_path / "k.safetensors", dequantize=True)
    notes = []
    mx.convert_model(
        packed[0],
        tmp_path / "k.safetensors",
        mode="q8_0",
        progress=lambda p: notes.append(p["note"]) if p.get("note") else None,
    )
    assert any("nothing says of which format: it stays as it is" in n for n in notes)


@pytest.mark.parametrize("through", ["safetensors", "folder"])
def test_files_say_how_they_are_quantized(tmp_path, through):
    x = {"a.weight": mx.random.normal((8, 256)), "b.weight": mx.random.normal((4, 512))}
    mx.save_safetensors(str(tmp_path / "in.safetensors"), x, {"who": "me"})
    one, two = tmp_path / "one.safetensors", tmp_path / f"two.{through}"
    mx.convert_model(tmp_path / "in.safetensors", one, mode="affine", bits=8, rules=["b=q4_k"])
    said = json.loads(mx.open_file(one).metadata["mlx.quantization"])
    assert said["bits"] == 8 and said["b"] == {"mode": "q4_k"}
    two = tmp_path / ("two.safetensors" if through == "safetensors" else "two")
    mx.convert_model(one, two)  # as it is
    assert {n: a.tolist() for n, a in stored(one).items()} == {
        n: a.tolist() for n, a in stored(two).items()
    }
    for out in ("plain.safetensors", "plain.npz", "hf"):
        more = {"format": "hf"} if out == "hf" else {}
        mx.convert_model(two, tmp_path / out, dequantize=out != "plain.npz", **more)
        f = mx.open_file(tmp_path / out)
        assert "mlx.quantization" not in f.metadata and sorted(f) == ["a.weight", "b.weight"]
        assert mx.allclose(f["a.weight"], x["a.weight"], atol=0.05).item()
        assert mx.allclose(f["b.weight"], x["b.weight"], atol=0.5).item()


def test_what_holds_no_words(model, tmp_path):
    for out, more in (("x.npz", {}), ("hf", {"format": "hf"})):
        for mode in ("affine", "q4_0", "mxfp4", "q4_k_m"):
            with pytest.raises(RuntimeError, match="npz files and folders of Hugging Face hold no"):
                mx.convert_model(model, tmp_path / out, mode=mode, **more)
        with pytest.raises(RuntimeError, match="hold no q8_0"):
            mx.convert_model(model, tmp_path / out, rules=["lm_head=q8_0"], **more)
        assert not (tmp_path / out).exists()
    mx.convert_model(model, tmp_path / "x.gguf", mode="mxfp4")  # in GGUF's blocks
    storages = {t.storage for t in mx.open_file(tmp_path / "x.gguf").tensors.values()}
    assert storages == {"mxfp4_gguf", "float32"}
    with pytest.raises(RuntimeError, match="q4_k_m and others are for them"):
        mx.convert_model(model, tmp_path / "y.gguf", mode="affine")


def test_rules_that_fit_nothing(model, tmp_path):
    notes = []
    mx.convert_model(
        model,
        tmp_path / "x",
        mode="affine",
        rules=["lm_head=bf16", "lm_*=q8_0", "nomatch=q6_k"],
        progress=lambda p: notes.append((p["tensor"], p["note"])) if p.get("note") else None,
    )
    assert notes[-1] == ("nomatch=q6_k", "the rule fits no tensor")
    assert [n for n in notes if "rule" in n[1]] == notes[-1:]


def test_npz_is_told_of(model, tmp_path):
    seen = []

    def progress(p):
        if not p["note"]:
            seen.append((p["done"], p["count"]))

    mx.convert_model(model, tmp_path / "x.npz", progress=progress)
    n = len(shapes())
    assert seen == [(i, n) for i in range(n + 1)]
    assert sorted(mx.load(str(tmp_path / "x.npz"))) == sorted(shapes())
    with pytest.raises((ValueError, RuntimeError), match="longer than 65535 bytes"):
        mx.savez(str(tmp_path / "y.npz"), **{"a" * 65532: mx.ones(2)})


@pytest.mark.parametrize("mode", ["q4_0", "q5_0", "q8_0"])
def test_biases_that_float16_cannot_hold(tmp_path, tensors, mode):
    """A block's number is d q, with d up to 65504; the bias of affine is a negative multiple of d."""
    name = "model.layers.1.mlp.down_proj.weight"
    x = np.zeros(tensors[name].shape, np.float32)
    x[3, 7], x[3, 8] = 120000, -120000
    model = folder(tmp_path / "m", {**tensors, name: mx.array(x)})
    mx.convert_model(model, tmp_path / "a.gguf", mode=mode)
    if mode == "q8_0":
        with pytest.raises(RuntimeError, match="beyond what float16 holds as biases"):
            mx.convert_model(tmp_path / "a.gguf", tmp_path / "b")
        assert not (tmp_path / "b").exists()
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "h", format="hf", dtype="float32")
    found = np.array(stored(tmp_path / "h")[name])
    assert np.isfinite(found).all() and abs(found - x).max() <= 120000 / 8


def test_large_tensors_go_through_in_pieces(tmp_path):
    """Their rows are what one piece would have: 24 MB, the last piece smaller."""
    x = mx.random.normal((6001, 1024))
    mx.save_safetensors(str(tmp_path / "x.safetensors"), {"a.weight": x})
    for mode in ("q8_0", "q4_k"):
        mx.convert_model(tmp_path / "x.safetensors", tmp_path / f"{mode}.gguf", mode=mode)
        found = mx.open_file(tmp_path / f"{mode}.gguf").read("a.weight", stored=True)
        assert mx.array_equal(found, mx.quantize(x, mode=mode)[0]).item()
        mx.convert_model(tmp_path / f"{mode}.gguf", tmp_path / f"{mode}.safetensors")
        wanted = mx.dequantize(found, mode=mode, dtype=mx.float16)
        assert mx.array_equal(stored(tmp_path / f"{mode}.safetensors")["a.weight"], wanted).item()
    mx.convert_model(tmp_path / "x.safetensors", tmp_path / "w", mode="affine", bits=4)
    for part, wanted in zip(("weight", "scales", "biases"), mx.quantize(x)):
        assert mx.array_equal(stored(tmp_path / "w")[f"a.{part}"], wanted).item()
    mx.convert_model(tmp_path / "w", tmp_path / "w.safetensors", dequantize=True)  # words, too
    wanted = mx.dequantize(*mx.quantize(x))
    assert mx.array_equal(stored(tmp_path / "w.safetensors")["a.weight"], wanted).item()
    mx.convert_model(tmp_path / "x.safetensors", tmp_path / "h.safetensors", dtype="bfloat16")
    found = stored(tmp_path / "h.safetensors")["a.weight"]
    assert mx.array_equal(found, x.astype(mx.bfloat16)).item()


def test_files_of_sentence_transformers_come_back(tmp_path):
    folder = tiny_of("bert", tmp_path / "bert")
    files = {
        "config_sentence_transformers.json": '{"prompts": {"query": "q: "}, "default_prompt_name": null}',
        "sentence_bert_config.json": '{"max_seq_length": 16}',
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    mx.convert_model(folder, tmp_path / "a.gguf")
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "back")
    assert {n: (tmp_path / "back" / n).read_text() for n in files} == files


@pytest.mark.parametrize("mode", ["cls_token", "mean_tokens", "lasttoken"])
def test_poolings_of_gguf_become_files(tmp_path, mode):
    folder = tiny_of("bert", tmp_path / "bert")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{mode}": True}))
    mx.convert_model(folder, tmp_path / "a.gguf")
    mx.convert_model(without_files(tmp_path / "a.gguf", tmp_path / "b.gguf"), tmp_path / "back")
    found = json.loads((tmp_path / "back" / "1_Pooling" / "config.json").read_text())
    assert found.pop("word_embedding_dimension") == 32
    assert [k for k, v in found.items() if v] == [f"pooling_mode_{mode}"]
    modules = json.loads((tmp_path / "back" / "modules.json").read_text())
    assert [m["path"] for m in modules] == ["", "1_Pooling"]
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "kept")
    kept = json.loads((tmp_path / "kept" / "1_Pooling" / "config.json").read_text())
    assert kept == {f"pooling_mode_{mode}": True} and not (tmp_path / "kept/modules.json").exists()


def test_heads_that_turn_in_part(tmp_path):
    folder = tiny_of("llama", tmp_path / "llama")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "partial_rotary_factor": 0.5}))
    with pytest.raises(RuntimeError, match="partial_rotary_factor is 0.5, and models of th"):
        mx.convert_model(folder, tmp_path / "a.gguf")


@pytest.mark.parametrize("family", ["mamba2", "lfm2", "gpt2"])
def test_other_shapes_come_back(tmp_path, family):
    folder = tiny_of(family, tmp_path / family)
    mx.convert_model(folder, tmp_path / "a.gguf")
    mx.convert_model(tmp_path / "a.gguf", tmp_path / "b", format="hf")
    before, after = stored(folder), stored(tmp_path / "b")
    prefix = "transformer." if family == "gpt2" else ""
    assert {prefix + k for k in after} == set(before)
    for name, a in before.items():
        b = after[name.removeprefix(prefix)]
        same = (
            mx.allclose(a, b, rtol=1e-5, atol=1e-6)
            if name.endswith("A_log")
            else mx.array_equal(a, b)
        )
        assert a.shape == b.shape and same.item(), name


def test_layers_that_foretell_more_are_left_out(tmp_path):
    folder = tiny_of("deepseek_v3", tmp_path / "d")
    tensors = dict(stored(folder))
    last = {k.replace("layers.2.", "layers.3."): v for k, v in tensors.items() if "layers.2." in k}
    mx.save_safetensors(str(tmp_path / "more.safetensors"), {**tensors, **last})
    (tmp_path / "more.safetensors").rename(folder / "model.safetensors")
    notes = []
    mx.convert_model(
        folder,
        tmp_path / "a.gguf",
        progress=lambda p: notes.append(p["tensor"]) if p["note"] else 0,
    )
    assert sorted(notes) == sorted(last)
    assert not any("blk.3." in k for k in mx.open_file(tmp_path / "a.gguf").keys())
