"""mlx pull from a hub on loopback, into the cache as Hugging Face's programs have it."""

import ctypes.util
import fcntl
import hashlib
import os
import signal
import socket
import subprocess
import time

import numpy as np
import pytest

import seeds
from files import safetensors_bytes
from hub_server import COMMIT, Hub, git_id
from program import MLX, document, environment, run

pytestmark = pytest.mark.skipif(
    not (ctypes.util.find_library("curl") or ctypes.util.find_library("curl-gnutls")),
    reason="no libcurl",
)


@pytest.fixture
def hub():
    draw = seeds.generator(11)
    weights = safetensors_bytes({"w": draw.normal(size=(100, 1000)).astype(np.float32)})
    files = {
        "config.json": b'{"model_type": "llama"}',
        "model.safetensors": weights,
        "empty.txt": b"",
        "deep/er/notes & more #1.txt": b"some words\n",
        "deep/large.bin": draw.bytes(300_000),
    }
    hub = Hub(files, large=["model.safetensors", "deep/large.bin"])
    yield hub
    hub.close()


@pytest.fixture
def ways(hub, tmp_path):
    """The environment of a program that pulls from it."""
    clean = {k: "" for k in ("HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_HUB_OFFLINE")}
    return {
        **clean,
        "HF_ENDPOINT": hub.endpoint + "/",
        "HF_HOME": str(tmp_path / "home"),
        "no_proxy": "*",
    }


def cache(tmp_path):
    return tmp_path / "home" / "hub" / "models--org--model"


def pull(ways, *words, status=0, **options):
    return run("pull", "org/model", *words, status=status, env=ways, **options)


def is_whole(hub, folder, names=None):
    """All files, and those alone, are links to blobs of the right names and bytes."""
    found = {str(p.relative_to(folder)): p for p in folder.rglob("*") if not p.is_dir()}
    assert found.keys() == set(names or hub.files)
    for name, path in found.items():
        data = hub.files[name]
        large = name in hub.large
        blob = hashlib.sha256(data).hexdigest() if large else git_id(data)
        assert path.read_bytes() == data and path.is_symlink()
        up = "../" * (2 + name.count("/"))
        assert os.readlink(path) == f"{up}blobs/{blob}"


def files_asked(hub):
    return [path.split(COMMIT + "/")[1] for path, *_ in hub.asked if "/resolve/" in path]


def test_whole_model(hub, ways, tmp_path):
    doc = document("pull", "org/model", env=ways)
    folder = cache(tmp_path) / "snapshots" / COMMIT
    assert doc == {"model": "org/model", "path": str(folder)}
    is_whole(hub, folder)
    assert (cache(tmp_path) / "refs" / "main").read_text() == COMMIT
    assert not list((cache(tmp_path) / "blobs").glob("*.incomplete"))
    hub.asked.clear()
    assert str(folder) in pull(ways).stdout
    assert files_asked(hub) == []  # all there


def test_other_commands_find_it(hub, ways):
    assert "mlx pull org/model" in run("info", "org/model", status=1, env=ways).stderr
    pull(ways, "-i", "*.safetensors", "-i", "config.json")
    assert document("info", "org/model", env=ways)["family"] == "llama"
    doc = document("verify", "org/model", env=ways)
    assert doc["sound"] and doc["files"][0]["checksum"] == "right"
    assert document("diff", "org/model", "org/model", env=ways)["equal"]


def test_some_files(hub, ways, tmp_path):
    names = ["config.json", "empty.txt"]
    pull(ways, "--include", "*.json", "--include=e*.txt")
    is_whole(hub, cache(tmp_path) / "snapshots" / COMMIT, names)
    assert "no file of these names" in pull(ways, "-i", "*.xyz", status=1).stderr


@pytest.mark.parametrize("connections", [1, 3, 32])
def test_connections(hub, ways, tmp_path, connections):
    hub.files |= {f"part{i}": b"%d" % i * 1000 for i in range(40)}
    pull(ways, "-n", connections)
    is_whole(hub, cache(tmp_path) / "snapshots" / COMMIT)


def test_revisions(hub, ways, tmp_path):
    pull(ways, "--revision", "refs/pr/1")
    assert (cache(tmp_path) / "refs" / "refs" / "pr" / "1").read_text() == COMMIT
    pull(ways, "-r", COMMIT)
    assert (
        "no model 'org/model' with a revision 'none'" in pull(ways, "-r", "none", status=1).stderr
    )
    for wrong in "../x", "a//b", "/a", "a/", "a b", "":
        assert "no name of a revision" in pull(ways, "-r", wrong, status=1).stderr


# --- faults ------------------------------------------------------------------------------------


def test_broken_connections(hub, ways, tmp_path):
    """It goes on from where it broke, as long as it gets further."""
    hub.cuts = {"model.safetensors": 70_000, "deep/large.bin": 100_000}
    pull(ways)
    is_whole(hub, cache(tmp_path) / "snapshots" / COMMIT)
    ranges = [r for path, r, _ in hub.asked if path.endswith("large.bin") and r]
    assert {"bytes=100000-", "bytes=200000-"} <= set(ranges)


def test_going_on_later(hub, ways, tmp_path):
    hub.cuts = {"deep/large.bin": 0}
    done = pull(ways, status=1)
    assert "pull again to go on" in done.stderr and "large.bin" in done.stderr
    assert not (cache(tmp_path) / "refs" / "main").exists()
    large = hub.files["deep/large.bin"]
    name = hashlib.sha256(large).hexdigest()
    (cache(tmp_path) / "blobs" / f"{name}.incomplete").write_bytes(large[:123_456])
    hub.cuts.clear(), hub.asked.clear()
    pull(ways)
    assert ("bytes=123456-") in [r for path, r, _ in hub.asked if path.endswith("large.bin")]
    is_whole(hub, cache(tmp_path) / "snapshots" / COMMIT)


@pytest.mark.parametrize("ranges", [True, False])
def test_leftovers_of_other_bytes(hub, ways, tmp_path, ranges):
    """What is left of something else does not get its name, and the next time it comes anew."""
    blobs = cache(tmp_path) / "blobs"
    blobs.mkdir(parents=True)
    name = hashlib.sha256(hub.files["deep/large.bin"]).hexdigest()
    (blobs / f"{name}.incomplete").write_bytes(b"x" * 1000)
    hub.no_ranges = not ranges
    if ranges:
        assert "another SHA-256" in pull(ways, status=1).stderr
        assert not (blobs / name).exists()
    pull(ways)
    is_whole(hub, cache(tmp_path) / "snapshots" / COMMIT)


def test_leftover_that_is_too_long(hub, ways, tmp_path):
    blobs = cache(tmp_path) / "blobs"
    blobs.mkdir(parents=True)
    name = hashlib.sha256(hub.files["deep/large.bin"]).hexdigest()
    (blobs / f"{name}.incomplete").write_bytes(b"x" * 400_000)
    pull(ways)
    is_whole(hub, cache(tmp_path) / "snapshots" / COMMIT)


def test_wrong_bytes(hub, ways, tmp_path):
    data = bytearray(hub.files["deep/large.bin"])
    data[1000] ^= 1
    hub.lies = {"deep/large.bin": bytes(data)}
    assert "another SHA-256" in pull(ways, status=1).stderr
    assert not (cache(tmp_path) / "snapshots" / COMMIT / "deep" / "large.bin").exists()
    hub.lies = {}
    pull(ways)
    is_whole(hub, cache(tmp_path) / "snapshots" / COMMIT)


@pytest.mark.parametrize("bytes_of_it, words", [(b"more " * 100, "more bytes"), (b"few", "fewer")])
def test_another_number_of_bytes(hub, ways, tmp_path, bytes_of_it, words):
    hub.lies = {"config.json": bytes_of_it}
    assert words in pull(ways, status=1).stderr
    assert not (cache(tmp_path) / "snapshots" / COMMIT / "config.json").exists()


def test_statuses(hub, ways):
    hub.status = {f"/org/model/resolve/{COMMIT}/config.json": 503}
    assert "503" in pull(ways, status=1).stderr
    hub.status = {f"/org/model/resolve/{COMMIT}/config.json": 404}
    done = pull(ways, status=1)
    assert "404" in done.stderr and "pull again" not in done.stderr
    hub.status = {"/api/models/org/model/revision/main": 500}
    assert "HTTP 500" in pull(ways, status=1).stderr
    assert "no model 'org/other'" in run("pull", "org/other", status=1, env=ways).stderr


def test_token(hub, ways, tmp_path):
    """It goes to the hub, and not to where the hub sends us."""
    hub.token = "hf_secret"
    done = pull(ways, status=1)
    assert "HF_TOKEN" in done.stderr and "401" in done.stderr
    assert "this token" in pull({**ways, "HF_TOKEN": "hf_wrong"}, status=1).stderr
    hub.asked.clear()
    pull({**ways, "HF_TOKEN": "hf_secret"})
    large = [token for path, _, token in hub.asked if path.endswith("large.bin")]
    assert large == ["Bearer hf_secret", None]
    (tmp_path / "home" / "token").write_text("hf_secret\n")
    pull(ways)
    assert "token has" in pull({**ways, "HF_TOKEN": "a\nb"}, status=1).stderr


HOSTILE = [
    "../x",
    "/etc/x",
    "a/../../x",
    "a//b",
    ".",
    "..",
    "a/.",
    "",
    "a\nb",
    "\x1b[31m",
    "a\\b",
    3,
    None,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_elsewhere(hub, ways, tmp_path, name):
    row = {"rfilename": name, "size": 3, "blobId": "0" * 40}
    hub.listing = {"sha": COMMIT, "siblings": [row]}
    assert "leads out" in pull(ways, status=1).stderr
    assert not (tmp_path / "home" / "hub").exists()


ROW = {"rfilename": "a", "size": 3, "blobId": "0" * 40}


@pytest.mark.parametrize(
    "listing",
    [
        {"sha": "../../../x", "siblings": [ROW]},
        {"sha": "A" * 40, "siblings": [ROW]},
        {"siblings": [ROW]},
        {"sha": COMMIT},
        {"sha": COMMIT, "siblings": {}},
        {"sha": COMMIT, "siblings": [3]},
        {"sha": COMMIT, "siblings": [{**ROW, "blobId": "../x"}]},
        {"sha": COMMIT, "siblings": [{**ROW, "size": -1}]},
        {"sha": COMMIT, "siblings": [{**ROW, "size": "3"}]},
        {"sha": COMMIT, "siblings": [{**ROW, "lfs": {"sha256": "../" * 20 + "abcd", "size": 1}}]},
        {"sha": COMMIT, "siblings": [{**ROW, "lfs": {}}]},
        ["nothing"],
    ],
)
def test_hostile_listings(hub, ways, tmp_path, listing):
    hub.listing = listing
    assert "list of files" in pull(ways, status=1).stderr
    assert not (tmp_path / "home" / "hub").exists()


def test_names_of_models(ways):
    for name in "../x", "a/b/c", "/a", "a/", "a b/c", "a/..", "org--x/m", "\x1b[31m/x", "", "-x/y":
        done = run("pull", "--", name, status=1, env=ways)
        assert "no name of a model" in done.stderr and "\x1b" not in done.stderr


def test_offline(hub, ways, tmp_path):
    """Said at once; what the cache has is found."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nobody listens
        nobody = {**ways, "HF_ENDPOINT": f"http://127.0.0.1:{unused.getsockname()[1]}"}
        assert "cannot reach" in pull(nobody, status=1).stderr
    offline = {**ways, "HF_HUB_OFFLINE": "1"}
    assert "HF_HUB_OFFLINE" in pull(offline, status=1).stderr
    assert hub.asked == []
    pull(ways)
    hub.asked.clear()
    assert COMMIT in pull(offline).stdout and hub.asked == []
    assert "no address" in pull({**ways, "HF_ENDPOINT": "ftp://x"}, status=1).stderr


def test_other_places(hub, ways, tmp_path):
    pull({**ways, "HF_HUB_CACHE": str(tmp_path / "own")})
    is_whole(hub, tmp_path / "own" / "models--org--model" / "snapshots" / COMMIT)
    plain = {**ways, "HF_HOME": "", "XDG_CACHE_HOME": str(tmp_path / "xdg")}
    pull(plain)
    is_whole(hub, tmp_path / "xdg/huggingface/hub/models--org--model/snapshots" / COMMIT)
    pull({**plain, "XDG_CACHE_HOME": "", "HOME": str(tmp_path / "me")})
    assert (tmp_path / "me/.cache/huggingface/hub/models--org--model/refs/main").exists()
    assert "HF_HOME" in pull({**plain, "XDG_CACHE_HOME": "", "HOME": ""}, status=1).stderr


def test_cannot_be_written(ways, tmp_path):
    (tmp_path / "home").write_text("a file")
    assert "cannot make the folder" in pull(ways, status=1).stderr


def test_two_at_once(hub, ways, tmp_path):
    """They wait for each other, and each file comes once."""
    words = [MLX, "pull", "org/model"]
    programs = [subprocess.Popen(words, env=environment(**ways), stdout=-3) for _ in range(3)]
    assert [p.wait(120) for p in programs] == [0, 0, 0]
    is_whole(hub, cache(tmp_path) / "snapshots" / COMMIT)
    large = [p for p in files_asked(hub) if p == "deep/large.bin"]
    assert len(large) == 2  # one answer leads to the other server


def test_control_c(hub, ways, tmp_path):
    """A hub that sends nothing: it stops, and what came stays for the next time."""
    lock = cache(tmp_path).parent / ".locks" / "models--org--model"
    lock.mkdir(parents=True)
    held = open(lock / f"{hashlib.sha256(hub.files['deep/large.bin']).hexdigest()}.lock", "w")
    fcntl.flock(held, fcntl.LOCK_EX)
    process = subprocess.Popen(
        [MLX, "pull", "org/model"], env=environment(**ways), stderr=subprocess.PIPE, text=True
    )
    snapshot = cache(tmp_path) / "snapshots" / COMMIT
    while not (snapshot / "model.safetensors").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors.startswith("mlx pull: ")
    held.close()
    pull(ways)
    is_whole(hub, snapshot)


def test_hugging_face_finds_it(hub, ways, tmp_path):
    """The same cache, by their own package where it is installed."""
    theirs = pytest.importorskip("huggingface_hub")
    pull(ways)
    home = str(tmp_path / "home" / "hub")
    folder = theirs.snapshot_download("org/model", cache_dir=home, local_files_only=True)
    assert folder == str(cache(tmp_path) / "snapshots" / COMMIT)
    path = theirs.hf_hub_download(
        "org/model", "deep/large.bin", cache_dir=home, local_files_only=True
    )
    assert open(path, "rb").read() == hub.files["deep/large.bin"]
