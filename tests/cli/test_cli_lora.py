"""mlx lora and fuse on a model of 260 thousand weights: also killed, stopped, and on bad input."""

import ctypes
import json
import math
import os
import shutil
import signal
import subprocess

import numpy as np
import pytest

from files import read_safetensors, write_safetensors
from program import DATA, MLX, document, environment, run
from server import serving

STORIES = DATA / "stories260K" / "stories260K.gguf" if DATA else None
pytestmark = pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")

LINES = [
    "The cat sat on the mat and ate a fish.",
    "Two and two are four, and four and four are eight.",
    "Red, green and blue are colors.",
    "One day a bird saw a red ball in the sky.",
    "Tom said he had seven dogs and a frog.",
]


@pytest.fixture(name="data")
def a_folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name, lines in ("train", LINES), ("valid", LINES[:2]), ("test", LINES[1:]):
        text = "".join(json.dumps({"text": line}) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text)
    return folder


def words(data, adapter, *more, iters=30):
    return [
        *("lora", "-m", STORIES, "--train", "--data", data, "--adapter-path", adapter),
        *("--iters", iters, "--batch-size", 2, "--learning-rate", "1e-3", "--steps-per-report", 1),
        *(() if "scales" in more else ("--scale", 4)),
        *more,
    ]


def losses(doc):
    return {row["iteration"]: row["loss"] for row in doc["reports"]}


def names_of_adapters_in_messages(adapter, body):
    """Paths are no client's business, and a name that is short stands in words, too."""
    for name in "a", "ad", "adapter_config.json", ".hidden", "o/", "stories260K":
        place = adapter.parent / "names" / name
        shutil.copytree(adapter, place)
        with serving("--adapter-path", name, "--idle", "0.2", program=MLX, models=[STORIES],
                     cwd=place.parent) as server:  # fmt: skip
            server.post("/v1/completions", **body)
            server.wait_for(lambda: server.metric("mlx_models_loaded") == 0)
            shutil.rmtree(place)
            error = server.post("/v1/completions", 500, **body)["error"]["message"]
        assert error == (
            "the model 'stories260K' cannot be loaded: cannot open "
            "'adapter/adapter_config.json': No such file or directory"
        )


def test_learns_tests_and_fuses(data, tmp_path):
    adapter = tmp_path / "adapter"
    doc = document(*words(data, adapter, "--test", iters=60))
    seen = losses(doc)
    assert len(seen) == 60 and doc["layers"] == 5 and doc["examples"] == 5
    assert doc["validations"][0]["iteration"] == 0 and doc["validations"][-1]["iteration"] == 60
    assert doc["validations"][-1]["loss"] < 0.7 * doc["validations"][0]["loss"]
    tested = ["lora", "-m", STORIES, "--test", "--data", data, "--adapter-path", adapter]
    again = document(*tested)
    assert math.isclose(again["test_loss"], doc["test_loss"], rel_tol=1e-6)

    said = ["-q", "-p", "The cat", "-n", 12]
    plain = document("generate", "-m", STORIES, *said)["text"]
    learned = document("generate", "-m", STORIES, "--adapter-path", adapter, *said)["text"]
    assert learned.startswith(" sat on the mat") and learned != plain
    with serving("--adapter-path", adapter, program=MLX, models=[STORIES]) as server:
        body = {"prompt": "The cat", "max_tokens": 12, "temperature": 0}
        assert server.post("/v1/completions", **body)["choices"][0]["text"] == learned
    names_of_adapters_in_messages(adapter, body)
    assert "of one model, and 2" in run(
        "serve", STORIES, "-m", STORIES, "--adapter-path", adapter, status=2
    ).stderr  # fmt: skip
    missing = run("serve", STORIES, "--adapter-path", tmp_path / "none", status=1).stderr
    assert "adapter_config.json" in missing
    fused = tmp_path / "fused.gguf"
    made = document("fuse", "-m", STORIES, "--adapter-path", adapter, "--save-path", fused)
    assert made["files"][0]["out"] == str(fused)
    assert document("generate", "-m", fused, *said)["text"] == learned
    folder = tmp_path / "fused"
    made = document(
        "fuse", "-m", STORIES, "--adapter-path", adapter, "--save-path", folder, "--export-gguf"
    )
    assert len(made["files"]) == 2 and (folder / "ggml-model.gguf").exists()
    assert document("generate", "-m", folder, *said)["text"] == learned
    fuse = ["fuse", "-m", STORIES, "--adapter-path", adapter, "--save-path"]
    for ending in "safetensors", "npz":  # whose tensors keep the names they have
        error = run(*fuse, tmp_path / f"x.{ending}", status=1).stderr
        assert "an adapter goes into a folder or a GGUF file" in error
    assert "is a file" in run(*fuse, tmp_path / "x.gguf", "--export-gguf", status=2).stderr
    named = ["--export-gguf", "--gguf-path", "name", "-q"]
    document(*fuse, tmp_path / "more", *named)
    assert (tmp_path / "more" / "name").read_bytes()[:4] == b"GGUF"


def test_scales_of_words(data, tmp_path):
    """What they have learned is found again by the folder's own options, and fused."""
    model, adapter, fused = tmp_path / "words", tmp_path / "adapter", tmp_path / "fused"
    document("convert", STORIES, model, "-m", "affine", "--bits", 4, "--group-size", 32)
    line = words(data, adapter, "--fine-tune-type", "scales", "--test", iters=20)
    line[line.index(STORIES)] = model
    line[line.index("1e-3")] = "5e-5"
    doc = document(*line)
    assert doc["validations"][-1]["loss"] < 0.95 * doc["validations"][0]["loss"]
    tested = ["lora", "-m", model, "--test", "--data", data, "--adapter-path", adapter]
    again = document(*tested)["test_loss"]
    assert math.isclose(again, doc["test_loss"], rel_tol=1e-2)  # in the model's dtype
    document("fuse", "-m", model, "--adapter-path", adapter, "--save-path", fused)
    said = ["-q", "-p", "The cat", "-n", 12]
    with_adapter = document("generate", "-m", model, "--adapter-path", adapter, *said)["text"]
    assert document("generate", "-m", fused, *said)["text"] == with_adapter


def words_of(codes):
    """Codes of four bits, eight of a column in a word."""
    eight = codes.reshape(-1, 8, codes.shape[1]).astype(np.uint32)
    shifts = 4 * np.arange(8, dtype=np.uint32)[:, None]
    return np.bitwise_or.reduce(eight << shifts, axis=1).view(np.int32)


def pack(tensors, name, w):
    """As GPTQ has it: symmetric, of 4 bits, in groups of 32; its numbers."""
    out, columns = w.shape
    groups = w.reshape(out, columns // 32, 32)
    scales = (np.abs(groups).max(axis=2) / 7).astype(np.float16)
    steps = scales.astype(np.float32)[:, :, None]
    codes = np.clip(np.rint(groups / steps) + 8, 0, 15).reshape(out, columns)
    tensors[f"{name}.qweight"] = words_of(codes.T)
    tensors[f"{name}.qzeros"] = words_of(np.full((out, columns // 32), 7)).T.copy()
    tensors[f"{name}.scales"] = scales.T.copy()
    tensors[f"{name}.g_idx"] = (np.arange(columns) // 32).astype(np.int32)


def packed_by_gptq(folder):
    """The attention of the small model."""
    document("convert", STORIES, folder, "--dtype", "float32")
    (folder / "metadata.gguf").unlink()
    file, tensors = folder / "model.safetensors", {}
    for name, (_, shape, raw) in read_safetensors(file)[0].items():
        w = np.frombuffer(raw, np.float32).reshape(shape)
        if "self_attn" in name:
            pack(tensors, name.removesuffix(".weight"), w)
        else:
            tensors[name] = w
    write_safetensors(file, tensors)
    config = json.loads((folder / "config.json").read_text())
    said = {"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": True, "desc_act": False}
    config["quantization_config"] = said
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_what_others_have_packed(data, tmp_path):
    """An adapter of such a folder is fused: the folder and the GGUF file have numbers."""
    model, adapter, fused = packed_by_gptq(tmp_path / "gptq"), tmp_path / "a", tmp_path / "fused"
    line = words(data, adapter, iters=20)
    line[line.index(STORIES)] = model
    document(*line)
    made = document(
        "fuse", "-m", model, "--adapter-path", adapter, "--save-path", fused, "--export-gguf"
    )
    assert len(made["files"]) == 2 and max(file["lost"] for file in made["files"]) < 0.01
    assert "quantization_config" not in json.loads((fused / "config.json").read_text())
    said = ["-q", "-p", "The cat", "-n", 12]
    learned = document("generate", "-m", model, "--adapter-path", adapter, *said)["text"]
    assert document("generate", "-m", model, *said)["text"] != learned
    for path in fused, fused / "ggml-model.gguf":
        assert document("generate", "-m", path, *said)["text"] == learned
    single = run("convert", model, tmp_path / "x.safetensors", status=1).stderr
    assert "config.json': weights packed by 'gptq' are made folders and GGUF files" in single
    again = tmp_path / "again.gguf"
    document("quantize", model, again, "--mode", "q8_0")
    assert document("generate", "-m", again, *said)["text"]
    line[line.index(adapter)] = tmp_path / "scales"
    scaled = run(*line, "--fine-tune-type", "scales", status=2).stderr
    assert "--scale" in scaled
    del line[line.index("--scale") : line.index("--scale") + 2]
    scaled = run(*line, "--fine-tune-type", "scales", status=1).stderr
    assert "no matrix that (quantized with the mode affine) 'scales' changes" in scaled


def test_lines_for_people(data, tmp_path):
    shown = run(*words(data, tmp_path / "adapter", "--test", iters=2)).stdout
    for part in (
        "Trainable parameters: ",
        "Iter 0: Val loss ",
        "Iter 2: Train loss ",
        "Tokens/sec",
        "Peak mem",
        "Saved to",
        "Test loss ",
    ):
        assert part in shown
    assert run(*words(data, tmp_path / "quiet", "-q", iters=2)).stdout == ""


def started(*line):
    return subprocess.Popen(
        [MLX, *map(str, line)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def wait_for(process, part):
    for line in process.stdout:
        if part in line:
            return
    raise AssertionError(f"{part} never came: {process.stderr.read()}")


def test_killed_and_gone_on(data, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    more = [
        "--save-every",
        5,
        "--grad-accumulation-steps",
        2,
        "--dropout",
        "0.1",
        "--fine-tune-type",
        "dora",
    ]
    wanted = losses(document(*words(data, whole, *more)))
    process = started(*words(data, parts, *more))
    wait_for(process, "Iter 12: Train")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    found = losses(document(*words(data, parts, *more, "--resume")))
    first = min(found)
    assert first in (6, 11) or first > 12
    assert found == {i: loss for i, loss in wanted.items() if i >= first}
    for name in "adapters.safetensors", "training_state.safetensors":
        assert (whole / name).read_bytes() == (parts / name).read_bytes()


def test_what_a_killed_training_leaves_goes(data, tmp_path):
    """Temporary files of processes that are gone, and no others."""
    adapter = tmp_path / "adapter"
    document(*words(data, adapter, iters=1))
    gone = 2**30  # more processes than Linux numbers
    left = [f"adapters.safetensors.{gone}-0.tmp", f"adapter_config.json.{gone}-12.tmp"]
    mine = [f"adapters.safetensors.{os.getpid()}-0.tmp", f"notes.{gone}.tmp", "a.tmp",
            f".{gone}-1.tmp", f"a{gone}-1.tmp", f"b.{gone}-1.tmp.txt"]  # fmt: skip
    for name in left + mine:
        (adapter / name).write_text("x")
    document(*words(data, adapter, "--resume", iters=2))
    assert not any((adapter / name).exists() for name in left)
    assert all((adapter / name).exists() for name in mine)


def test_updates_that_never_come(data, tmp_path):
    adapter, more = tmp_path / "adapter", ["--grad-accumulation-steps", 5]
    error = run(*words(data, adapter, *more, iters=2), status=1).stderr
    assert "no update would be made" in error and not adapter.exists()
    (note,) = document(*words(data, adapter, *more, "-q", iters=7))["notes"]
    assert "the last 2 of 7 iterations make no update" in note
    shown = run(*words(data, adapter, "--save-every", 3, iters=3)).stdout
    assert shown.count("Iter 3: Saved to") == 1
    (note,) = document(*words(data, adapter, "--resume", "-q", iters=2))["notes"]
    assert "nothing more is learned: 3 iterations were done, and iters is 2" in note


def test_a_folder_that_cannot_be_made(data, tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "folder"):
        done = run(*words(data, folder), status=1)
        assert str(folder) in done.stderr and not done.stdout  # before anything is learned
    (tmp_path / "o.yaml").mkdir()
    for name in ("o.yaml", "no.json", "."):
        error = run("lora", "-c", tmp_path / name, "--train", status=1).stderr
        assert str(tmp_path / name) in error and ("directory" in error or "libyaml" in error)


def test_folders_that_lead_to_others_are_made(data, tmp_path):
    adapter, fused = tmp_path / "a" / "b" / "c", tmp_path / "x" / "y" / "z.gguf"
    document(*words(data, adapter, iters=1))
    note = run(
        "fuse", "-m", STORIES, "--adapter-path", adapter, "--save-path", fused, "--mode", "q8_0"
    )
    assert fused.exists() and "of the adapter's change" in note.stdout
    tested = document("lora", "-m", STORIES, "--test", "--data", data, "--adapter-path", adapter)
    assert tested["adapter"] == str(adapter)


def test_what_an_adapter_is_no_beginning_of(data, tmp_path):
    adapter, more = (
        tmp_path / "a",
        ["--resume-adapter-file", tmp_path / "a" / "adapters.safetensors"],
    )
    document(*words(data, adapter, "--fine-tune-type", "dora", iters=1))
    error = run(*words(data, tmp_path / "b", *more, iters=1), status=1).stderr
    assert ".m' is nothing that a lora adapter has: fine_tune_type was another" in error
    (data / "train.jsonl").write_text('{"text": "others"}\n')
    error = run(
        *words(data, adapter, "--fine-tune-type", "dora", "--resume", iters=2), status=1
    ).stderr
    assert "was made with other data: train.jsonl has changed" in error
    (data / "train.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi"}]}\n')
    error = run(*words(data, adapter, "--mask-prompt", iters=1), status=1).stderr
    assert "line 1: the last message is no answer, and mask_prompt" in error
    assert "num_layers is 0" in run(*words(data, adapter, "--num-layers", 0), status=1).stderr


def test_no_iterations(data, tmp_path):
    adapter, config = tmp_path / "adapter", tmp_path / "c.json"
    assert "--iters is between 1 and" in run(*words(data, adapter, iters=0), status=2).stderr
    options = {"model": str(STORIES), "train": True, "data": str(data), "iters": 0}
    config.write_text(json.dumps({**options, "adapter_path": str(adapter)}))
    assert "iters is 0: 1 to" in run("lora", "-c", config, status=1).stderr
    assert not adapter.exists()


def test_control_c_saves(data, tmp_path):
    adapter = tmp_path / "adapter"
    process = started(*words(data, adapter, iters=1_000_000))
    wait_for(process, "Iter 5: Train")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Saved to" in out and "--resume goes on from there" in err
    done = int(err.split("iteration ")[1].split(";")[0])
    doc = document(*words(data, adapter, "--resume", iters=done + 2))
    assert min(losses(doc)) == done + 1 and doc["iterations"] == done + 2


def test_options_of_a_file(data, tmp_path):
    options = {
        "model": str(STORIES),
        "train": True,
        "data": str(data),
        "iters": 3,
        "adapter_path": str(tmp_path / "adapter"),
        "num_layers": 2,
        "lora_parameters": {"rank": 3, "scale": 5.0, "keys": ["self_attn.v_proj"]},
        "lr_schedule": {"name": "cosine_decay", "warmup": 1, "arguments": [1e-3, 10, 1e-5]},
        "steps_per_report": 1,
        "batch_size": 1,
    }
    path = tmp_path / "options.json"
    path.write_text(json.dumps(options))
    doc = document("lora", "-c", path, "--iters", 4)
    assert len(losses(doc)) == 4 and doc["layers"] == 2
    rates = [row["learning_rate"] for row in doc["reports"]]
    assert rates[0] == 0 and rates[1:3] == [1e-3, 1e-3] and 0 < rates[3] < 1e-3
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["lora_parameters"]["keys"] == ["self_attn.v_proj"]
    path.write_text(json.dumps({**options, "wandb": 1}))
    assert "'wandb' is no option" in run("lora", "-c", path, status=1).stderr
    path.write_text(json.dumps({**options, "iters": "many"}))
    assert "iters: a whole number was expected" in run("lora", "-c", path, status=1).stderr
    path.write_text(json.dumps({**options, "iters": 2**32 + 1}))
    assert "iters: a whole number was expected" in run("lora", "-c", path, status=1).stderr
    path.write_text("{")
    assert "line 1" in run("lora", "-c", path, status=1).stderr
    path.write_text("[]")
    assert "an object of JSON" in run("lora", "-c", path, status=1).stderr


def has_libyaml():
    try:
        return bool(ctypes.CDLL("libyaml-0.so.2"))
    except OSError:
        return False


needs_libyaml = pytest.mark.skipif(not has_libyaml(), reason="no libyaml")
YAML = """\
# as mlx_lm's users have them
model: {model}
train: true
data: "{data}"
optimizer: adamw
optimizer_config:
  adamw: {{weight_decay: 5e-2, bias_correction: true}}
  sgd: {{}}
iters: 3
batch_size: 1
num_layers: 2
learning_rate: 1e-5      # a number also without a point
resume_adapter_file: null
adapter_path: {adapter}
trust_remote_code: false
lora_parameters:
  keys: ["self_attn.v_proj"]
  rank: 3
  scale: 5
  dropout: .0
lr_schedule:
  name: cosine_decay
  warmup: 1
  arguments:
    - 1e-3
    - 10
    - 1.e-5
"""


@needs_libyaml
def test_options_in_yaml(data, tmp_path):
    path = tmp_path / "options.yaml"
    path.write_text(YAML.format(model=STORIES, data=data, adapter=tmp_path / "adapter"))
    doc = document("lora", "-c", path, "--steps-per-report", 1)
    rates = [row["learning_rate"] for row in doc["reports"]]
    assert rates[0] == 0 and rates[1:] == [1e-3, 1e-3] and doc["layers"] == 2
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["lora_parameters"] == {"rank": 3, "scale": 5, "dropout": 0,
                                         "keys": ["self_attn.v_proj"]}  # fmt: skip
    assert config["optimizer"] == "adamw" and config["learning_rate"] == 1e-3
    asked = path.read_text()
    for name, own in [("weight_decay", "weight_decay: -1"), ("beta2", "betas: [0.9, 2]"),
                      ("eps", "eps: 2")]:  # fmt: skip
        path.write_text(asked.replace("weight_decay: 5e-2", own))
        assert name in run("lora", "-c", path, status=1).stderr
    # what was written is read, and so is what mlx_lm writes
    config |= {"train": True, "iters": 9, "config": "lora.yaml", "clear_cache_threshold": 0, "project_name": None,
               "optimizer_config": {"adam": {}, "adamw": {}}, "trust_remote_code": False}  # fmt: skip
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(config))
    tested = document("lora", "-m", STORIES, "--test", "--data", data, "--adapter-path",
                      tmp_path / "adapter")  # fmt: skip
    assert "test_loss" in tested and tested["iterations"] == 0  # nothing is learned anew


@needs_libyaml
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: there are no options"),
        ("- 1", "line 1: options are lines like"),
        ("iters: 3\niters: 4", "line 2: 'iters' stands there twice"),
        ("train: yes", "line 1: 'yes' is true or false for some readers"),
        ("\niters: 010", "line 2: '010' is octal for some"),
        ("iters: 99999999999999999999", "too large"),
        ("iters: &a 3", "tags and anchors"),
        ("iters: !!int 3", "tags and anchors"),
        ("a: &a 1\nb: *a", "line 1: tags and anchors"),
        ("b: *a", "aliases are not understood"),
        ("? [a]\n: 1", "a key is a text"),
        ("iters: 3\n---\niters: 4", "line 2: another document"),
        ("iters: [1, 2", "line"),
        ("iters: 3\n  b: 4", "line 2"),
        ("iters: " + "[" * 100, "nested deeper than 32"),
        ('data: "a\\0b"', "a zero inside"),
        ("iters: 1_000", "iters: a whole number was expected"),
        ("iters: .inf", "iters: a whole number was expected"),
        ("wandb: 1", "'wandb' is no option"),
        ("trust_remote_code: true", "'trust_remote_code' is no option"),
        ("optimizer: adamw\noptimizer_config: {adamw: {betas: [0.9]}}", "optimizer_config.adamw.betas: two numbers were"),
        ("optimizer: adam\noptimizer_config: {adam: {weight_decay: 0.1}}",
         "optimizer_config.adam.weight_decay is no option"),
        ("optimizer: muon\noptimizer_config: {muon: {ns_steps: 4}}", "ns_steps is no option"),
        ("optimizer: sgd\noptimizer_config: {sgd: {momentum: fast}}", "optimizer_config.sgd.momentum: a number was"),
        ("\ttrain: 1", "line 1"),
        ("a: \udcff", "UTF-8"),
    ],
)  # fmt: skip
def test_yaml_that_is_refused(tmp_path, text, why):
    path = tmp_path / "options.yml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    said = run("lora", "-c", path, status=1).stderr
    assert why in said and str(path) in said


def test_bad_input(data, tmp_path):
    adapter = tmp_path / "adapter"
    assert "says which model" in run("lora", "--train", status=2).stderr
    assert "--train, --test" in run("lora", "-m", STORIES, status=2).stderr
    assert "no layer has a matrix 'x'" in run(*words(data, adapter, "--key", "x"), status=1).stderr
    missing = run(*words(data, adapter, "--resume"), status=1).stderr
    assert "training_state.safetensors" in missing
    (data / "train.jsonl").write_text('{"text": "a cat"}\n{"text": \n')
    broken = run(*words(data, adapter), status=1).stderr
    assert "train.jsonl, line 2" in broken
    (data / "train.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi"}]}\n')
    assert "no chat template" in run(*words(data, adapter), status=1).stderr
    gone = run(
        "fuse",
        "-m",
        STORIES,
        "--adapter-path",
        tmp_path / "none",
        "--save-path",
        tmp_path / "out",
        status=1,
    ).stderr
    assert "adapter_config.json" in gone and not (tmp_path / "out").exists()


OPTIONS = [
    ({"seed": "x"}, "seed: a whole number was expected"),
    ({"seed": 1.5}, "seed: a whole number was expected"),
    ({"model": 3}, "model: a text was expected"),
    ({"data": [1]}, "data: a text was expected"),
    ({"train": "yes"}, "train: true or false was expected"),
    ({"test": 1}, "test: true or false was expected"),
    ({"lora_parameters": []}, "lora_parameters: an object was expected"),
    ({"lora_parameters": {"alpha": 16}}, "'lora_parameters.alpha' is no option"),
    ({"lora_parameters": {"keys": "self_attn.q_proj"}}, "lora_parameters.keys: a list of matrices"),
    ({"lora_parameters": {"keys": []}}, "lora_parameters.keys: a list of matrices"),
    ({"lora_parameters": {"scale": 0}}, "scale is 0: nothing would be learned"),
    ({"learning_rate": 0}, "learning_rate is 0: nothing would be learned"),
    ({"lr_schedule": "cosine_decay"}, "lr_schedule: an object was expected"),
    ({"lr_schedule": {"arguments": [1e-4, 9]}}, "that lr_schedule.name does not say"),
    ({"lr_schedule": {"name": "constant", "arguments": [1e-4]}}, "lr_schedule.name does not say"),
    ({"lr_schedule": {"name": "cosine_decay", "warmpu": 1}}, "'lr_schedule.warmpu' is no option"),
    ({"lr_schedule": {"name": "cosine_decay", "arguments": [1e-4]}}, "[rate, steps, end] was"),
    ({"lr_schedule": {"name": "cosine_decay", "arguments": {}}}, "[rate, steps, end] was"),
    ({"lr_schedule": {"name": "cosine_decay", "arguments": [1, 2, 3, 4]}}, "[rate, steps, end] was"),
    ({"lr_schedule": {"name": "cosine_decay", "arguments": [1, 2.5]}}, "the steps of lr_schedule"),
    ({"lr_schedule": {"name": "cosine_decay", "arguments": [1, 1e30]}}, "the steps of lr_schedule"),
    ({"lr_schedule": {"name": "cosine_decay", "arguments": ["a", 3]}}, "a rate of lr_schedule"),
    ({"lr_schedule": {"name": "linear_schedule", "arguments": [1, 0]}}, "[rate, end, steps] was"),
    ({"optimizer_config": []}, "optimizer_config: an object was expected"),
    ({"optimizer_config": {"adamz": {}}}, "'optimizer_config.adamz' is no option"),
    ({"optimizer_config": {"adam": [1]}}, "optimizer_config.adam: an object was expected"),
    ({"optimizer_config": {"sgd": {"momentum": 1}}}, "optimizer_config.sgd has no effect where the"),
    ({"num_layers": 0}, "num_layers is 0: so many layers were expected, or -1 for all"),
    ({"optimizer_config": {"adam": {"betas": [0.9]}}}, "optimizer_config.adam.betas: two numbers were"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "why"), OPTIONS)
def test_options_of_a_file_that_are_none(data, tmp_path, options, why):
    path, adapter = tmp_path / "c.json", tmp_path / "adapter"
    usual = {"model": str(STORIES), "train": True, "data": str(data), "iters": 1}
    path.write_text(json.dumps({**usual, "adapter_path": str(adapter), **options}))
    assert why in run("lora", "-c", path, status=1).stderr
    assert not adapter.exists()


def test_an_adapter_that_is_not_there(data, tmp_path):
    asked = ["lora", "-m", STORIES, "--test", "--data", data, "--adapter-path", tmp_path / "none"]
    said = run(*asked, status=1).stderr
    assert "none/adapter_config.json: No such file" in said and "line" not in said


@pytest.mark.parametrize("value, word", [(math.nan, "NaN"), (-math.inf, "infinite")])
def test_adapters_of_what_is_no_number(data, tmp_path, value, word):
    adapter, out = tmp_path / "adapter", tmp_path / "out.gguf"
    document(*words(data, adapter, iters=1))
    file = adapter / "adapters.safetensors"
    tensors, _ = read_safetensors(file)
    arrays = {
        name: np.frombuffer(raw, np.float32).reshape(shape).copy()
        for name, (_, shape, raw) in tensors.items()
    }
    name = sorted(arrays)[1]
    arrays[name].flat[-1] = value
    write_safetensors(file, arrays)
    for line in (["fuse", "--adapter-path", adapter, "--save-path", out],
                 ["generate", "-p", "a", "--adapter-path", adapter]):  # fmt: skip
        said = run(*line, "-m", STORIES, status=1).stderr
        assert f"'{name}' has a value that is {word}" in said
    assert not out.exists()


def test_an_adapter_of_other_modules_than_it_says(data, tmp_path):
    adapter = tmp_path / "adapter"
    document(*words(data, adapter, "--key", "mlp.up_proj", "--num-layers", 2, iters=1))
    file = adapter / "adapter_config.json"
    config = json.loads(file.read_text())
    ask = ["generate", "-m", STORIES, "-q", "-p", "a", "-n", 1, "--adapter-path", adapter]
    assert run(*ask).stdout
    more = ["--resume-adapter-file", adapter / "adapters.safetensors", "--key", "mlp.up_proj"]
    fewer = run(*words(data, tmp_path / "b", *more, "--num-layers", 1, iters=1), status=1).stderr
    assert "up_proj.lora_a' is of a matrix that num_layers and keys leave out" in fewer
    for change, why in [
        ({"num_layers": 1}, "num_layers 1 is of the last of 5 layers"),
        ({"num_layers": "2"}, "num_layers is no whole number"),
        ({"lora_parameters": {"rank": 8, "scale": 4, "keys": []}}, "keys lack 'mlp.up_proj'"),
        ({"lora_parameters": {"rank": 8, "scale": 4, "keys": "x"}}, "keys is no list"),
    ]:
        file.write_text(json.dumps({**config, **change}))
        assert why in run(*ask, status=1).stderr


def test_a_loss_that_is_no_number(data, tmp_path):
    line = words(data, tmp_path / "adapter", "--optimizer", "sgd", "--learning-rate", "1e6")
    assert "the loss of iteration" in run(*line, status=1).stderr


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("--test --iters 3", "--iters has no effect without --train or --config"),
        ("--train --momentum 0.3", "--momentum has no effect where --optimizer is adam"),
        ("--train --optimizer muon --bias-correction", "where --optimizer is muon"),
        ("--train --lr-end 1", "--lr-end has no effect without --lr-schedule or --config"),
        ("--train --lr-schedule constant --lr-steps 4", "where --lr-schedule is constant"),
        ("--train --warmup-init 1", "without --warmup or --config"),
        ("--train --fine-tune-type scales --rank 2", "--rank has no effect where --fine-tune-type is scales"),
        ("--train --resume --resume-adapter-file x", "beside --resume"),
        ("--train --test-batches 2", "without --test or --config"),
    ],
)  # fmt: skip
def test_options_without_effect(given, why):
    assert why in run("lora", "-m", "model", *given.split(), status=2).stderr


def test_what_rounding_leaves_of_a_change(data, tmp_path):
    """Of a change far below a step of q4_1 little is left, which is said; numbers keep all."""
    coarse, adapter = tmp_path / "coarse.gguf", tmp_path / "adapter"
    run("quantize", STORIES, coarse, "--mode", "q4_1", "-q")
    asked = ["--train", "--data", data, "--adapter-path", adapter, "--batch-size", 2, "--iters", 2]
    document("lora", "-m", coarse, *asked, "--learning-rate", "1e-6")
    fuse = ["fuse", "-m", coarse, "--adapter-path", adapter, "--save-path"]
    done = run(*fuse, tmp_path / "rounded.gguf", status=1)
    assert "of the adapter's change" in done.stderr and "dequantize" in done.stderr
    assert (tmp_path / "rounded.gguf").exists()
    doc = document(*fuse, tmp_path / "numbers.gguf", "--dequantize", "--dtype", "float32")
    assert doc["files"][0]["lost"] == 0 and doc["files"][0]["notes"] == []
    document("lora", "-m", coarse, *asked, "--learning-rate", "3e-1", "--scale", 60)
    doc = document(*fuse, tmp_path / "large.gguf")
    assert doc["files"][0]["lost"] < 0.1
    (note,) = doc["files"][0]["notes"]
    kept = float(note.split("change ")[1].split("%")[0])
    assert kept == pytest.approx(100 * (1 - doc["files"][0]["lost"]), rel=0.2)
