"""mx.profile: what a program does, by operation and line; the table, the trace."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import pytest

HERE = Path(__file__).name


def line(marker):
    """The line of this file that ends in a comment with the marker."""
    for number, text in enumerate(Path(__file__).read_text().splitlines(), 1):
        if text.endswith(f"# {marker}"):
            return number
    raise AssertionError(marker)


def ends(source, marker):
    return source is not None and source.endswith(f"{HERE}:{line(marker)}")


@pytest.fixture
def x():
    a = mx.random.normal((32, 16))
    mx.eval(a)
    return a


def test_an_event(x):
    with mx.profile() as p:
        mx.eval(mx.exp(x) * x + x)  # fused
    (e,) = p.events
    assert e.name == "Exp+Multiply+Add" and e.fused and not e.failed
    assert ends(e.source, "fused")
    assert e.inputs == (((32, 16), mx.float32),) == e.outputs
    assert e.flops == 3 * 512 and e.bytes_read == e.bytes_written == 2048
    assert e.duration_ns == e.self_ns > 0 and e.start_ns >= 0 and e.depth == 0
    assert e.thread == threading.get_native_id() and e.active >= 4096
    assert p.dropped == 0


def test_the_table(x):
    with mx.profile() as p:
        for _ in range(3):
            mx.eval(x @ x.T)  # product
        mx.eval(mx.softmax(x, axis=-1))  # softmax
    rows = {r.name: r for r in p.table}
    assert [r.self_ns for r in p.table] == sorted((r.self_ns for r in p.table), reverse=True)
    assert rows["Matmul"].calls == 3 and rows["Matmul"].flops == 3 * 2 * 32 * 32 * 16
    assert rows["Matmul"].bytes == 3 * 4 * (2 * 512 + 1024)
    assert rows["Softmax"].calls == 1 and rows["Softmax"].share > 0
    assert ends(rows["Matmul"].source, "product") and ends(rows["Softmax"].source, "softmax")
    text = str(p)
    assert "Matmul" in text and f"{HERE}:{line('product')}" in text and "GFLOP/s" in text
    assert repr(p).startswith("<profile, ")


def test_lines_of_modules_are_the_program_s(x):
    layer = nn.Linear(16, 4)
    mx.eval(layer.parameters())
    with mx.profile() as p:
        mx.eval(layer(x))  # layer
    assert any(e.name == "AddMM" for e in p.events)
    assert all(ends(e.source, "layer") for e in p.events)


def test_lines_of_derivatives_are_those_of_the_function(x):
    def loss(w):
        y = mx.tanh(x @ w)  # forward
        return (y * y).sum()

    w = mx.ones((16, 4))
    mx.eval(w)
    with mx.profile() as p:
        mx.eval(mx.grad(loss)(w))
    products = [e for e in p.events if e.name == "Matmul"]
    assert len(products) == 2 and all(ends(e.source, "forward") for e in products)


@pytest.mark.parametrize("before", [True, False])
def test_compiled_functions(x, before):
    f = mx.compile(lambda a: mx.sin(a @ a.T).sum())  # body
    if before:
        mx.eval(f(x))
    with mx.profile() as p:
        mx.eval(f(x))  # call
    whole = p.events[-1]
    inside = p.events[:-1]
    assert whole.name == "Compiled" and whole.depth == 0 and ends(whole.source, "call")
    assert [e.depth for e in inside] == [1] * len(inside)
    assert {e.name for e in inside} == {"Transpose", "Matmul", "Sin", "Sum"}
    # traced while nobody watched: known is only the call
    assert all(ends(e.source, "call" if before else "body") for e in inside)
    assert whole.self_ns == whole.duration_ns - sum(e.duration_ns for e in inside)


def test_vmap_and_checkpoint(x):
    def row(a):
        return mx.exp(a).sum()  # row

    with mx.profile() as p:
        mx.eval(mx.vmap(row)(x))
        mx.eval(mx.grad(lambda a: mx.checkpoint(row)(a))(x))
    rows = [e for e in p.events if "Exp" in e.name]
    assert rows and all(ends(e.source, "row") for e in rows)


def test_threads(x):
    def work():
        for _ in range(20):
            mx.eval(mx.exp(x) * 2)

    threads = [threading.Thread(target=work) for _ in range(4)]
    with mx.profile() as p:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    events = [e for e in p.events if e.name == "Exp+Multiply"]
    assert len(events) == 80
    assert sorted(sum(e.thread == t.native_id for e in events) for t in threads) == [20] * 4


def test_streams(x):
    s = mx.new_stream(mx.cpu)
    with mx.profile() as p:
        mx.eval(mx.exp(x, stream=s))
    assert [f"Stream(Device(cpu, 0), {e.stream})" for e in p.events] == [str(s)]


def test_nested_profiles(x):
    with mx.profile() as outer:
        with mx.profile() as inner:
            mx.eval(mx.exp(x))
        mx.eval(mx.sin(x))
    assert [e.name for e in inner.events] == ["Exp"]
    assert [e.name for e in outer.events] == ["Exp", "Sin"]


def test_an_error_inside(x):
    y = mx.take(x, mx.array([99]), axis=0)
    with pytest.raises(Exception), mx.profile() as p:
        mx.eval(y)
    assert p.events[-1].failed


def test_bounded_memory(x):
    with mx.profile(memory=1) as p:
        for _ in range(2000):
            mx.eval(mx.exp(x))
    assert p.dropped > 0 and p.dropped + len(p.events) == 2000
    assert "had no room" in str(p)


def test_order_of_calls():
    p = mx.profile()
    for read in (lambda: p.events, lambda: p.table, lambda: str(p), lambda: p.save("never.json")):
        with pytest.raises(ValueError, match="has not run"):
            read()
    with pytest.raises(ValueError, match="does not run"):
        p.stop()
    assert p.start() is p and repr(p) == "<profile, not stopped>"
    with pytest.raises(ValueError, match="still runs"):
        _ = p.events
    with pytest.raises(ValueError, match="runs already"):
        p.start()
    assert p.stop().events == [] and p.table == [] and "0 events" in str(p)
    with pytest.raises(ValueError):
        mx.profile(memory=-1)
    with pytest.raises(TypeError):
        p.save(3)
    with pytest.raises(RuntimeError, match="cannot create"):
        p.save("/no such folder/out.json")
    assert p.start().stop().events == []  # again


def test_a_trace(x, tmp_path):
    with mx.profile() as p:
        mx.eval(mx.exp(x) * x, x @ x.T)
    p.save(tmp_path / "out.json")
    trace = json.loads((tmp_path / "out.json").read_text())
    operations = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert [e["name"] for e in operations] == [e.name for e in p.events]
    for found, e in zip(operations, p.events, strict=True):
        assert found["pid"] == os.getpid() and found["tid"] == e.thread
        assert found["ts"] == pytest.approx(e.start_ns / 1e3, abs=1e-3)
        assert found["dur"] == pytest.approx(e.duration_ns / 1e3, abs=1e-3)
        assert found["args"]["flops"] == e.flops and found["args"]["read"] == e.bytes_read
        assert found["args"]["source"] == e.source
    memory = [e["args"]["active"] for e in trace["traceEvents"] if e["ph"] == "C"]
    assert memory == [e.active for e in p.events]
    threads = {e["tid"] for e in trace["traceEvents"] if e["ph"] == "M"}
    assert {e.thread for e in p.events} <= threads


def test_hostile_names(x, tmp_path):
    name = 'a"b\\c\n</script>\udcff\u00e9.py'
    code = compile("y = mx.exp(x)", name, "exec")
    with mx.profile() as p:
        scope = {"mx": mx, "x": x}
        exec(code, scope)
        mx.eval(scope["y"])
    (e,) = p.events
    assert e.source == f"{name}:1"
    p.save(tmp_path / "out.json")
    text = (tmp_path / "out.json").read_text()
    assert "</script>" not in text
    trace = json.loads(text)
    assert any(
        e["args"].get("source") == name.replace("\udcff", "\ufffd") + ":1"
        for e in trace["traceEvents"]
    )


PROGRAM = """
import mlx.core as mx
x = mx.ones((4, 4))
mx.eval(mx.exp(x) @ x)
"""


def run(trace, code=PROGRAM):
    environment = {**os.environ, "MLX_TRACE": str(trace), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )


def test_the_environment(tmp_path):
    done = run(tmp_path / "out-%p.json")
    assert done.returncode == 0 and done.stderr == ""
    (path,) = tmp_path.glob("out-*.json")
    trace = json.loads(path.read_text())
    (product,) = (e for e in trace["traceEvents"] if e["name"] == "Matmul")
    assert product["args"]["source"] == "<string>:4" and product["args"]["flops"] == 128


def test_a_trace_that_cannot_be_written(tmp_path):
    done = run(tmp_path / "none" / "out.json", PROGRAM + "raise SystemExit(3)")
    assert done.returncode == 3
    assert done.stderr.startswith("MLX_TRACE: there is no trace: [trace] cannot create")


def test_what_the_program_raised_stays(x):
    """The line is looked up while an exception is being handled, and none is lost."""
    with mx.profile() as p:
        try:
            raise KeyError("mine")
        except KeyError:
            y = mx.exp(x)
        mx.eval(y)
    assert [e.name for e in p.events] == ["Exp"]
