"""`mlx serve`, started and asked; with $MLX_FAKE an engine without models stands behind it
(fake_engine.c says how each of its models answers)."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from program import MLX, environment

HANG = 120  # seconds after which nothing more is waited for
FAKE = os.environ.get("MLX_FAKE", "")
MODELS = [
    "echo", "slow", "endless", "params", "fails", "vectors", "bare", "broken",
    *(f"echo-{style}" for style in ["hermes", "llama3", "mistral", "deepseek", "gpt-oss",
                                     "command-r", "functionary", "functionary-v3.2",
                                     "qwen3-coder", "glm-4.5", "glm-4", "command-r-action",
                                     "granite", "phi-4", "lfm2"]),
]  # fmt: skip


class Server:
    def __init__(self, process, about):
        self.process, self.about, self.port = process, about, about["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    def ask(self, path, body=None, method=None, headers=None):
        """Status, headers in lower case, and the body: JSON where it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=280)
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        connection.request(method or ("GET" if body is None else "POST"), path, data, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        found = {key.lower(): value for key, value in answer.getheaders()}
        is_json = found.get("content-type") == "application/json" and text
        return answer.status, found, json.loads(text) if is_json else text.decode()

    def post(self, path, status=200, **body):
        found, _, answer = self.ask(path, body)
        assert found == status, answer
        return answer

    def chat(self, content="hello", status=200, **more):
        return self.post("/v1/chat/completions", status,
                         **{"model": "echo", "messages": [user(content)], **more})  # fmt: skip

    def events(self, path, **body):
        """What a stream of Server-Sent Events has: (name, document) each."""
        status, headers, text = self.ask(path, {"stream": True, **body})
        assert status == 200, text
        assert headers["content-type"] == "text/event-stream"
        found = []
        for block in text.split("\n\n")[:-1]:
            lines = dict(line.split(": ", 1) for line in block.split("\n"))
            data = lines["data"]
            found.append((lines.get("event"), data if data == "[DONE]" else json.loads(data)))
        return found

    def lines(self, path, **body):
        """What a stream of lines has."""
        status, headers, text = self.ask(path, body)
        assert status == 200 and headers["content-type"] == "application/x-ndjson", text
        return [json.loads(line) for line in text.splitlines()]

    def metric(self, name):
        _, _, text = self.ask("/metrics")
        return float(next(line.split(" ")[-1] for line in text.splitlines()
                          if line.startswith(name + " ")))  # fmt: skip

    def wait_for(self, what, seconds=HANG):
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.02)


def user(content):
    return {"role": "user", "content": content}


def params(server, **more):
    """What the engine was asked."""
    answer = server.chat(model="params", **more)
    return json.loads(answer["choices"][0]["message"]["content"])


@contextlib.contextmanager
def serving(*options, program=None, models=MODELS, env=None, cwd=None):
    """A server, ended with SIGTERM; it must end well, and say nothing."""
    program = program or FAKE
    if not program:
        pytest.skip("no program with an engine that stands for models")
    process = subprocess.Popen(
        [program, "serve", *models, "--port", "0", "--json", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**(env or {})), text=True,
        cwd=cwd,
    )  # fmt: skip
    try:
        yield Server(process, read_document(process))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            _, errors = process.communicate(timeout=280)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if "--log" not in options:
        assert errors == "", errors
    assert process.returncode == 0


def read_document(process):
    """The JSON that it prints when it listens."""
    text = ""
    late = threading.Timer(60, process.kill)
    late.start()
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        if not line:
            late.cancel()
            why = process.stderr.read()
            if "libmicrohttpd is not installed" in why:
                pytest.skip("no libmicrohttpd")
            raise AssertionError(why)
        text += line
    late.cancel()
    return json.loads(text)


@pytest.fixture(scope="module")
def server():
    with serving() as found:
        yield found


__all__ = ["MLX", "server"]
