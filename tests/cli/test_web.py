"""The library for WebAssembly, where tools/build_web.sh has built it (`make web`): a trained model goes on in
node and in a real browser as it does here."""

import functools
import http.server
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from browser import CHROMIUM, opened
from program import DATA

PAGE = Path(os.environ.get("MLX_WEB_PAGE", Path(__file__).parents[2] / "build/web/page"))
pytestmark = [
    pytest.mark.skipif(not (PAGE / "speak.wasm").exists(), reason="there is no page (make web)"),
    pytest.mark.skipif(not DATA, reason="no data (set MLX_TEST_DATA)"),
]
STORY = DATA / "stories260K" if DATA else None
BEGINNING = "Once upon a time"


def expected():
    return (STORY / "expected_greedy_200.txt").read_text()


def node(*words, status=0):
    done = subprocess.run(
        ["node", PAGE / "speak.mjs", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == status, (done.stdout, done.stderr)
    return done


@pytest.mark.skipif(not shutil.which("node"), reason="no node")
class TestNode:
    def test_it_tells_what_was_told_elsewhere(self):
        said = node(STORY / "stories260K.gguf", BEGINNING, 190).stdout
        assert len(said) > 400 and expected().startswith(said[:400])

    def test_draws_come_from_the_seed(self):
        drawn = [
            node(STORY / "stories260K.gguf", BEGINNING, 40, 1, seed).stdout for seed in (1, 1, 2)
        ]
        assert drawn[0] == drawn[1] != drawn[2]

    def test_a_file_that_is_none(self, tmp_path):
        (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(100))
        assert "gguf" in node(tmp_path / "bad.gguf", "x", status=1).stderr.lower()


@pytest.fixture
def site(tmp_path):
    """The page's address, with the model beside it."""
    for path in PAGE.iterdir():
        shutil.copy2(path, tmp_path)
    shutil.copy2(STORY / "stories260K.gguf", tmp_path / "model.gguf")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_a_browser(site, tmp_path):
    with opened(site, tmp_path) as page:
        page.wait("!document.getElementById('go').disabled")
        page.run("document.getElementById('most').value = 150")
        page.run("document.getElementById('temperature').value = 0")
        page.run("document.getElementById('go').click()")
        page.wait("document.getElementById('stop').disabled")
        said = page.run("document.getElementById('text').textContent")
        assert len(said) > 300 and expected().startswith(said[:300])
        assert "tokens" in page.run("document.getElementById('state').textContent")
        assert page.errors == [] and all(url.startswith(site) for url in page.requests)
