"""A hub on loopback: the listing, files with ranges, redirects to where they lie, and faults."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "abcd"


def git_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """files: name -> bytes; those of `large` have a SHA-256, as LFS gives it, and are redirected."""

    def __init__(self, files, large=()):
        self.files, self.large = dict(files), set(large)
        self.lies = {}  # name -> bytes that come instead
        self.cuts = {}  # name -> how many bytes an answer has before the connection breaks
        self.listing = None  # instead of what is so
        self.status = {}  # path -> status
        self.token = None
        self.no_ranges = False
        self.asked = []  # (path, Range, token)
        self.far = Server(self)
        self.near = Server(self)
        self.endpoint = self.near.address

    def rows(self):
        for name, data in self.files.items():
            row = {"rfilename": name, "size": len(data), "blobId": git_id(data)}
            if name in self.large:
                digest = hashlib.sha256(data).hexdigest()
                row["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 134}
            yield row

    def answer(self):
        return self.listing or {"id": "org/model", "sha": COMMIT, "siblings": list(self.rows())}

    def close(self):
        self.near.close(), self.far.close()


class Server:
    def __init__(self, hub):
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.hub, self.http.daemon_threads = hub, True
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.http.shutdown(), self.thread.join(), self.http.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, data=b"", **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", len(data))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        token = self.headers.get("Authorization")
        hub.asked.append((path, self.headers.get("Range"), token))
        is_far = self.server is hub.far.http
        if path in hub.status:
            self.reply(hub.status[path])
        elif not is_far and hub.token and token != f"Bearer {hub.token}":
            self.reply(401)
        elif path.startswith("/api/models/org/model/revision/"):
            self.list(path.removeprefix("/api/models/org/model/revision/"))
        elif path.startswith(f"/org/model/resolve/{COMMIT}/"):
            self.resolve(path.removeprefix(f"/org/model/resolve/{COMMIT}/"), is_far)
        else:
            self.reply(404)

    def list(self, revision):
        known = revision in ("main", "refs/pr/1", COMMIT)
        self.reply(200 if known else 404, json.dumps(self.server.hub.answer()).encode())

    def resolve(self, name, is_far):
        hub = self.server.hub
        if name in hub.large and not is_far:
            self.reply(302, Location=hub.far.address + self.path)
        elif name in hub.files:
            self.send(name, hub.lies.get(name, hub.files[name]))
        else:
            self.reply(404)

    def send(self, name, data):
        asked, hub = self.headers.get("Range"), self.server.hub
        begin = (
            int(asked.removeprefix("bytes=").split("-")[0]) if asked and not hub.no_ranges else 0
        )
        if begin and begin >= len(data):
            self.reply(416)
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", len(data) - begin)
        self.end_headers()
        cut = hub.cuts.get(name)
        self.wfile.write(data[begin : begin + cut] if cut is not None else data[begin:])
        self.close_connection = cut is not None
