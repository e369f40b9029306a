"""Several Python threads at once: evaluating, transforming, sharing arrays and compiled
functions."""

import subprocess
import sys
import threading

import pytest

import mlx.core as mx

THREADS, TIMES = 6, 30


def together(work, times=TIMES):
    """work(i) in every thread at once; the first exception of any."""
    failures, start = [], threading.Barrier(THREADS)

    def run(i):
        try:
            start.wait()
            for _ in range(times):
                work(i)
        except BaseException as e:  # noqa: BLE001, reported below
            failures.append(e)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert not any(t.is_alive() for t in threads), "the threads wait for each other"
    if failures:
        raise failures[0]


def test_eval():
    x = mx.ones((64, 64))

    def work(i):
        y = (x * i) @ x
        mx.eval(y)
        assert y[0, 0].item() == 64 * i

    together(work)


def test_one_array_for_all():
    shared = [mx.ones((64, 64)) * 2 for _ in range(TIMES)]

    def work(i):
        for y in shared:
            assert y[3, 4].item() == 2

    together(work)


def test_gradients_by_one_dict():
    """Threads take turns: none sees what another one's function is given, and the dict is as
    before."""
    w, b = mx.array([1.0, 2.0]), mx.array([3.0])
    shared = {"layers": [{"w": w}], "b": b}

    def loss(p, factor):
        y = (p["layers"][0]["w"] ** 2).sum() * factor + p["b"].sum()
        mx.eval(mx.ones((64, 64)) @ mx.ones((64, 64)))  # others may run now
        return y

    def work(i):
        value, g = mx.value_and_grad(loss)(shared, i)
        assert value.item() == 5 * i + 3
        assert g["layers"][0]["w"].tolist() == [2 * i, 4 * i] and g["b"].tolist() == [1]

    together(work)
    assert shared["layers"][0]["w"] is w and shared["b"] is b


def test_a_thread_that_holds_a_dict_does_not_wait_for_more():
    mine, other = {"w": mx.array(1.0)}, {"w": mx.array(2.0)}
    inside, leave = threading.Event(), threading.Event()

    def long(p):
        inside.set()
        assert leave.wait(60)
        return p["w"] ** 2

    results = []
    t = threading.Thread(target=lambda: results.append(mx.grad(long)(other)), daemon=True)
    t.start()
    assert inside.wait(60)
    try:
        with pytest.raises(RuntimeError, match="Another thread is differentiating"):
            mx.grad(lambda p: p["w"] * mx.grad(lambda q: q["w"] ** 3)(other)["w"])(mine)
    finally:
        leave.set()
        t.join(60)
    assert results[0]["w"].item() == 4
    assert (
        mx.grad(lambda p: p["w"] * mx.grad(lambda q: q["w"] ** 3)(other)["w"])(mine)["w"].item()
        == 12
    )
    nested = mx.grad(lambda p: mx.grad(lambda q: q["w"] ** 3)(p)["w"])(other)
    assert nested["w"].item() == 12 and other["w"].item() == 2


def test_transforms():
    def work(i):
        x = mx.array(float(i))
        assert mx.grad(lambda v: v * v * v)(x).item() == 3 * i * i
        assert mx.vmap(lambda v: v * x)(mx.ones(3)).tolist() == [i] * 3
        assert mx.jvp(lambda v: v * v, [x], [mx.array(1.0)])[1][0].item() == 2 * i
        assert mx.grad(mx.checkpoint(lambda v: v * v))(x).item() == 2 * i

    together(work)


def test_a_first_call_that_another_thread_traces():
    functions = [mx.compile(lambda x: {"sum": [x + x]}) for _ in range(2000)]
    x, interval = mx.array([1.0, 2.0]), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        together(lambda i: [f(x)["sum"][0].tolist() == [2, 4] or 1 / 0 for f in functions], 1)
    finally:
        sys.setswitchinterval(interval)


def test_one_compiled_function_for_all():
    c = mx.compile(lambda x, k: {"y": x * k})

    def work(i):
        assert c(mx.array(float(i)), i)["y"].item() == i * i
        assert c(mx.ones(i + 1), 3)["y"].tolist() == [3] * (i + 1)
        assert mx.compile(lambda x: x + i)(mx.array(1.0)).item() == 1 + i

    together(work)


def test_functions_that_fail():
    def work(i):
        with pytest.raises(KeyError, match=str(i)):
            mx.grad(lambda x: {}[i])(mx.array(1.0))
        assert (mx.array(i) + 1).item() == i + 1

    together(work)


def test_releases_and_async_evaluation():
    import numpy as np

    def work(i):
        a = mx.array(np.full((32, 32), i, dtype=np.float32))
        b = a @ a
        mx.async_eval(b)
        f = mx.custom_function(lambda x: x * 2)
        f.vjp(lambda p, c, o: c * 5)
        g = mx.grad(lambda x: f(x).sum())(a)
        mx.async_eval(g)
        del f, a
        assert g[0, 0].item() == 5 and b[0, 0].item() == 32 * i * i

    together(work)


def test_other_threads_go_on_while_one_computes():
    done, counted = threading.Event(), [0]

    def compute():
        x = mx.random.normal((700, 700))
        for _ in range(10):
            x = x @ x * 1e-3
        mx.eval(x)
        done.set()

    t = threading.Thread(target=compute)
    t.start()
    while not done.wait(0.001):
        counted[0] += 1
    t.join()
    assert counted[0] > 3


def test_leaving_while_a_thread_computes():
    program = """
import threading, mlx.core as mx
f = mx.custom_function(lambda x: x * 2)
f.vjp(lambda p, c, o: c)
def work():
    while True:
        mx.eval(mx.grad(lambda x: f(x @ x).sum())(mx.ones((200, 200))))
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
x = mx.ones((300, 300))
for _ in range(20):
    x = x @ x
    mx.async_eval(x)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=120).returncode == 0
