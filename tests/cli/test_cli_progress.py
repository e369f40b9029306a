"""Bars and colours on a terminal (a pty), and nothing of them elsewhere."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios

import numpy as np
import pytest

from files import write_safetensors
from program import MLX, environment, run


def on_terminal(*words, size=(24, 100), streams="12", **variables):
    """What the program writes to a terminal; the other stream goes nowhere."""
    ours, theirs = pty.openpty()

    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = subprocess.Popen(
        [MLX, *map(str, words)],
        stdin=theirs,
        stdout=theirs if "1" in streams else subprocess.DEVNULL,
        stderr=theirs if "2" in streams else subprocess.DEVNULL,
        env=environment(**variables),
    )
    os.close(theirs)
    text = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the program has ended
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    assert process.wait(60) == 0
    return text.decode()


@pytest.fixture
def model(tmp_path):
    tensors = {f"tensor.{i}": np.zeros(1 << 18, np.float32) for i in range(40)}
    return write_safetensors(tmp_path / "m", tensors)


BAR = re.compile(
    r"\rreading +\d+% \[=* *\]  [\d.]+ \w+  [\d.]+ \w+/s(  \d+:\d\d left)?(  \S+)?\x1b\[K"
)


def test_bar(model):
    text = on_terminal("verify", model, streams="2")
    lines = text.split("\r")
    assert lines[0] == "" and BAR.search(text), text
    shares = [int(s) for s in re.findall(r"(\d+)% \[", text)]
    assert shares == sorted(shares) and shares[-1] <= 100
    assert text.endswith("\r\x1b[K")  # and goes away


def test_bar_fits_the_terminal(model):
    for columns in 20, 60, 200:
        text = on_terminal("verify", model, streams="2", size=(24, columns))
        for line in re.split(r"\r|\n", text.replace("\x1b[K", "")):
            assert len(line) < columns
    assert "tensor." in text


def test_no_bar(model):
    assert on_terminal("verify", model, "-q", streams="2") == ""
    assert on_terminal("verify", model, streams="2", TERM="dumb") == ""
    assert run("verify", model).stderr == ""  # a pipe


def test_names_in_bars_are_harmless(tmp_path):
    path = write_safetensors(tmp_path / "m", {"\x1b[31m": np.zeros(4, np.float32)})
    text = on_terminal("verify", path, streams="2")
    assert "\x1b[31m" not in text


def test_colours(model):
    assert "\x1b[1m" in on_terminal("info", model, streams="1")
    for variables in {"NO_COLOR": "1"}, {"TERM": "dumb"}:
        assert "\x1b" not in on_terminal("info", model, streams="1", **variables)
    assert "\x1b[1m" in on_terminal("info", model, streams="1", NO_COLOR="")
    assert "\x1b[1m" in on_terminal("info", model, "--color=always", streams="1", NO_COLOR="1")
    assert "\x1b" not in on_terminal("info", model, "--color=never", streams="1")
    assert "\x1b" not in on_terminal("info", model, "--json", streams="1")
    assert "\x1b[32msound" in on_terminal("verify", model, streams="1")
