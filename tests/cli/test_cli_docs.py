"""mlx docs beside the catalog, and scripts for shells in the shells themselves."""

import re
import shutil
import subprocess

import pytest

from program import MLX, commands, document, environment, run

# --- docs ---------------------------------------------------------------------------------------


def test_a_page():
    doc = document("docs", "softmax")
    rows = [row for row in doc["operations"] if row["module"] == "mlx.core"]
    assert rows and rows[0]["name"] == "softmax" and rows[0]["signature"].startswith("softmax(")
    names = [p["name"] for p in rows[0]["parameters"]]
    assert names[:2] == ["a", "axis"]
    text = run("docs", "softmax").stdout
    assert rows[0]["signature"] in text
    assert " ".join(rows[0]["doc"].split()) in " ".join(text.split())
    assert max(map(len, text.split("\n\n")[1].splitlines())) <= 92


def test_every_operation_has_a_page():
    """All of one list; a few of them by their own page."""
    rows = document("docs")["operations"]
    assert len(rows) > 300
    for row in rows:
        assert row["signature"].startswith(row["name"] + "(") and row["module"].startswith("mlx.")
    for row in rows[:: len(rows) // 12]:
        assert row in document("docs", f"{row['module']}.{row['name']}")["operations"]


def test_names_in_modules():
    norm = document("docs", "linalg.norm")
    assert {row["module"] for row in norm["operations"]} == {"mlx.core.linalg"}
    for name in "mlx.core.linalg.norm", "mx.linalg.norm":
        assert document("docs", name) == norm
    assert "mlx.core.fft" in run("docs", "mx.fft.fft").stdout
    assert {row["module"] for row in document("docs", "mx.add")["operations"]} == {"mlx.core"}


def test_second_names():
    assert document("docs", "mx.arccos")["operations"]
    assert document("docs", "acos")["operations"][0]["name"] == "arccos"


def test_search():
    found = {row["name"] for row in document("docs", "-s", "running", "sum")["operations"]}
    assert "cumsum" in found and "softmax" not in found
    text = run("docs", "--search", "RUNNING", "Sum").stdout
    assert re.search(r"^mlx\.core\.cumsum +The running sum", text, re.M)
    assert run("docs", "-s", "xyzzy", status=1).stdout == ""


def test_names_that_are_none():
    assert "did you mean 'softmax'" in run("docs", "sofmax", status=1).stderr
    assert "there is no operation" in run("docs", "xyzzyxyzzyxyzzy", status=1).stderr
    assert "--search" in run("docs", "running", "sum", status=2).stderr
    for name in "", ".", "a" * 5000, "mx." + "b" * 100 + ".add", "\x1b[31m":
        assert "\x1b" not in run("docs", name, status=1).stderr


# --- completion ---------------------------------------------------------------------------------


def shell(name, script, **options):
    if not shutil.which(name):
        pytest.skip(f"no {name}")
    done = subprocess.run(
        [name, *options.get("words", []), "-c", script],
        capture_output=True,
        text=True,
        env=environment(MLX=MLX, **options.get("env", {})),
        cwd=options.get("cwd"),
        timeout=120,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.split()


def bash(*words, cwd=None):
    """What bash offers for the last of the words."""
    line = " ".join(f"'{w}'" for w in words)
    return shell(
        "bash",
        f'eval "$("$MLX" completion bash)"; compopt() {{ :; }}\n'
        f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _mlx; "
        'printf "%s\\n" "${COMPREPLY[@]}"',
        words=["--norc", "--noprofile"],
        cwd=cwd,
    )


def test_bash(tmp_path):
    assert bash("mlx", "") == commands()
    assert bash("mlx", "de") == ["devices"]
    assert {"--tolerance=", "--json", "--all"} <= set(bash("mlx", "diff", "--"))
    assert bash("mlx", "diff", "--tol") == ["--tolerance="]
    assert bash("mlx", "info", "--color", "=", "") == ["auto", "always", "never"]
    assert bash("mlx", "info", "--color", "n") == ["never"]
    assert "softmax" in bash("mlx", "docs", "softm")
    assert bash("mlx", "completion", "f") == ["fish"]
    (tmp_path / "a model.gguf").touch(), (tmp_path / "b").touch()
    (tmp_path / "a model 2.gguf").touch(), (tmp_path / "it's").touch()
    two = " ".join(bash("mlx", "info", "a", cwd=tmp_path))
    assert two in ("a model.gguf a model 2.gguf", "a model 2.gguf a model.gguf")
    for begun in ("a\\ model.", '"a model.', "a model."):
        assert bash("mlx", "info", begun, cwd=tmp_path) == ["a", "model.gguf"]
        assert bash("mlx", "eval", "--output", begun, cwd=tmp_path) == ["a", "model.gguf"]
    words = '"${#COMPREPLY[@]} ${COMPREPLY[0]}"'
    done = shell(
        "bash",
        'eval "$("$MLX" completion bash)"; compopt() { :; }\n'
        f"COMP_WORDS=(mlx info it); COMP_CWORD=2; _mlx; printf '%s\\n' {words}",
        words=["--norc", "--noprofile"],
        cwd=tmp_path,
    )
    assert done == ["1", "it's"]
    assert bash("mlx", "nothing", "") == []


def test_zsh():
    """The script is right, and has a line for every command and option."""
    script = run("completion", "zsh").stdout
    assert script.startswith("#compdef mlx\n")
    for command in document("help")["commands"]:
        assert f"{command['name']}:{command['summary'].replace(':', chr(92) + ':')}" in script
        for option in command["options"]:
            assert f"--{option['name']}" in script
    shell(
        "zsh", 'autoload -U compinit; compinit -u -D; source <("$MLX" completion zsh)', words=["-f"]
    )


def fish(line):
    return shell(
        "fish", f'"$MLX" completion fish | source; complete -C "{line}"', words=["--no-config"]
    )


def test_fish():
    names = fish("mlx ")
    assert set(commands()) <= set(names)
    assert "--tolerance" in fish("mlx diff --tol")[0]
    assert fish("mlx info --color ne")[0] == "never"
    assert "softmax" in fish("mlx docs softm")


def test_other_shells():
    assert "bash, zsh and fish" in run("completion", "tcsh", status=2).stderr
    run("completion", "bash", "--json", status=2)
