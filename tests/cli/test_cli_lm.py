"""mlx generate, perplexity, bench-lm and embed on a model of 260 thousand weights."""

import json
import math
import os
import select
import shutil
import signal
import subprocess
import time

import pytest

from program import DATA, MLX, MODELS, document, environment, run

STORIES = DATA / "stories260K" / "stories260K.gguf" if DATA else None
SMOL = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
pytestmark = pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")


def generate(*words, **options):
    return document("generate", "-m", STORIES, "-q", *words, **options)


def test_text_goes_on():
    doc = generate("-p", "Once upon a time", "-n", 20)
    assert doc["text"].startswith(", there was a little girl named Lily.")
    assert doc["finish"] == "length" and doc["generated_tokens"] == 20
    shown = run("generate", "-m", STORIES, "-q", "-p", "Once upon a time", "-n", 20)
    assert shown.stdout == doc["text"] + "\n"
    assert generate("-n", 20, input="Once upon a time")["text"] == doc["text"]


def test_summary_goes_to_stderr():
    words = [MLX, "generate", "-m", STORIES, "-p", "Once", "-n", "5"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=True)
    for part in ("prompt", "tokens/s", "first token", "memory"):
        assert part in done.stderr
    assert done.stderr.count("\n") == 1
    words[-1] = "1"  # whose time is the prompt's
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=True)
    assert "generated 1 tokens; memory" in done.stderr
    assert generate("-p", "Once", "-n", 1)["generated_tokens_per_second"] is None


def test_stop_and_seeds():
    assert generate("-p", "Once upon a time", "--stop", " girl")["text"] == ", there was a little"
    drawn = [generate("-p", "A", "-n", 30, "-t", 1, "--seed", s)["text"] for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_guesses_change_nothing():
    words = ["-p", "Once upon a time", "-n", 60, "-t", "0.5", "--seed", 4]
    plain = generate(*words)["text"]
    assert generate(*words, "--lookup", 6)["text"] == plain
    assert generate(*words, "--draft", STORIES)["text"] == plain


def test_caches_in_files(tmp_path):
    file = tmp_path / "text.kv"
    begin = "Once upon a time there was a little girl. She had a red ball and a blue"
    whole = ["-p", begin + " ball.", "-n", 20]
    plain = generate(*whole)
    read = generate("-p", begin, "--no-answer", "--save-cache", file)
    assert read["text"] == "" and read["generated_tokens"] == 0 and file.stat().st_size > 1000
    found = generate(*whole, "--load-cache", file)
    assert found["text"] == plain["text"] and plain["cached_tokens"] == 0
    assert found["cached_tokens"] == read["prompt_tokens"]
    file.write_bytes(file.read_bytes()[:-1])
    error = run("generate", "-m", STORIES, *whole, "--load-cache", file, status=1).stderr
    assert "text.kv' is shorter or longer than it says" in error
    error = run("generate", "-m", STORIES, *whole, "--save-cache", tmp_path / "no" / "x", status=1)
    assert "No such file" in error.stderr


def test_structures(tmp_path):
    words = ["-p", "Once", "-n", 40, "-t", 2]
    assert generate(*words, "--regex", "[0-9]{4}")["text"].isdigit()
    assert generate(*words, "--choice", "yes", "--choice", "no")["text"] in ("yes", "no")
    grammar = tmp_path / "g.gbnf"
    grammar.write_text('root ::= "a" ("b" | "c")')
    assert generate(*words, "--grammar", f"@{grammar}")["text"] in ("ab", "ac")
    schema = '{"type": "object", "properties": {"n": {"type": "boolean"}}, "required": ["n"]}'
    assert json.loads(generate(*words, "--schema", schema)["text"])["n"] in (True, False)
    run("generate", "-m", STORIES, "-p", "x", "--regex", "a", "--choice", "b", status=2)
    assert "byte 1" in run("generate", "-m", STORIES, "-p", "x", "--regex", "(", status=1).stderr


def test_limits():
    doc = generate("-p", "Once upon a time", "-c", 32, "--ignore-end")
    assert doc["prompt_tokens"] + doc["generated_tokens"] == 32 and doc["finish"] == "length"
    doc = generate("-p", "Once upon a time", "-c", 32, "--ignore-end", "--shift", "-n", 90)
    assert doc["generated_tokens"] == 90
    long = "Once upon a time " * 40
    done = run("generate", "-m", STORIES, "-p", long, "-c", 32, status=1)
    assert "the context is 32" in done.stderr


def test_no_room_and_seeds():
    words = ["-p", "Once upon a time", "-n", 5, "--raw"]
    for more in ([], ["--shift"]):
        done = run("generate", "-m", STORIES, *words, "--max-kv", 1, *more, status=1)
        assert "--max-kv" in done.stderr and "tokens/s" not in done.stderr
    long = generate("-p", "Once upon a time " * 60, "-n", 5, "--max-kv", "100K", "--shift")
    assert long["read_tokens"] == long["prompt_tokens"] < 160  # what there is room for
    most, last = (generate(*words, "-t", 2, "--seed", s)["text"] for s in (2**64 - 1, -1))
    assert most == last
    for seed in (2**64, -(2**63) - 1, "1x"):
        run("generate", "-m", STORIES, *words, "--seed", seed, status=2)
    assert "1073741824" in run("generate", "-m", STORIES, "-n", "-1", status=2).stderr


def test_more_of_sampling():
    words = ["-p", "Once upon a time", "-n", 8, "--raw"]
    tokens = document("tokenize", STORIES, "Once, there")["tokens"]
    comma = next(t["id"] for t in tokens if t["piece"] == ",")
    assert not generate(*words, "--logit-bias", f"{comma}=-inf")["text"].startswith(",")
    same = generate(*words, "--logit-bias", f"{comma}=0.5", "--logit-bias", "5=-1e30")["text"]
    assert same.startswith(",")
    for bad in ("x=1", "1", "1=x", "-1=2", "1=nan"):
        assert "TOKEN=NUMBER" in run("generate", "-m", STORIES, *words, "--logit-bias", bad,
                                     status=2).stderr  # fmt: skip
    assert (
        "bias" in run("generate", "-m", STORIES, *words, "--logit-bias", "99999=1", status=1).stderr
    )
    said = ["-p", "The dog said, wow! The dog said", "-n", 100, "--raw"]
    plain, dry = generate(*said)["text"], generate(*said, "--dry", 50)["text"]
    assert dry != plain == generate(*said, "--dry", 50, "--dry-allowed", 50)["text"]
    assert plain == generate(*said, "--dry", 50, "--dry-last", 2)["text"]
    run("generate", "-m", STORIES, *words, "--dry-base", "0.5", status=2)


def test_what_is_wrong_is_said():
    assert "-m MODEL" in run("generate", "-p", "x", status=2).stderr
    assert "nowhere.gguf" in run("generate", "-m", "nowhere.gguf", "-p", "x", status=1).stderr
    assert "vectors" in run("embed", "-m", STORIES, "a", status=1).stderr
    both = run("generate", STORIES, "-m", "other.gguf", "-p", "x", status=2).stderr
    assert "'other.gguf' by -m" in both and str(STORIES) in both


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("--seed 1", "--seed has no effect at temperature 0, which it is without -t"),
        ("-t 0 --top-p 0.9", "--top-p has no effect at temperature 0"),
        ("-t 0 --mirostat 5", "--mirostat has no effect at temperature 0"),
        ("--dry-base 2", "without --dry"), ("--dry-last 2", "without --dry"),
        ("-t 1 --xtc-threshold 0.1", "without --xtc-probability"),
        ("--penalty-last 9", "--repetition-penalty, --presence-penalty or --frequency-penalty"),
        ("--draft-tokens 3", "without --draft"), ("--raw --system x", "--system has no effect beside --raw"),
        ("--no-answer -n 4", "--tokens has no effect beside --no-answer"),
        ("--no-answer --lookup 4", "--lookup has no effect beside"),
        ("--no-answer --stop x", "--stop has no effect beside"),
        ("--ignore-end --regex [0-9]", "--ignore-end has no effect beside --regex"),
        ("-t 1 --xtc-probability 0.5 --xtc-threshold 0", "--xtc-threshold is above 0"),
        ("--repetition-penalty 0", "0.01"),
        ("--logit-bias 5=1 --logit-bias 5=2", "token 5 is given twice"),
    ],
)  # fmt: skip
def test_options_without_effect(words, why):
    assert why in run("generate", "-m", STORIES, "-p", "a", *words.split(), status=2).stderr


def test_options_that_have_an_effect_at_temperature_0():
    generate("-p", "a", "-n", 2, "--typical-p", 0.5, "--top-p", 0.9)
    generate("-p", "a", "-n", 2, "--xtc-probability", 1, "--xtc-threshold", 0.1, "--seed", 1)
    generate("-p", "a", "--no-answer", "--raw", "--context", 64, "--kv-bits", 32)


def test_a_share_of_0_is_one_token():
    words = ["-p", "Once upon a time", "-n", 8, "--raw"]
    plain = generate(*words)["text"]
    for seed in range(3):
        assert generate(*words, "-t", 1, "--top-p", 0, "--seed", seed)["text"] == plain
        least = generate(*words, "-t", 1, "--typical-p", 0, "--seed", seed)["text"]
        assert least == generate(*words, "--typical-p", "1e-9")["text"]


def test_a_file_without_an_end():
    done = run("generate", "-m", STORIES, "-f", "/dev/zero", status=1)
    assert "/dev/zero: File too large" in done.stderr


def test_the_model_may_be_the_argument():
    words = ["-p", "Once upon a time", "-n", 5]
    doc = document("generate", STORIES, "-q", *words)
    assert doc["text"] == generate(*words)["text"]


def test_perplexity(tmp_path):
    text = "Once upon a time, there was a little girl named Lily. She loved to play outside. " * 8
    file = tmp_path / "text.txt"
    file.write_text(text)
    doc = document("perplexity", "-m", STORIES, "-f", file, "--size", 64)
    assert doc["tokens"] == doc["pieces"] * 31
    assert 1 < doc["perplexity"] < 6
    assert doc["perplexity"] == pytest.approx(math.exp(-doc["mean_log_probability"]))
    one = document("perplexity", "-m", STORIES, "--size", 64, "--pieces", 1, input=text)
    assert one["pieces"] == 1


@pytest.mark.parametrize("words", ["--context 20 --size 64", "--max-kv 60K --size 128"])
def test_one_error_is_said_once(tmp_path, words):
    file = tmp_path / "text.txt"
    file.write_text("Once upon a time, there was a little girl named Lily. " * 99)
    error = run("perplexity", "-m", STORIES, "-f", file, *words.split(), status=1)
    assert error.stderr.count("\n") == 1 and "the prompt has " in error.stderr


def test_errors_name_their_file(tmp_path):
    broken, empty, folder = tmp_path / "broken.json", tmp_path / "empty.txt", tmp_path / "folder"
    broken.write_text('{"enum": [')
    empty.write_text("")
    folder.mkdir()
    asked = ["generate", "-m", STORIES, "-p", "a", "-n", 2]
    for words, why in [
        (["perplexity", "-m", STORIES, "-f", empty], "empty.txt has 1 tokens"),
        (["perplexity", "-m", STORIES, "-f", folder], "folder: Is a directory"),
        (["perplexity", "-m", STORIES, "-f", tmp_path / "no.txt"], "no.txt: No such file"),
        ([*asked[:3], "-f", tmp_path / "no.txt"], "no.txt: No such file"),
        ([*asked, "--schema", f"@{broken}"], "broken.json: 'schema' at byte"),
        ([*asked, "--grammar", f"@{empty}"], "empty.txt: grammar: it has no rule 'root'"),
        ([*asked, "--schema", f"@{folder}"], "folder: Is a directory"),
        ([*asked, "--load-cache", empty], "empty.txt' holds no text"),
        ([*asked, "--save-cache", folder], "folder: Is a directory"),
        ([*asked, "--save-cache", folder / "no" / "x"], "folder/no/x: No such file"),
        (["serve", STORIES, "--api-key-file", folder], "folder' cannot be read: Is a directory"),
        (["serve", broken, "--port", 0], f"cannot be loaded: '{broken}' at byte 0"),
    ]:
        done = run(*words, status=1)
        assert why in done.stderr and done.stderr.count("\n") == 1 and not done.stdout, done
        assert "[" not in done.stderr.replace(str(tmp_path), ""), done.stderr


def test_bench():
    assert "nothing to measure" in run("bench-lm", "-m", STORIES, "-p", 0, "-n", 0, status=2).stderr
    many = run("bench-lm", "-m", STORIES, "-p", "32,10000000", status=2).stderr
    assert "10000000 tokens are too many: 1048576 is the limit" in many
    doc = document("bench-lm", "-m", STORIES, "-p", "32,64", "-n", "16", "-r", 2)
    assert [t["test"] for t in doc["tests"]] == ["pp32", "pp64", "tg16"]
    assert all(t["tokens_per_second"] > 0 for t in doc["tests"])
    table = run("bench-lm", "-m", STORIES, "-p", 0, "-n", 8, "-r", 1, "-b", 3).stdout.splitlines()
    assert table[0].startswith("| model | size |") and "tg8 x 3" in table[2]


@pytest.fixture(scope="module")
def chatty(tmp_path_factory):
    """The same model as a folder that has a chat template."""
    folder = tmp_path_factory.mktemp("chatty") / "model"
    run("convert", STORIES, folder, "-q")
    template = "{% for m in messages %}{% if m.role != 'assistant' %}{{ m.content }}{% endif %}"
    (folder / "chat_template.jinja").write_text("{{ bos_token }}" + template + "{% endfor %}")
    return folder


def chat(folder, text, *words):
    call = [MLX, "chat", "-m", folder, "-n", 12, "-t", 0, *words]
    return subprocess.run(
        list(map(str, call)),
        input=text,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )


def test_conversation(chatty, tmp_path):
    file = tmp_path / "chat.json"
    done = chat(chatty, f"Once upon a time\n/save {file}\n/clear\nOnce upon a time\n/load {file}\n")
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first == second and first.startswith(", there was a little girl")
    assert "2 messages" in done.stderr
    roles = [m["role"] for m in json.loads(file.read_text())["messages"]]
    assert roles == ["user", "assistant"]


def test_conversations_keep_caches(chatty, tmp_path):
    file = tmp_path / "text.kv"
    first = chat(chatty, "Once upon a time\n", "--save-cache", file, "-v")
    assert "cached" not in first.stderr and file.stat().st_size > 1000
    again = chat(chatty, "Once upon a time\n", "--load-cache", file, "-v")
    assert again.stdout == first.stdout and "of them cached" in again.stderr
    file.write_bytes(b"x")
    broken = chat(chatty, "Once upon a time\nOnce upon a time\n", "--load-cache", file)
    assert "text.kv" in broken.stderr and broken.stdout == first.stdout
    assert broken.returncode == 0  # the second question was answered
    nothing = chat(chatty, "Once upon a time\n", "--load-cache", file)
    assert nothing.returncode == 1 and not nothing.stdout


def test_how_answers_are_drawn(chatty, tmp_path):
    """The likeliest, or as the model's files say, or the command line."""

    def answer(folder, *words, status=0):
        asked = ["chat", folder, "-n", 30, "-q", *words]
        return run(*asked, input="Once upon a time\n", status=status)

    likeliest = answer(chatty).stdout
    assert likeliest == answer(chatty, "-t", 0).stdout
    says = tmp_path / "says"
    shutil.copytree(chatty, says)
    config = says / "generation_config.json"
    config.write_text('{"do_sample": true, "temperature": 3, "top_k": 50}')
    drawn = answer(says).stdout
    assert drawn == answer(chatty, "-t", 3, "--top-k", 50).stdout != likeliest
    assert answer(says, "-t", 0).stdout == likeliest
    config.write_text('{"do_sample": false, "temperature": 3}')
    assert answer(says).stdout == likeliest
    config.write_text('{"temperature": "warm"}')
    assert "temperature is no number" in answer(says, status=1).stderr


def test_a_conversation_is_no_document(chatty):
    done = chat(chatty, "Once upon a time\n", "--json")
    assert done.returncode == 2 and "mlx generate --json" in json.loads(done.stdout)["error"]


def test_system_message_comes_first(chatty):
    told = chat(chatty, " a time\n", "--system", "Once upon").stdout
    assert told.startswith(", there was a little girl")
    assert chat(chatty, "/system Once upon\n a time\n").stdout == told
    words = ["generate", "-q", "-m", chatty, "-p", " a time", "-n", 12]
    asked = document(*words, "--system", "Once upon")
    assert asked["text"] == told.rstrip("\n")
    assert document(*words, "--raw")["prompt_tokens"] != asked["prompt_tokens"]


def test_lines_of_a_conversation(chatty):
    several = chat(chatty, '"""Once upon\n a time\n"""\n')
    assert chat(chatty, '"""Once upon\n a time"""\n').stdout == several.stdout
    assert chat(chatty, '"""Once"""\n').stdout == chat(chatty, "Once\n").stdout
    assert len(several.stdout.splitlines()) >= 1 and not several.stderr
    assert "/clear" in chat(chatty, "/help\n").stdout
    assert "no command" in chat(chatty, "/nothing\n").stderr
    assert chat(chatty, "Once " * 3000 + "\n/exit\nnever").stderr.count("context") == 1
    for text in ("Hello\n", ""):
        call = [str(MLX), "chat", "-m", str(STORIES), "-n", "12"]
        done = subprocess.run(call, input=text, capture_output=True, text=True, env=environment())
        assert done.returncode == 1 and "chat template" in done.stderr


def test_broken_side_files(chatty, tmp_path):
    folder = shutil.copytree(chatty, tmp_path / "broken")
    words = ["-m", folder, "-n", 3]
    (folder / "chat_template.jinja").write_text("{% for %}")
    for command in (["generate", "-p", "Once"], ["chat"]):
        error = run(*command, *words, input="", status=1).stderr
        assert "chat_template of 'chat_template.jinja' line 1" in error
    assert run("generate", *words, "-p", "Once", "--raw", "-q").stdout
    run("generate", *words, "-p", "Once", "-f", "x", status=2)
    (folder / "generation_config.json").write_text('{"eos_token_id": "a"}')
    done = run("generate", *words, "-p", "Once", "--raw", status=1)
    assert "eos_token_id" in done.stderr
    for ids in ("99999", "[1, -3]"):
        (folder / "generation_config.json").write_text(f'{{"eos_token_id": {ids}}}')
        done = run("generate", *words, "-p", "Once", "--raw", status=1)
        assert "generation_config.json': eos_token_id is" in done.stderr
        assert "and the tokenizer has" in done.stderr


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("generation_config.json", "[]", "generation_config.json' holds no object"),
        ("generation_config.json", None, "generation_config.json': Too many levels"),
        ("config.json", None, "config.json': Too many levels"),
        ("config.json", '{"a": "\\u0000"}', "config.json' at byte 14: a text has a zero inside"),
        ("tokenizer.json", {"model": {"type": "BPE", "merges": [], "vocab": {"a": 0, "b": 0}}},
         "tokenizer.json': the id 0 stands twice"),
        ("model.safetensors", "", "holds no model that can be read"),  # but metadata.gguf
    ],
)  # fmt: skip
def test_broken_files_are_named(chatty, tmp_path, file, text, why):
    folder = shutil.copytree(chatty, tmp_path / "broken")
    (folder / file).unlink(missing_ok=True)
    if text is None:
        (folder / file).symlink_to(file)
    elif text:
        (folder / file).write_text(text if isinstance(text, str) else json.dumps(text))
    done = run("generate", "-m", folder, "-n", 3, "-p", "Once", status=1)
    assert why in done.stderr and "broken" in done.stderr


def test_a_full_disk_is_said(chatty):
    call = [MLX, "chat", "-m", chatty, "-n", 4]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(w) for w in call], input="hi\n", stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1 and "No space left" in done.stderr


@pytest.mark.parametrize("more", [[], ["--json"], ["--json", "-q"], ["-q"]])
def test_a_full_disk_is_said_of_an_answer(chatty, more):
    call = [MLX, "generate", "-m", chatty, "-n", 4, "-p", "hi", *more]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(w) for w in call], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1 and "No space left" in done.stderr


@pytest.mark.parametrize("command", ["generate", "tokenize", "chat"])
def test_an_interrupt_ends_the_wait_for_a_text(command, chatty):
    words = [MLX, command, *([] if command == "tokenize" else ["-n", 4, "-m"]), chatty]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([str(w) for w in words], env=environment(), **pipes) as waits:
        waits.stdin.write(b"Once upon" if command != "chat" else b"Once\nOnce\n")
        waits.stdin.flush()
        time.sleep(1)
        waits.send_signal(signal.SIGINT)
        assert waits.wait(timeout=120) == 130


def test_on_a_terminal(chatty, tmp_path):
    """Control-C ends an answer, and the conversation goes on."""
    import pty

    state = tmp_path / "new" / "state"
    pid, terminal = pty.fork()
    if pid == 0:
        words = ["chat", "-m", str(chatty), "-t", "0"]
        os.execvpe(MLX, ["mlx", *words], environment(XDG_STATE_HOME=str(state)))
    seen = b""

    def until(text, seconds=120):
        nonlocal seen
        end = time.time() + seconds
        while text not in seen and time.time() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 4096)
        assert text in seen, seen
        seen = seen[seen.index(text) + len(text) :]

    until(b"> ")
    os.write(terminal, b"Once upon a time\n")
    until(b"there was")
    os.write(terminal, b"\x03")
    until(b"> ")
    os.write(terminal, b"half\x03")
    until(b"> ")
    os.write(terminal, b"/exit\n")
    assert os.waitpid(pid, 0)[1] == 0
    if (state / "mlx" / "chat").exists():  # libedit is there
        assert "upon" in (state / "mlx" / "chat").read_text()


def test_capital_of_france():
    if not SMOL.exists():
        pytest.skip("no SmolLM2")
    doc = document("generate", "-q", "-m", SMOL, "-p", "What is the capital of France?", "-n", 40)
    assert "Paris" in doc["text"] and doc["finish"] == "end"


def test_bytes_that_are_no_text_are_shown_as_they_are_read():
    minilm = MODELS / "all-MiniLM-L6-v2"
    if not minilm.is_dir():
        pytest.skip("no all-MiniLM-L6-v2")
    given = b"ab\xffc\nab\xef\xbf\xbdc\na\\xff\n"
    shown = run("embed", "-m", minilm, input=given, text=False).stdout.decode().splitlines()
    assert shown[0][:14] == shown[1][:14] == " 1.000  1.000 "  # the same to the model
    assert [line.split()[-1] for line in shown] == ["ab\ufffdc", "ab\ufffdc", "a\\\\xff"]
    done = run("embed", "-m", minilm, "--json", input=given, text=False)
    texts = [row["text"] for row in json.loads(done.stdout)["texts"]]
    assert texts == ["ab\ufffdc", "ab\ufffdc", "a\\xff"]
