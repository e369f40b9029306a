"""The frame of all commands: options, help, exit status, output that cannot be written."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from program import MLX, commands, document, environment, run


def test_overview_names_every_command():
    for text in run().stdout, run("help").stdout, run("--help").stdout, run("-h").stdout:
        for command in document("help")["commands"]:
            assert re.search(rf"^  {command['name']} +\S", text, re.M), command


@pytest.mark.parametrize("command", commands())
def test_help_teaches_by_example(command):
    text = run(command, "--help").stdout
    assert f"\n  mlx {command} " in text
    examples = text[text.index("\nExamples\n") :]
    assert re.search(rf"^  .*\bmlx {command}", examples, re.M)
    assert text == run("help", command).stdout
    for word in "--json", "--quiet", "--color", "--help":
        assert word in text
    assert max(map(len, text.splitlines())) <= 90
    # help is what is wanted, whatever else the line has
    assert run(command, "a", "b", "c", "-h").stdout == text


@pytest.mark.parametrize("command", commands())
def test_wrong_options(command):
    done = run(command, "--jsn", status=2)
    assert done.stdout == ""
    assert f"mlx {command}: there is no option --jsn; did you mean --json?" in done.stderr
    assert f"See 'mlx {command} --help'." in done.stderr
    assert "no option -Z" in run(command, "-Z", status=2).stderr
    assert "takes no value" in run(command, "--json=1", status=2).stderr
    assert "auto|always|never" in run(command, "--color=maybe", status=2).stderr
    assert "wants a value" in run(command, "--color", status=2).stderr
    assert "--json" not in run(command, "--xyzzyxyzzy=1", status=2).stderr.splitlines()[0]


def test_unknown_commands():
    assert "did you mean 'devices'" in run("device", status=2).stderr
    assert "did you mean 'devices'" in run("devcies", status=2).stderr
    assert "there is no command" in run("xyzzyxyzzy", status=2).stderr
    assert "did you mean" not in run("xyzzyxyzzy", status=2).stderr
    assert "there is no option" in run("--xyzzy", status=2).stderr
    assert "\x1b" not in run("\x1b[31mred", status=2).stderr
    assert "did you mean 'devices'" in run("help", "device", status=2).stderr
    assert document("help", "device", status=2)["error"].startswith("there is no command 'device'")


def test_arguments_are_counted():
    assert "takes no argument; 'more' is one" in run("devices", "more", status=2).stderr
    assert "one argument too many" in run("help", "devices", "more", status=2).stderr
    assert "'--json' is one" in run("devices", "--", "--json", status=2).stderr


def test_version():
    text = run("--version").stdout
    assert re.fullmatch(r"mlx \d+\.\d+\.\d+ \(interface of MLX \d+\.\d+\.\d+\)\n", text)
    assert text == run("-V").stdout == run("help", "--version").stdout
    assert document("help", "--version")["version"] in text


def test_devices():
    (cpu,) = [row for row in document("devices")["devices"] if row["type"] == "cpu"]
    assert cpu["processors"] == os.cpu_count() and cpu["default"]
    assert cpu["memory_size"] > 1 << 20
    assert cpu["device_name"] in run("devices").stdout
    assert run("devices", "-qj").stdout == run("devices", "--quiet", "--json").stdout


# --- where it is printed to ------------------------------------------------------------------


def test_full_disk():
    with open("/dev/full", "w") as full:
        done = run("devices", status=1, capture_output=False, stdout=full, stderr=subprocess.PIPE)
        assert "No space left on device" in done.stderr
        for words in ["docs", "--json"], ["help"], ["info", "--json", "nowhere"]:  # long and short
            done = run(*words, status=1, capture_output=False, stdout=full, stderr=subprocess.PIPE)
            assert "standard output: No space left on device" in done.stderr


def test_closed_output():
    script = f'"{MLX}" devices >&-; echo $?'
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env=environment(), timeout=60
    )
    assert done.stdout == "1\n" and "Bad file descriptor" in done.stderr


def test_reader_that_goes_away():
    """As other programs do: no message, the signal; also where the parent ignores it."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [MLX, "devices"], stdout=write, stderr=subprocess.PIPE, env=environment(), timeout=60
    )
    os.close(write)
    assert done.returncode == -13 and done.stderr == b""


# --- made from the table -------------------------------------------------------------------------


def test_manual(tmp_path):
    page = run("help", "--man").stdout
    assert page.startswith(".TH MLX 1")
    for command in commands():
        assert re.search(rf'^\.SS "mlx {command}\b', page, re.M)
    if not shutil.which("groff"):
        pytest.skip("no groff")
    shown = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-P-cbou"], input=page, capture_output=True, text=True
    )
    assert shown.returncode == 0 and shown.stderr == ""
    for word in "EXIT STATUS", "NO_COLOR", "--json":
        assert word in shown.stdout.replace("‐", "-").replace("−", "-")


# --- examples ------------------------------------------------------------------------------------


def examples():
    """Each call of `mlx` in the helps and in docs/cli.md, as words."""
    lines = run("help", "--man").stdout.replace("\\-", "-").replace("\\e", "\\").splitlines()
    lines = [line[3:] for line in lines if line.startswith(".B ")]
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    lines += re.findall(r"^    (.*)$", text, re.M) + re.findall(r"`([^`]*mlx [^`]*)`", text)
    for line in lines:
        for call in re.findall(r"(?:^|\(|= )mlx ([^|>&)]*)", line.replace("python -m mlx", "")):
            yield shlex.split(call, comments=True)


def test_examples_are_real():
    """Their commands and options are there."""
    options = {c["name"]: {o["name"] for o in c["options"]} for c in document("help")["commands"]}
    calls = list(examples())
    assert {call[0] for call in calls if call} >= set(options)
    for name, *words in filter(None, calls):
        if name in ("COMMAND", "..."):
            continue
        for word in words:
            if word.startswith("--"):
                known = options[name] | {"json", "quiet", "color", "help"}
                assert word[2:].split("=")[0] in known, (name, word)


@pytest.mark.parametrize(
    "line", ["nosuch --json", "info --nosuch --json", "info -j", "bench -Z x -j"]
)
def test_wrong_lines_are_documents(line):
    done = run(*line.split(), status=2)
    assert list(json.loads(done.stdout)) == ["error"] and done.stderr
