"""mlx serve: HTTP, and what strangers send; who may ask; limits; how it ends."""

import contextlib
import json
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from files import gguf_bytes
from program import MLX, environment, run
from server import FAKE, HANG, server, serving, user  # noqa: F401


def raw(server, data, close=False):
    """What comes back for these bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=HANG) as s:
        try:
            s.sendall(data)
            if close:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it may have had enough
        found = b""
        try:
            while part := s.recv(65536):
                found += part
        except OSError:
            pass
        return found


def post(path, body, *lines, close=True):
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *lines]
    if close:
        head.append("Connection: close")
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


CHAT = "/v1/chat/completions"
GOOD = json.dumps({"messages": [user("hello")]}).encode()


def fine(server):
    return server.chat()["choices"][0]["message"]["content"] == "hello"


# --- bytes that are no request --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON"),
        (b'"text"', "no JSON"),
        (b'{"model": "a", "model": "b"}', "duplicate"),
        (b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}', "unable to decode"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "no JSON"),
        (b'{"a": ' + b"[" * 100, "deeper than 64"),
        (b"[" * 1000000, "deeper than 64"),
        (b'{"a":' * 50000, "deeper than 64"),
        (b'{"n": 1e999}', "n: the number is out of range"),
        (b'{"n": 99999999999999999999}', "n: the number is out of range"),
        (b'{"\xc3\xa9' + "é".encode() * 300 + b'": 1e999}', "out of range"),
        (GOOD + b"x", "no JSON"),
        (b"\x00" * 1000, "no JSON"),
    ],
    ids=range(16),
)
def test_bodies(server, body, why):
    status, _, answer = server.ask(CHAT, body, "POST")
    assert status == 400 and why in answer["error"]["message"], answer
    assert fine(server)


HUGE = "18446744073709551615"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"messages": [], "seed": %s}', "seed"),
        ('{"messages": [{"role": "user", "content": "a, \\"b\\": {"}], "n": -%s, "b": 1}', "n"),
        ('{"json_schema": {"properties": {"a": {"enum": [1, {"b": 2}, %s]}}}}',
         "json_schema.properties.a.enum[2]"),
        ('{"json_schema": {"a": [], "maximum":%s}}', "json_schema.maximum"),
    ],
)  # fmt: skip
def test_numbers_that_no_type_has(server, body, field):
    status, _, answer = server.ask("/v1/chat/completions", body % HUGE)
    error = answer["error"]
    assert status == 400 and error["param"] == field and "64 bits at most" in error["message"]


def test_numbers_of_arguments_that_no_type_has(server):
    call = {"id": "c", "function": {"name": "f", "arguments": '{"n": [%s]}' % HUGE}}
    messages = [user("a"), {"role": "assistant", "tool_calls": [call]}]
    error = server.chat(messages=messages, status=400)["error"]
    assert error["param"] == "messages[1].tool_calls[0].function.arguments"
    assert "'n[0]' of the arguments" in error["message"] and "64 bits" in error["message"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 200000 + b"\r\n\r\n",
        b"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET //etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_http(server, data):
    answer = raw(server, data, close=True)
    assert answer == b"" or answer.startswith(b"HTTP/1."), answer[:100]
    if answer:
        assert 400 <= int(answer.split(b" ")[1]) < 600, answer[:100]
    assert fine(server)


CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = "%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD.decode())
COUNTED = f"Content-Length: {len(GOOD)}"
TWICE = "stands there 2 times"


@pytest.mark.parametrize(
    ("lines", "body", "status", "why"),
    [
        # whose the request is
        ([COUNTED], GOOD, 400, "HTTP/1.1 has a Host"),
        (["Host: localhost", "Host: localhost", COUNTED], GOOD, 400, f"Host {TWICE}"),
        (["Host: localhost", "host: evil.example", COUNTED], GOOD, 400, f"Host {TWICE}"),
        (["Host: localhost", "Origin: a", "Origin: b", COUNTED], GOOD, 400, f"Origin {TWICE}"),
        (["Host: localhost", "Authorization: a", "Authorization: b"], "", 400, TWICE),
        (["Host: localhost", "X-API-Key: a", "x-api-key: b"], "", 400, f"x-api-key {TWICE}"),
        # where its body ends
        (["Host: localhost", COUNTED, CHUNKED], CHUNKS, 400, "not both"),
        (["Host: localhost", CHUNKED, COUNTED], CHUNKS, 400, "not both"),
        (["Host: localhost", COUNTED, COUNTED], GOOD, 400, f"Content-Length {TWICE}"),
        (["Host: localhost", COUNTED, "Content-Length: 1"], GOOD, 400, TWICE),
        (["Host: localhost", f"{COUNTED}, {len(GOOD)}"], GOOD, 400, ""),
        (["Host: localhost", f"Content-Length: +{len(GOOD)}"], GOOD, 400, ""),
        (["Host: localhost", "Content-Length: 0x10"], GOOD, 400, ""),
        (["Host: localhost", "Content-Length:"], GOOD, 400, ""),
        (["Host: localhost", CHUNKED, CHUNKED], CHUNKS, 400, f"Transfer-Encoding {TWICE}"),
        (["Host: localhost", "Transfer-Encoding: gzip, chunked"], CHUNKS, 501, "'chunked' alone"),
        (["Host: localhost", "Transfer-Encoding: chunked, x"], CHUNKS, 501, "'chunked' alone"),
        (["Host: localhost", "Transfer-Encoding: xchunked"], CHUNKS, 501, "'chunked' alone"),
        (["Host: localhost", "Transfer-Encoding: identity"], "", 501, "'chunked' alone"),
        (["Host: localhost", CHUNKED], "0x5\r\nabcde\r\n0\r\n\r\n", 400, ""),
        (["Host: localhost", CHUNKED], "-5\r\nabcde\r\n0\r\n\r\n", 400, ""),
        (["Host: localhost", CHUNKED], "f" * 17 + "\r\nabc", 413, ""),
        (["Host: localhost", CHUNKED], "5;" + "a" * 200000 + "\r\nabcde\r\n", 500, ""),
        (["Host: localhost", CHUNKED], CHUNKS[:-2] + "X: y\r\n" * 50000 + "\r\n", 431, ""),
        # what is no header
        (["Host: localhost", "Content-Length : 5", COUNTED], GOOD, 400, "no token"),
        (["Host: localhost", "Transfer-Encoding : chunked", COUNTED], GOOD, 400, "no token"),
        (["Host: localhost", "a b: c", COUNTED], GOOD, 400, "no token"),
        ([" folded: into the request line", "Host: localhost", COUNTED], GOOD, 400, "no token"),
        (["Host: localhost", " .evil.example", COUNTED], GOOD, 400, "has a Host"),  # folded
        (["Host: localhost", "X: a\rContent-Length: 1", COUNTED], GOOD, 400, "control character"),
        (["Host: localhost", "X: a\x01", COUNTED], GOOD, 400, "control character"),
        (["Host: localhost", "no colon", COUNTED], GOOD, 400, ""),
        # bodies that would have to be unpacked
        (["Host: localhost", "Content-Encoding: gzip", COUNTED], GOOD, 415, "Content-Encoding"),
        (["Host: localhost", "content-encoding: br", CHUNKED], CHUNKS, 415, "invalid_request"),
        (["Host: localhost", "Content-Encoding:", COUNTED], GOOD, 415, "Content-Encoding"),
        # what is allowed
        (["Host: localhost", "Content-Encoding: Identity", COUNTED], GOOD, 200, "hello"),
        (["Host: localhost", CHUNKED], CHUNKS, 200, "hello"),
        (["Host: localhost", "transfer-encoding: Chunked"], CHUNKS, 200, "hello"),
        (["Host: localhost", CHUNKED], CHUNKS.replace("\r\n", ";a=b\r\n", 1), 200, "hello"),
        (["Host: localhost", CHUNKED], CHUNKS[:-2] + "X: y\r\n\r\n", 200, "hello"),
        (["Host: localhost", COUNTED, "X: \ta\xe9 ", "X: b"], GOOD, 200, "hello"),
    ],
    ids=str,
)  # fmt: skip
def test_headers_are_read_one_way(server, lines, body, status, why):
    """RFC 9112: 3.2 Host, 5 fields, 6 the body's end, 7.1 chunks."""
    head = "\r\n".join([f"POST {CHAT} HTTP/1.1", *lines, "Connection: close", "", ""])
    body = body if isinstance(body, bytes) else body.encode()
    answer = raw(server, head.encode("latin-1") + body)
    assert answer.startswith(b"HTTP/1.1 %d " % status) and why.encode() in answer, answer[-300:]
    assert fine(server)


def test_what_is_read_two_ways_ends_the_connection(server):
    """Nobody else's request is read out of its rest."""
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\n{COUNTED}\r\n{CHUNKED}\r\n\r\n"
    answer = raw(
        server, head.encode() + b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert answer.count(b"HTTP/1.1 ") == 1 and answer.startswith(b"HTTP/1.1 400")
    assert b"connection: close" in answer.lower()
    old = f"POST {CHAT} HTTP/1.0\r\n{CHUNKED}\r\n\r\n{CHUNKS}"
    assert b"HTTP/1.0 has no Transfer-Encoding" in raw(server, old.encode())


@pytest.mark.parametrize(
    ("target", "host", "status", "why"),
    [
        (f"http://localhost{CHAT}", "localhost", 200, "hello"),
        (f"HTTPS://127.0.0.1:9{CHAT}?x=1", "evil.example", 200, "hello"),  # Host does not count
        (f"http://evil.example{CHAT}", "localhost", 403, "its own machine"),
        (f"http://me@evil.example@localhost{CHAT}", "localhost", 403, "its own machine"),
        ("http://localhost", "localhost", 405, "GET, HEAD is"),
        (f"http://{CHAT}", "localhost", 404, "nothing at"),
        (f"ftp://localhost{CHAT}", "localhost", 404, "nothing at"),
    ],
)
def test_targets_that_name_the_server(server, target, host, status, why):
    """RFC 9112, 3.2.2."""
    head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{COUNTED}\r\n\r\n"
    answer = raw(server, head.encode() + GOOD)
    assert answer.startswith(b"HTTP/1.1 %d " % status) and why.encode() in answer, answer[-300:]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "BREW", "OPTIONS", "GET"])
def test_methods(server, method):
    status, headers, answer = server.ask(CHAT, method=method)
    assert status == 405 and headers["allow"] == "POST"
    assert "POST" in answer["error"]["message"]


def test_paths(server):
    for path in (
        "/none",
        "/v1",
        "/v1/chat/completions/",
        "/v1/chat/completions/x",
        "/api/none",
        "/.git",
    ):
        assert server.ask(path)[0] == 404
    assert server.ask("/api/none")[2]["error"] == "there is nothing at /api/none"
    assert server.ask("/v1/messages/none")[2]["type"] == "error"
    status, headers, text = server.ask("/health", method="HEAD")
    assert status == 200 and text == "" and int(headers["content-length"]) > 0
    assert server.ask("/health?x=1")[0] == 200


def test_a_body_in_chunks(server):
    parts = [GOOD[i : i + 7] for i in range(0, len(GOOD), 7)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    answer = raw(server, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 200") and b'"content":"hello"' in answer


def test_one_connection_for_many(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=HANG) as s:
        for _ in range(20):
            s.sendall(post(CHAT, GOOD, close=False))
            answer = b""
            while b"cached_tokens" not in answer:
                answer += s.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
        s.sendall(post(CHAT, b"{", close=False))
        assert s.recv(65536).startswith(b"HTTP/1.1 400")
        s.sendall(post(CHAT, GOOD, close=False))
        assert s.recv(65536).startswith(b"HTTP/1.1 200")


def test_http_1_0(server):
    stream = json.dumps({"messages": [user("hello")], "stream": True}).encode()
    head = f"POST {CHAT} HTTP/1.0\r\nContent-Length: {len(stream)}\r\n\r\n"
    answer = raw(server, head.encode() + stream)
    assert answer.split(b" ")[1] == b"200" and answer.endswith(b"data: [DONE]\n\n")
    assert b"chunked" not in answer.split(b"\r\n\r\n")[0]


def test_a_name_that_a_terminal_would_obey(tmp_path):
    (tmp_path / "a\x1b[31mb\u202e.gguf").write_bytes(b"")
    process = subprocess.Popen(
        [MLX, "serve", tmp_path, "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True,
    )  # fmt: skip
    try:
        said = process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=HANG)
    if "libmicrohttpd is not installed" in errors:
        pytest.skip("no libmicrohttpd")
    assert said.endswith(" serves a\\x1b[31mb\\u202e\n"), said + errors


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", ["{}", "[]", '{"":0}', "0"])
def test_more_values_than_the_length_is_worth(server, one):
    """Read, these 6 MB would take up to a hundred times as much."""
    many = one + f",{one}" * (6000000 // (len(one) + 1))
    status, _, answer = server.ask(CHAT, f'{{"messages": [{many}]}}', "POST")
    assert (
        status == 400
        and "the body is of more values than so long a text" in answer["error"]["message"]
    )
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": f"[{many}]"}}
    status, _, answer = server.ask(
        CHAT, {"messages": [{"role": "assistant", "content": "", "tool_calls": [call]}]}
    )
    assert status == 400 and "the arguments are of more values" in answer["error"]["message"]
    assert fine(server)


def test_a_million_tokens_are_not_too_many_values(server):
    body = {"model": "echo", "prompt": [10000 + i % 7 for i in range(1000000)]}
    status, _, answer = server.ask("/v1/completions", json.dumps(body, separators=(",", ":")))
    assert status == 200 or "values" not in answer["error"]["message"], answer


def test_large_bodies():
    with serving("--max-body", "10K") as small:
        whole = b'{"messages": [{"role": "user", "content": "' + b"x" * 20000 + b'"}]}'
        status, _, answer = small.ask(CHAT, whole, "POST")
        assert status == 413 and "10240 bytes" in answer["error"]["message"]
        # said to be enormous, and not sent
        answer = raw(small, b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Length: 99999999999\r\n\r\n", close=True)  # fmt: skip
        assert answer.startswith(b"HTTP/1.1 413")
        # of a size that nobody said, and without end
        head = (
            f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
        )
        one = b"400\r\n" + b"x" * 1024 + b"\r\n"
        for many in one * 12, one * 3000, b"100000\r\n" + b"x" * 0x100000 + b"\r\n":
            answer = raw(small, head.encode() + many + b"0\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 413") and b"10240 bytes" in answer
    with serving("--max-body", "10K", "--read-timeout", "1") as small:  # and without end
        assert raw(small, head.encode() + one * 100) == b""
        assert fine(small)


def test_slow_requests_are_cut():
    with serving("--read-timeout", "1") as quick:
        usual = 30  # seconds until any server cuts them
        begin, beginnings = time.monotonic(), []
        for data in b"", b"GET / HT", post(CHAT, GOOD)[:-5], b"GET / HTTP/1.1\r\nX: ":
            s = socket.create_connection(("127.0.0.1", quick.port), timeout=HANG)
            s.sendall(data)
            beginnings.append(s)
        last = beginnings[-1]
        with pytest.raises(OSError):
            while time.monotonic() - begin < usual:  # a byte now and then does not help
                last.sendall(b"a")
                time.sleep(0.1)
        for s in beginnings[:-1]:
            with contextlib.suppress(ConnectionResetError):
                while s.recv(1000):  # to its end, which is there at once
                    pass
            s.close()
        assert time.monotonic() - begin < usual
        assert fine(quick)


def test_long_requests_end():
    with serving("--request-timeout", "1") as quick:
        # what would take ten seconds, and would then be answered
        status, _, answer = quick.ask(CHAT, {"model": "slow", "messages": [user("x" * 500)]})
        assert status == 504 and answer["error"]["type"] == "timeout_error"
        found = quick.events(CHAT, model="slow", messages=[user("x" * 500)])
        assert "took too long" in found[-1][1]["error"]["message"] and len(found) > 3
        quick.wait_for(lambda: quick.metric("mlx_requests_running") == 0)


def test_connections_are_counted():
    with serving("--connections", "4", "--read-timeout", "20") as few:
        held = [socket.create_connection(("127.0.0.1", few.port), timeout=HANG) for _ in range(4)]
        few_more = socket.create_connection(("127.0.0.1", few.port), timeout=HANG)
        few_more.settimeout(0.5)
        try:
            few_more.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert few_more.recv(1000) == b""
        except OSError:
            pass
        for s in held + [few_more]:
            s.close()
        few.wait_for(lambda: try_fine(few))


def try_fine(server):
    try:
        return fine(server)
    except OSError:
        return False


def test_too_many_wait():
    with serving("--parallel", "2", "--queue", "2") as small:
        body = {"model": "slow", "messages": [user("x" * 400)], "max_tokens": 60}
        found, threads = [], []
        for _ in range(10):
            thread = threading.Thread(target=lambda: found.append(small.ask(CHAT, body)))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        statuses = sorted(status for status, _, _ in found)
        assert statuses.count(429) >= 4 and statuses.count(200) >= 4, statuses
        assert set(statuses) == {200, 429}
        refused = next(answer for answer in found if answer[0] == 429)
        assert int(refused[1]["retry-after"]) > 0
        assert refused[2]["error"]["type"] == "rate_limit_error"
        assert small.metric("mlx_refused_requests_total") == statuses.count(429)
        # several answers of one request, of which not all have room
        assert small.ask(CHAT, {**body, "n": 10})[0] == 429
        small.wait_for(lambda: small.metric("mlx_requests_running") == 0)


def test_limit_of_tokens():
    with serving("--max-tokens", "5") as small:
        assert small.chat("abcdefgh")["choices"][0]["message"]["content"] == "abcde"
        error = small.chat("abcdefgh", status=400, max_tokens=6)["error"]
        assert error["param"] == "max_tokens" and "5 at most" in error["message"]


# --- clients that go ------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes(server, stream):
    gone = server.metric("mlx_gone_clients_total")
    body = json.dumps({"model": "slow", "messages": [user("x" * 3000)], "stream": stream}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=HANG) as s:
        s.sendall(post(CHAT, body, close=False))
        server.wait_for(lambda: server.metric("mlx_requests_running") == 1)
        if stream:
            assert s.recv(100)
    server.wait_for(lambda: server.metric("mlx_requests_running") == 0, 5)
    server.wait_for(lambda: server.metric("mlx_gone_clients_total") == gone + 1)
    assert fine(server)


def test_a_client_that_closes_its_side_alone(server):
    """RFC 9112, 9.6: it gets its answer, behind what tells it from one that has gone."""
    answer = raw(server, post(CHAT, json.dumps({"model": "slow", "messages": [user("x" * 50)]})
                              .encode()), close=True)  # fmt: skip
    *before, head, body = answer.split(b"\r\n\r\n")
    assert all(part == b"HTTP/1.1 100 Continue" for part in before) and len(before) <= 1
    assert head.startswith(b"HTTP/1.1 200 "), answer[:200]
    assert json.loads(body)["choices"][0]["message"]["content"] == "x" * 50


def test_a_client_that_does_not_read(server):
    body = json.dumps({"model": "endless", "messages": [user("x")], "stream": True}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=HANG) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(post(CHAT, body, close=False))
        time.sleep(0.5)
        assert fine(server)  # nobody else waits for it


def test_one_does_not_disturb_another(server):
    found = {}

    def good(i):
        found[i] = "".join(
            chunk["choices"][0]["delta"].get("content", "")
            for _, chunk in server.events(CHAT, model="slow", messages=[user(f"answer {i}")])[:-1]
        )

    def bad(i):
        data = [post(CHAT, b'{"messages"'), b"\x00" * 100, post(CHAT, GOOD)[:40],
                post(CHAT, json.dumps({"model": "fails", "messages": [user("abcdef")]}).encode())]  # fmt: skip
        raw(server, data[i % 4], close=True)

    threads = [threading.Thread(target=good if i % 2 else bad, args=(i,)) for i in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: f"answer {i}" for i in range(1, 24, 2)}


# --- who may ask ----------------------------------------------------------------------------------


def test_keys(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("second\n\n  third  \n")
    with serving("--api-key", "first", "--api-key-file", str(keys)) as closed:
        body = {"messages": [user("hello")]}
        for key in "first", "second", "third":
            assert closed.ask(CHAT, body, headers={"Authorization": f"Bearer {key}"})[0] == 200
            assert closed.ask(CHAT, body, headers={"x-api-key": key})[0] == 200
        for key in "", "firs", "firstt", "second ", "x" * 5000:
            status, headers, answer = closed.ask(CHAT, body, headers={"x-api-key": key})
            if key != "second ":  # HTTP takes the space away
                assert status == 401 and answer["error"]["code"] == "invalid_api_key"
                assert headers["www-authenticate"] == "Bearer"
        assert closed.ask(CHAT, body)[0] == 401
        assert closed.ask("/v1/models")[0] == 401 and closed.ask("/metrics")[0] == 401
        status, _, answer = closed.ask("/v1/messages", {})
        assert status == 401 and answer["error"]["type"] == "authentication_error"
        # what needs none
        assert closed.ask("/health")[0] == 200 and closed.ask("/")[0] == 200
        assert closed.about["keys"] == 3


@pytest.mark.parametrize(
    ("content", "why"), [("", "no key"), ("\n \n", "no key"), ("x" * 600, "bytes")]
)
def test_files_of_keys(tmp_path, content, why):
    keys = tmp_path / "keys"
    keys.write_text(content)
    done = subprocess.run([FAKE, "serve", "echo", "--api-key-file", keys], capture_output=True,
                          text=True, timeout=60)  # fmt: skip
    assert done.returncode == 1 and why in done.stderr and "x" * 20 not in done.stderr


def test_pages_of_others(server):
    body = {"messages": [user("hello")]}
    status, headers, _ = server.ask(CHAT, body, headers={"Origin": "https://evil.example"})
    assert status == 403 and "access-control-allow-origin" not in headers
    assert server.ask(CHAT, body, headers={"Origin": server.url})[0] == 200
    assert server.ask(CHAT, body, headers={"Host": "evil.example"})[0] == 403
    assert server.ask(CHAT, body, headers={"Host": f"localhost:{server.port}"})[0] == 200
    for host in ("127.0.0.1.evil.example", "127.0.0.1:80.evil.example", "localhost:x", "[::1"):
        assert server.ask(CHAT, body, headers={"Host": host})[0] == 403, host
    for host in ("127.0.0.1", "LOCALHOST:80", "[::1]", "[::1]:80", "localhost:"):
        assert server.ask(CHAT, body, headers={"Host": host})[0] == 200, host


def test_origins_that_may():
    with serving("--cors", "https://app.example") as open_one:
        origin = {"Origin": "https://app.example"}
        status, headers, _ = open_one.ask(CHAT, {"messages": [user("a")]}, headers=origin)
        assert status == 200 and headers["access-control-allow-origin"] == "https://app.example"
        assert headers["vary"] == "Origin"
        status, headers, _ = open_one.ask(CHAT, method="OPTIONS", headers=origin)
        assert status == 204 and "authorization" in headers["access-control-allow-headers"]
        other = {"Origin": "https://app.example.evil"}
        assert open_one.ask(CHAT, method="OPTIONS", headers=other)[0] == 403
        assert open_one.ask("/health", headers=other)[0] == 403
    with serving("--cors", "https://a.example", "--cors", "https://b.example:8443") as two:
        for origin in ("https://a.example", "https://b.example:8443"):
            headers = two.ask("/health", headers={"Origin": origin})[1]
            assert headers["access-control-allow-origin"] == origin
        assert two.ask("/health", headers={"Origin": "https://b.example"})[0] == 403


@pytest.mark.parametrize("text", ["", "a.example", "https://a.example/", "https://A.example", "null",
                                  "https://a.example,https://b.example"])  # fmt: skip
def test_what_is_no_origin(text):
    done = subprocess.run(
        [FAKE, "serve", "-m", "echo", "--cors", text], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and "an origin is needed" in done.stderr


def test_headers(server):
    _, headers, _ = server.ask(CHAT, {"messages": [user("a")]})
    assert headers["x-request-id"].startswith("req_") and headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "access-control-allow-origin" not in headers
    _, headers, _ = server.ask("/v1/messages", {})
    assert headers["request-id"].startswith("req_")


# --- models, the log, the end ---------------------------------------------------------------------


def test_idle_models_go():
    with serving("--idle", "1") as idle:

        def loaded():
            return idle.metric("mlx_models_loaded")

        assert loaded() == 0
        fine(idle)
        assert loaded() == 1
        idle.wait_for(lambda: loaded() == 0)
        assert fine(idle)
        idle.post("/api/chat", model="echo", messages=[user("a")], stream=False, keep_alive=0)
        idle.wait_for(lambda: loaded() == 0)


def test_the_log_has_no_texts(tmp_path):
    log = tmp_path / "log"
    with open(log, "w") as to:
        process = subprocess.Popen([FAKE, "serve", "echo", "--port", "0", "--json", "--log"],
                                   stdout=subprocess.PIPE, stderr=to, text=True)  # fmt: skip
        from server import Server, read_document

        started = Server(process, read_document(process))
        started.chat("a very private text")
        started.ask("/a/private/path?secret=1")
        started.chat("x", status=400, private_field=1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    lines = log.read_text().splitlines()
    assert len(lines) == 3 and "private" not in log.read_text() and "secret" not in log.read_text()
    for words in " POST /v1/chat/completions 200 ", "25 + 19 tokens", " - other 404 ", " 400 ":
        assert sum(words in line for line in lines) == 1, lines


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_drains(number):
    with serving("--drain", "30") as ending:
        found = []
        body = {"model": "slow", "messages": [user("x" * 100)]}
        thread = threading.Thread(target=lambda: found.append(ending.ask(CHAT, body)))
        thread.start()
        ending.wait_for(lambda: ending.metric("mlx_requests_running") == 1)
        ending.process.send_signal(number)
        ending.wait_for(lambda: ending.ask("/health")[0] == 503)
        status, headers, answer = ending.ask(CHAT, {"messages": [user("a")]})
        assert status == 503 and "retry-after" in headers
        assert answer["error"]["type"] == "service_unavailable_error"
        thread.join()
        assert found[0][0] == 200 and found[0][2]["usage"]["completion_tokens"] == 100
        assert ending.process.wait(HANG) == 0


def test_it_does_not_drain_for_ever():
    with serving("--drain", "0.3") as ending:
        found = []
        # of twenty seconds, for which it would wait without the option
        body = {"model": "slow", "messages": [user("x" * 1000)]}
        thread = threading.Thread(target=lambda: found.append(ending.ask(CHAT, body)))
        thread.start()
        ending.wait_for(lambda: ending.metric("mlx_requests_running") == 1)
        ending.process.send_signal(signal.SIGTERM)
        assert ending.process.wait(HANG) == 0
        thread.join()
        assert found[0][0] == 504


def test_ports_and_hosts(server):
    done = subprocess.run([FAKE, "serve", "echo", "--port", str(server.port)], capture_output=True,
                          text=True, timeout=60)  # fmt: skip
    assert done.returncode == 1 and "cannot be listened at" in done.stderr
    done = subprocess.run([FAKE, "serve", "echo", "--host", "no.such.host.invalid"],
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 1 and "no.such.host.invalid" in done.stderr
    with serving("--host", "::1") as six:
        assert six.about["url"].startswith("http://[::1]:")


def test_the_command_line():
    assert "which model" in run("serve", status=2).stderr
    assert "POST" not in run("serve", "--help").stdout
    run("serve", "x", "--port", "70000", status=2)
    run("serve", "x", "--parallel", "0", status=2)


GGUF = {"general.architecture": "llama", "general.alignment": (4, 32)}
BYTE_PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.mark.parametrize("sandbox", [[], ["--sandbox"]], ids=str)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.gguf", None),
        ("empty.gguf", b""),
        ("image.png", BYTE_PNG),
        ("image.gguf", BYTE_PNG),
        ("text.gguf", b"no model\n"),
        ("bare.gguf", gguf_bytes({}, GGUF)),
        ("short.gguf", gguf_bytes({}, GGUF)[:40]),
        ("folder", {}),
        ("folder", {"config.json": b"{}"}),
        ("folder", {"config.json": b'{"model_type": "llama"}', "model.safetensors": b"x"}),
    ],
    ids=range(10),
)
def test_what_is_no_model_is_not_served(tmp_path, name, content, sandbox):
    """A sentence and a status, before it listens; also behind a model that is one."""
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
        for file, data in content.items():
            (path / file).write_bytes(data)
    done = run("serve", path, "--port", "0", *sandbox, status=1)
    assert name.split(".")[0] in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr


def test_sandbox():
    """Behind the filter everything is answered; no thread is outside of it."""
    # a leak checker traces the process, which the filter refuses
    with serving("--sandbox", env={"ASAN_OPTIONS": "detect_leaks=0"}) as s:
        assert s.chat("hello")["choices"][0]["message"]["content"]
        assert s.events("/v1/chat/completions", model="echo", messages=[user("a b c")])
        assert s.ask("/")[0] == 200 and s.ask("/metrics")[0] == 200
        threads = 0
        for task in Path(f"/proc/{s.process.pid}/task").glob("*/status"):
            try:
                text = task.read_text()
            except (
                FileNotFoundError,
                ProcessLookupError,
            ):  # of a connection that has ended meanwhile
                continue
            found = dict(line.split(":", 1) for line in text.splitlines())
            assert found["Seccomp"].strip() == "2" and found["NoNewPrivs"].strip() == "1"
            threads += 1
        assert threads > 1
