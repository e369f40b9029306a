"""mlx.lm on a model of 260 thousand weights."""

import gc
import json
import math
import os
import shutil
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import mlx.core as mx
from mlx import lm

DATA = next(
    (
        Path(place)
        for place in [
            os.environ.get("MLX_TEST_DATA"),
            Path(__file__).parents[4] / "shared" / "data",
        ]
        if place and Path(place).is_dir()
    ),
    None,
)
STORIES = DATA / "stories260K" / "stories260K.gguf" if DATA else None
pytestmark = pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")


@pytest.fixture(scope="module")
def model():
    return lm.load(STORIES)


def test_what_it_is(model):
    assert model.info["family"] == "llama" and model.info["vocabulary"] == 512
    assert "parameters" in repr(model)
    with pytest.raises((RuntimeError, ValueError), match="nowhere"):
        lm.load("nowhere.gguf")


def test_text_goes_on(model):
    text = model.generate("Once upon a time", 20)
    assert text.startswith(", there was a little girl named Lily.")
    pieces = list(model.stream("Once upon a time", 20))
    assert "".join(p.text for p in pieces) == text
    assert [p.finish for p in pieces] == [None] * 20 + ["length"]
    assert pieces[-1].generated_tokens == 20 and pieces[-1].token is None
    ids = model.encode("Once upon a time")
    assert model.generate(ids, 20) == text
    assert model.decode([p.token for p in pieces[:-1]]) == text.lstrip()
    assert model.decode(ids).strip() == "Once upon a time"


def test_caches_in_files(model, tmp_path):
    file = tmp_path / "text.kv"
    prompt = model.encode("Once upon a time there was a little girl. She had a red ball")
    other = lm.load(STORIES)
    model.read(prompt, save_cache=file)
    pieces = list(other.stream(prompt, 10, load_cache=str(file)))
    assert pieces[-1].cached_tokens == len(prompt) - 1
    assert "".join(piece.text for piece in pieces) == model.generate(prompt, 10)
    with pytest.raises(RuntimeError, match="other bits"):
        lm.load(STORIES, kv_bits=32).generate(prompt, 1, load_cache=file)


def test_a_cache_of_other_weights(tmp_path):
    """One low bit in the middle of a file's weights makes another model."""
    file, copy = tmp_path / "text.kv", tmp_path / "copy.gguf"
    lm.load(STORIES).read("Once upon a time", save_cache=file)
    data = bytearray(Path(STORIES).read_bytes())
    for change, refused in ((0, False), (1, True)):
        data[len(data) // 2 & -4] ^= change
        copy.write_bytes(data)
        model = lm.load(copy)
        with pytest.raises(RuntimeError, match="another model") if refused else nullcontext():
            model.generate("Once upon a time there", 1, load_cache=file)


def test_options(model):
    assert model.generate("Once upon a time", stop=" girl") == ", there was a little"
    assert model.generate("Once upon a time", stop=[" girl", " was"]) == ", there"
    drawn = [model.generate("A", 30, temperature=1, seed=s) for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    first = next(iter(model.stream("Once upon a time", 5, log_probabilities=3)))
    assert len(first.top) == 3 and first.top[0] == (first.token, pytest.approx(first.log_p))
    other = next(iter(model.stream("Once upon a time", 5, logit_bias={first.token: -100.0})))
    assert other.token != first.token
    assert model.generate("x", 40, temperature=2, regex="[0-9]{4}").isdigit()
    assert model.generate("x", 40, choices=["yes", "no"]) in ("yes", "no")
    schema = {"type": "object", "properties": {"n": {"type": "boolean"}}, "required": ["n"]}
    assert json.loads(model.generate("x", 40, schema=schema))["n"] in (True, False)
    answers = model.generate_all(["a", "b", "c"], 20, choices=["yes", "no"])
    assert set(answers) <= {"yes", "no"}


@pytest.mark.parametrize(
    "options, error",
    [
        ({"top_p": 2.0}, ValueError),
        ({"nothing": 1}, TypeError),
        ({"regex": "a", "choices": ["b"]}, ValueError),
        ({"regex": "("}, ValueError),
        ({"stop": [1]}, TypeError),
        ({"logit_bias": {"a": 1}}, TypeError),
        ({"logit_bias": [1]}, TypeError),
        ({"logit_bias": {99999: 1}}, ValueError),
        ({"logit_bias": {-1: 1}}, ValueError),
        ({"logit_bias": {2**40: 1}}, ValueError),
        ({"seed": 2**64}, OverflowError),
        ({"seed": -1}, OverflowError),
        ({"seed": 1.5}, TypeError),
        ({"choices": "yes"}, TypeError),  # not its letters
        ({"top_k": 2**40}, OverflowError),
        ({"max_tokens": 2**31}, OverflowError),
        ({"repetition_penalty": 0}, ValueError),
        ({"ignore_end": "no"}, TypeError),
        ({"show_special": 1}, TypeError),
    ],
)
def test_what_is_refused(model, options, error):
    with pytest.raises(error, match=next(iter(options)) if error is OverflowError else None):
        model.generate("x", **{"max_tokens": 5, **options})
    with pytest.raises(TypeError, match="not bytes"):
        model.generate(b"x", 5)
    assert model.generate("Once upon a time", 4)


@pytest.mark.parametrize(
    "options, error, why",
    [
        ({"regex": 5}, TypeError, "regex: a str was expected, not int"),
        ({"grammar": b"x"}, TypeError, "grammar: a str was expected, not bytes"),
        ({"regex": "a\0b"}, ValueError, "regex: the text has a zero inside"),
        ({"choices": ["a", 1]}, TypeError, "choices: a str was expected, not int"),
        ({"choices": ["a\0b"]}, ValueError, "choices: the text has a zero inside"),
        ({"choices": ["\ud800"]}, ValueError, "choices: the text has a lone surrogate"),
        ({"stop": ["a\0b"]}, ValueError, "stop: the text has a zero inside"),
        ({"ignore_end": "no"}, TypeError, "True or False was expected, not 'no'"),
    ],
)
def test_words_of_refusals(model, options, error, why):
    with pytest.raises(error, match=why):
        model.generate("x", 5, **options)


@pytest.mark.parametrize(
    "options, needs",
    [
        ({"xtc_threshold": 0.1}, "xtc_probability"),
        ({"dry_base": 2}, "dry_multiplier"),
        ({"dry_allowed": 3, "dry_multiplier": None}, "dry_multiplier"),
        ({"dry_last": 9}, "dry_multiplier"),
        ({"mirostat_eta": 0.2}, "mirostat_tau"),
        ({"penalty_last": 9}, "repetition_penalty or presence_penalty or frequency_penalty"),
    ],
)
def test_options_of_options(model, options, needs):
    with pytest.raises(ValueError, match=f"{next(iter(options))} does nothing without {needs}"):
        model.generate("x", 5, temperature=1, **options)


@pytest.mark.parametrize(
    "options, needs",
    [
        ({"draft_tokens": 2}, "draft"),
        ({"keep": 3}, "shift"),
        ({"keep": 3, "shift": False}, "shift"),
    ],
)
def test_options_of_options_of_models(options, needs):
    name, n = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name} is {n}, and does nothing without {needs}"):
        lm.load(STORIES, **options)
    assert lm.load(STORIES, keep=3, shift=True).generate("a", 2)


def test_options_of_an_answer_where_there_is_none(model, tmp_path):
    for option in {"temperature": 1}, {"stop": "a"}, {"seed": 1}, {"choices": ["a"]}:
        with pytest.raises(ValueError, match=f"{next(iter(option))} does nothing where"):
            model.read("Once", **option)
        with pytest.raises(ValueError, match="only read"):
            list(model.stream("Once", -1, **option))
    with pytest.raises(ValueError, match="log_probabilities does nothing where"):
        model.read("Once", log_probabilities=1)
    model.read("Once upon", save_cache=tmp_path / "a.kv", temperature=None)
    model.read("Once upon a", load_cache=tmp_path / "a.kv")


def test_what_xtc_does_without_a_threshold(model):
    drawn = {"temperature": 1, "seed": 3, "xtc_probability": 1}
    text = model.generate("Once upon a time", 20, **drawn)
    assert text == model.generate("Once upon a time", 20, xtc_threshold=0.1, **drawn)
    assert text != model.generate("Once upon a time", 20, temperature=1, seed=3)
    assert text != model.generate("Once upon a time", 20, xtc_threshold=0.9, **drawn)
    with pytest.raises(ValueError, match="xtc_threshold is 0"):
        model.generate("x", 5, xtc_threshold=0, **drawn)


def test_a_grammar_that_can_be_read_in_too_many_ways(model):
    rules = [f'r{i} ::= "a" r{i} "b" | "a" r{(i + 1) % 12} "c" | "a"{{30}} "d"' for i in range(12)]
    grammar = "\n".join([f"root ::= ({' | '.join(f'r{i}' for i in range(12))})+", *rules])
    with pytest.raises(RuntimeError, match=r"^\[structure\] it is too ambiguous"):
        model.generate("x", 60, grammar=grammar)
    assert model.generate("Once upon a time", 4)


def test_none_is_the_same_as_nothing(model):
    text = model.generate("Once upon a time", 8)
    for name in sorted(lm._OPTIONS):
        assert model.generate("Once upon a time", 8, **{name: None}) == text, name
    pieces = list(model.stream("Once upon a time", None, ignore_end=True))
    assert pieces[-1].generated_tokens == 256
    with pytest.raises(TypeError, match=r"stream\(\)"):
        model.generate("x", 5, temprature=None)
    other = lm.load(STORIES, None, draft=None, **dict.fromkeys(lm._OF_MODELS))
    assert other.generate("Once upon a time", 8) == text
    ids = model.encode("a b", bare=None, plain=None)
    assert ids == model.encode("a b") and model.decode(ids, special=None) == model.decode(ids)


@pytest.mark.parametrize("text", ["abc", b"abc"])
def test_a_text_is_no_list_of_texts(model, text):
    calls = [
        lambda: model.generate_all(text, 2),
        lambda: model.rerank("a", text),
        lambda: model.classify("a", text),
        lambda: model.tokenizer.encode_all(text),
        lambda: model.tokenizer.encode_all_with_offsets(text),
        lambda: model.generate("a", 2, choices=text),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="list of (str|prompts)"):
            call()
    with pytest.raises(TypeError):
        model.embed(b"abc")
    assert len(model.generate_all((p for p in ["a", "b"]), 2)) == 2  # what is iterated over is one
    with pytest.raises(TypeError, match="tools are a list of dicts"):
        model.prompt("a", tools={"name": "f"})


def test_a_conversation_is_a_list(model):
    for wrong in ({"role": "user", "content": "a"}, b"a", [1], ["a"], None, 5, [None]):
        with pytest.raises(TypeError, match="messages are a str or a list of dicts"):
            model.chat(wrong)


def test_a_share_of_0_is_one_token(model):
    likeliest = model.generate("Once upon a time", 12)
    for seed in range(4):
        drawn = {"temperature": 1, "seed": seed}
        assert model.generate("Once upon a time", 12, top_p=0, **drawn) == likeliest
        assert model.generate("Once upon a time", 12, top_p=1e-9, **drawn) == likeliest
        least = model.generate("Once upon a time", 12, typical_p=0, **drawn)
        assert least == model.generate("Once upon a time", 12, typical_p=1e-9, **drawn)


def test_signals_do_not_end_a_structure():
    """A signal that came before, whose handler raises nothing, is none of a request."""
    code = (
        "import signal, sys; from mlx import lm\n"
        "signal.signal(signal.SIGALRM, lambda *_: None)\n"
        "schema = {'enum': [f'{i:05}' for i in range(3000)]}\n"
        "model = lm.load(sys.argv[1])\n"
        "for _ in range(20):\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.001)\n"
        "    assert len(model.generate('x', 20, schema=schema)) == 7\n"
    )
    subprocess.run([sys.executable, "-c", code, STORIES], check=True)


def test_options_of_a_model_are_refused_at_once():
    for wrong in ({"kv_bits": 5}, {"requests": -1}, {"context": 1}):
        with pytest.raises((ValueError, RuntimeError)):
            lm.load(STORIES, **wrong)
    for n in (-1, 2**64, 2**64 + 1, 2**70):  # not modulo 2**64
        with pytest.raises(OverflowError, match="kv_bytes is -?[0-9]+, and must be"):
            lm.load(STORIES, kv_bytes=n)
    for wrong in ({"shift": 5}, {"kv_bytes": 1.5}):
        with pytest.raises(TypeError):
            lm.load(STORIES, **wrong)


def test_slips_are_told_by_name(model):
    with pytest.raises(TypeError, match="Model"):
        lm.load(STORIES, draft=STORIES)
    with pytest.raises(TypeError, match=r"load\(\)"):
        lm.load(STORIES, contxt=64)
    with pytest.raises(TypeError, match=r"stream\(\)"):
        model.generate("x", 5, temprature=1)


def test_prompts_are_refused(model):
    with pytest.raises(ValueError, match=str(2**40)):
        model.logits([2**40])
    for prompt in [[], [99999], [-3], ["a"], [2**70]]:
        with pytest.raises((ValueError, TypeError)):
            model.generate(prompt, 5)
    with pytest.raises((RuntimeError, ValueError), match="template"):
        model.chat("Hello")
    with pytest.raises((RuntimeError, ValueError), match="vectors"):
        model.embed("Hello")


def test_together(model):
    prompts = ["Once upon a time", "Lily and Tom", "The dog said", "A"]
    alone = [model.generate(p, 30, temperature=0.7, seed=3) for p in prompts]
    assert model.generate_all(prompts, 30, temperature=0.7, seed=3) == alone
    small = lm.load(STORIES, requests=2, chunk=5, lookup=4)
    assert small.generate_all(prompts, 30, temperature=0.7, seed=3) == alone
    drafted = lm.load(STORIES, draft=model)
    assert drafted.generate_all(prompts, 30, temperature=0.7, seed=3) == alone
    assert drafted.state["accepted"] > 0


def test_threads(model):
    prompts = ["Once upon a time", "Lily and Tom", "The dog said", "A"] * 2
    want = [model.generate(p, 25) for p in prompts]
    found = [None] * len(prompts)

    def ask(i):
        found[i] = model.generate(prompts[i], 25)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(prompts))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == want


def test_leaving_ends_a_request(model):
    for piece in model.stream("Once upon a time", 0):
        if piece.generated_tokens == 3:
            break
    gc.collect()
    model.generate("A", 2)
    state = model.state
    assert state["running"] == 0 and state["waiting"] == 0


def test_a_stream_that_is_never_read_ends():
    model = lm.load(STORIES, requests=1, waiting=1)
    model.stream("Once", 400)  # let go of at once
    assert len(model.generate("Once", 5)) > 0
    with pytest.raises((RuntimeError, ValueError)):
        model.generate_all(["Once", "Twice", [-1]], 400)
    model.generate("Once", 5)
    assert model.state["running"] == 0 and model.state["waiting"] == 0


def test_logits(model):
    ids = model.encode("Once upon a time")
    logits = model.logits(ids)
    assert logits.shape == (len(ids), 512) and logits.dtype == mx.float32
    likeliest = int(mx.argmax(logits[-1]))
    assert next(iter(model.stream(ids, 1))).token == likeliest
    piece = next(iter(model.stream(ids, 1, log_probabilities=-1)))
    want = logits[-1] - mx.logsumexp(logits[-1])
    assert np.isclose(piece.log_p, float(want[likeliest]), atol=2e-2)


def test_chat(tmp_path):
    mx.convert_model(str(STORIES), str(tmp_path / "model"))
    template = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}{{ more or '' }}"
    (tmp_path / "model" / "chat_template.jinja").write_text(template)
    model = lm.load(tmp_path / "model")
    want = model.generate("Once upon a time", 20)
    assert model.chat("Once upon a time", 20) == want
    assert model.chat([{"role": "user", "content": "Once upon a time"}], 20) == want
    assert model.prompt("Once", variables={"more": " upon"}) == model.prompt("Once upon")
    assert model.decode(model.prompt("a </s> b")).count("</s>") == 1  # no special token


MINILM = Path(os.environ.get("MLX_MODELS", Path(__file__).parents[3] / "build" / "models"))
MINILM /= "all-MiniLM-L6-v2"
# cosines of sentence-transformers' vectors: transformers' rows, their mean over each text's tokens
SENTENCES = {
    "This is an example sentence": [1.0, 0.404559, -0.00773, -0.065338, 0.015817, 0.061725],
    "Each sentence is converted": [0.404559, 1.0, -0.017918, -0.064463, 0.119603, 0.086657],
    "The cat sits outside": [-0.00773, -0.017918, 1.0, 0.03633, -0.02468, -0.046195],
    "A man is playing guitar": [-0.065338, -0.064463, 0.03633, 1.0, 0.009295, -0.005778],
    "The new movie is awesome": [0.015817, 0.119603, -0.02468, 0.009295, 1.0, 0.272085],
    "Der neue Film ist gro\u00dfartig": [0.061725, 0.086657, -0.046195, -0.005778, 0.272085, 1.0],
}


@pytest.mark.skipif(not MINILM.is_dir(), reason="no all-MiniLM-L6-v2: tools/get_models.sh")
def test_sentences():
    model = lm.load(MINILM)
    texts = list(SENTENCES)
    vectors = np.array(model.embed(texts))
    assert vectors.shape == (6, model.info["vector"]) == (6, 384)
    assert np.abs(vectors @ vectors.T - np.array(list(SENTENCES.values()))).max() < 2e-6
    assert model.embed([]).shape == (0, 384) and model.rerank("a cat", []) == []
    long = np.array(model.embed(["word " * 400, "word " * 254]))  # 256 tokens are read
    assert np.array_equal(long[0], long[1])
    assert model.rerank("movies", texts)[0][0] == 4


@pytest.mark.parametrize("name", ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"])
def test_answers_are_those_of_the_weights_as_numbers(name):
    """Products with blocks in integers, and keys and values in float16, beside all in float32."""
    if not (MINILM.parent / name).exists() or not DATA or not (DATA / "text").is_dir():
        pytest.skip(f"no {name}, or no text")
    model = lm.load(MINILM.parent / name)
    ids = model.encode((DATA / "text" / "wikitext2_test.txt").read_text()[:6000])[:256]
    pieces = model.stream(ids, -1, echo=True, log_probabilities=-1)
    found = np.array([piece.log_p for piece in pieces if piece.token is not None][1:])
    logits = model.logits(ids)[:-1]
    wanted = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    wanted = np.array(mx.take_along_axis(wanted, mx.array(ids[1:])[:, None], 1)[:, 0])
    assert abs(math.exp(found.mean() - wanted.mean()) - 1) < 1e-3  # perplexity
    assert np.abs(found - wanted).max() < 0.03


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A classifier of three classes as a folder, and the tensors and metadata of its GGUF file."""
    folder = tmp_path_factory.mktemp("classifier") / "model"
    shutil.copytree(MINILM, folder, ignore=shutil.ignore_patterns("1_Pooling", "modules.json"))
    config = json.loads((folder / "config.json").read_text())
    labels = {str(i): name for i, name in enumerate("abc")}
    config |= {"architectures": ["BertForSequenceClassification"], "id2label": labels}
    (folder / "config.json").write_text(json.dumps(config))
    weights = mx.load(str(folder / "model.safetensors"))
    weights["classifier.weight"] = mx.random.normal((3, 384))
    weights["classifier.bias"] = mx.random.normal((3,))
    mx.save_safetensors(str(folder / "model.safetensors"), weights)
    file = folder.parent / "encoder.gguf"
    mx.convert_model(folder, file)
    arrays, metadata = mx.load(str(file), return_metadata=True)
    for ours, name in {"cls": "pooler.dense", "cls.output": "classifier"}.items():
        arrays |= {f"{ours}.{part}": weights[f"{name}.{part}"] for part in ("weight", "bias")}
    return folder, arrays, {**metadata, "bert.pooling_type": mx.array(4, mx.uint32)}


@pytest.mark.skipif(not MINILM.is_dir(), reason="no all-MiniLM-L6-v2: tools/get_models.sh")
def test_no_cosine_is_above_one():
    encoder = lm.load(MINILM)
    for text in ["a", "two dogs", "what is it?", "run in the rain", "x y z", "cats", "1", "é"]:
        assert 1 - 1e-6 < encoder.rerank(text, [text])[0][1] <= 1


@pytest.mark.skipif(not MINILM.is_dir(), reason="no all-MiniLM-L6-v2: tools/get_models.sh")
def test_a_classifier_in_a_gguf_file(classifier, tmp_path):
    folder, arrays, metadata = classifier
    mx.save_gguf(str(tmp_path / "cls.gguf"), arrays, metadata)
    here = lm.load(tmp_path / "cls.gguf")
    asked = "What is it?", ["a cat", "two dogs run in the rain"]
    assert np.array_equal(
        np.array(here.classify(*asked)), np.array(lm.load(folder).classify(*asked))
    )
    assert here.info["classes"] == 3 and here.info["vector"] == 0
    with pytest.raises((ValueError, RuntimeError), match="makes no vectors"):
        here.embed("a")
    with pytest.raises(RuntimeError, match="'cls.weight' .* not made a folder of"):
        mx.convert_model(tmp_path / "cls.gguf", tmp_path / "out")


@pytest.mark.skipif(not MINILM.is_dir(), reason="no all-MiniLM-L6-v2: tools/get_models.sh")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda a, m: [a.pop(k) for k in list(a) if k.startswith("cls")], "needs cls.weight"),
        (lambda a, m: m.update({"bert.pooling_type": mx.array(1, mx.uint32)}), "of pooling_type 4 alone"),
        (lambda a, m: m.update({"bert.pooling_type": mx.array(5, mx.uint32)}), "pooling_type 5 is not known"),
        (lambda a, m: a.update({"cls.norm.weight": mx.ones((384,))}), "'cls.norm.weight'"),
        (lambda a, m: a.update({"cls.weight": mx.ones((384, 385))}), "'cls' is of 385 columns"),
    ],
)  # fmt: skip
def test_classifiers_in_gguf_files_that_are_refused(classifier, tmp_path, change, why):
    _, arrays, metadata = classifier
    arrays, metadata = dict(arrays), dict(metadata)
    change(arrays, metadata)
    mx.save_gguf(str(tmp_path / "cls.gguf"), arrays, metadata)
    with pytest.raises((ValueError, RuntimeError), match=why):
        lm.load(tmp_path / "cls.gguf")


@pytest.mark.parametrize("large", ["0", "1"])
def test_a_real_model_that_is_cut_short_is_an_error(tmp_path, large):
    """Also where its weights have moved into large pages: the file's end stays mapped."""
    source = MINILM.parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not source.exists():
        pytest.skip("no SmolLM2-135M-Instruct: tools/get_models.sh")
    code = (
        "import os, sys; from mlx import lm\n"
        "model = lm.load(sys.argv[1])\n"
        "model.generate('Once', 140, ignore_end=True)\n"
        "os.truncate(sys.argv[1], 20_000_000)\n"
        "try: model.generate('Once upon', 3)\n"
        "except (RuntimeError, OSError) as e: print(e)\n"
    )
    path = shutil.copy(source, tmp_path / "cut.gguf")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True,
                          env={**os.environ, "MLX_LARGE_PAGES": large})  # fmt: skip
    assert done.returncode == 0 and "cut.gguf' was cut short" in done.stdout, done.stderr


def test_a_file_that_is_cut_short_while_it_is_mapped_is_an_error(tmp_path):
    path = tmp_path / "cut.gguf"
    path.write_bytes(STORIES.read_bytes())
    cut = lm.load(path)
    assert cut.generate("Once", 3)
    os.truncate(path, path.stat().st_size // 2)
    for _ in range(2):
        with pytest.raises((RuntimeError, OSError), match=r"cut\.gguf' was cut short"):
            cut.generate("Once upon", 3)
