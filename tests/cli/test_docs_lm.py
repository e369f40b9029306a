"""What docs/ says of language models, run as it stands there: commands, and C. Models are those of the data, by the
names that the texts have for them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from program import DATA, MLX, environment, run

pytestmark = pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)")
ROOT = Path(__file__).parents[2]
TEXTS = {
    name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("lm", "training", "templates")
}
SHORT = {"600": "2", "1200": "4", "512": "16", "128": "4"}  # iterations, tokens
# there is no encoder in the data
LEFT_OUT = ("mlx embed",)


def commands(name):
    """Lines of commands, each with fewer rounds."""
    for line in re.findall(r"^    ((?:mlx|cat) .*)$", TEXTS[name], re.M):
        if not line.startswith(LEFT_OUT):
            yield re.sub(
                r"(--iters|-p|-n) (\d+)", lambda m: f"{m[1]} {SHORT.get(m[2], m[2])}", line
            )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of the names that stand in the texts."""
    place = tmp_path_factory.mktemp("docs")
    stories = DATA / "stories260K" / "stories260K.gguf"
    run("convert", stories, place / "model", "-q")
    (place / "model" / "metadata.gguf").unlink()  # that of the file, which has no template
    (place / "model" / "chat_template.jinja").write_text("{{ messages[-1].content }}")
    run("convert", place / "model", place / "model.gguf", "-q")
    shutil.copy(place / "model.gguf", place / "SmolLM2-135M-Instruct.Q4_1.gguf")
    text = (DATA / "text" / "tinyshakespeare_input.txt").read_text()
    for name, size in [("book.txt", 500), ("wiki.test.raw", 4000)]:
        (place / name).write_text(text[:size])
    (place / "question.txt").write_text("Who?")
    (place / "messages.json").write_text('[{"role": "user", "content": "hi"}]')
    (place / "data").mkdir()
    for part in ("train", "valid", "test"):
        lines = (DATA / "lora_wikisql" / f"{part}.jsonl").read_text().splitlines()[:8]
        (place / "data" / f"{part}.jsonl").write_text("\n".join(lines) + "\n")
    return place


@pytest.mark.parametrize("name", ["lm", "training", "templates"])
def test_commands(folder, name):
    lines = list(commands(name))
    assert len(lines) >= 2
    for line in lines:
        done = subprocess.run(
            ["sh", "-c", line], cwd=folder, input="hello\n", text=True, timeout=300,
            capture_output=True, env=environment(PATH=f"{Path(MLX).parent}:/usr/bin:/bin"),
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stdout[-1000:], done.stderr[-1000:])


def compile_c(folder, source, *more):
    (folder / "program.c").write_text(source)
    done = subprocess.run(
        ["cc", "-std=c11", "-Wall", "-Werror", f"-I{ROOT / 'include'}", "program.c", *more],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler")
def test_c(folder):
    (program,) = re.findall(r"^```c\n(.*?)^```", TEXTS["lm"], re.M | re.S)
    compile_c(folder, program, "-fsyntax-only")
    (part,) = re.findall(r"^    mlx_train_options.*?(?=^\S)", TEXTS["training"], re.M | re.S)
    compile_c(
        folder,
        '#include "mlx/c/mlx.h"\nstatic int print_progress(const mlx_train_event *e, void *p) '
        "{ return !e && p; }\nint main(void) { bool stopped; mlx_lm lm = mlx_lm_new();\n"
        f"{part}return mlx_lm_free(lm); }}\n",
        "-fsyntax-only",
    )
