"""Nothing is lost in long loops: neither memory nor objects, also when functions fail."""

import gc
import weakref

import pytest

import mlx.core as mx

ONE = mx.array(1.0)
BIG = mx.ones((64, 64))


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096


def fails(x):
    raise KeyError("mine")


def fail(f):
    with pytest.raises(KeyError):
        f()


def custom(x):
    f = mx.custom_function(lambda y: y * x)
    f.vjp(lambda p, c, o: c * p)
    return f(x).sum()


STATE = {"w": BIG}


def step(x):
    STATE["w"] = STATE["w"] + x
    return STATE["w"].sum()


COMPILED = mx.compile(step, inputs=STATE, outputs=STATE)

LOOPS = {
    "eval": lambda: mx.eval([BIG + 1, {"a": BIG * 2}]),
    "async_eval": lambda: mx.async_eval([BIG + 1]),
    "grad": lambda: mx.grad(lambda x: (x["a"] @ x["b"]).sum())({"a": BIG, "b": BIG}),
    "unused grad": lambda: mx.value_and_grad(lambda x: (x.sum(), x * 2))(BIG),
    "vjp": lambda: mx.vjp(lambda x: x * x, [BIG], [BIG]),
    "jvp": lambda: mx.jvp(lambda x: x * x, [BIG], [BIG]),
    "vmap": lambda: mx.eval(mx.vmap(lambda x: (x, x.sum()))(BIG)),
    "compile anew": lambda: mx.eval(mx.compile(lambda x: {"a": x * 2})(BIG)),
    "compiled": lambda: mx.eval(COMPILED(BIG)),
    "checkpoint": lambda: mx.eval(mx.grad(lambda x: mx.checkpoint(mx.sin)(x).sum())(BIG)),
    "custom": lambda: mx.eval(mx.grad(custom)(BIG)),
    "failing grad": lambda: fail(lambda: mx.grad(fails)(BIG)),
    "failing vmap": lambda: fail(lambda: mx.vmap(fails)(BIG)),
    "failing compile": lambda: fail(lambda: mx.compile(fails, inputs=[BIG])(BIG)),
    "failing checkpoint": lambda: fail(lambda: mx.grad(mx.checkpoint(fails))(BIG)),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_keep_their_size(name):
    f = LOOPS[name]
    for _ in range(300):
        f()
    mx.synchronize()
    mx.clear_cache()
    gc.collect()
    memory, active, objects = resident(), mx.get_active_memory(), len(gc.get_objects())
    for _ in range(1000):
        f()
    mx.synchronize()
    mx.clear_cache()
    gc.collect()
    assert len(gc.get_objects()) - objects < 50
    assert mx.get_active_memory() - active < 100_000
    assert resident() - memory < 8_000_000


@pytest.mark.parametrize(
    "transform",
    [mx.grad, mx.value_and_grad, mx.vmap, mx.compile, mx.checkpoint, mx.custom_function],
)
def test_circles_are_collected(transform):
    class Holder:
        def f(self, x):
            return x.sum()

    h = Holder()
    h.made = transform(h.f)
    ref = weakref.ref(h)
    h.made(mx.ones((2, 2)))
    del h
    gc.collect()
    assert ref() is None


def test_rules_in_circles_are_collected():
    class Holder:
        pass

    h = Holder()
    h.f = mx.custom_function(lambda x: x * 2)
    h.f.vjp(lambda p, c, o, h=h: c * 3)
    h.f.jvp(lambda p, t, h=h: t)
    assert mx.grad(h.f)(ONE).item() == 3
    ref = weakref.ref(h)
    del h
    gc.collect()
    assert ref() is None


def test_arrays_go_with_their_graphs():
    class Probe:
        pass

    probe = Probe()
    ref = weakref.ref(probe)
    f = mx.custom_function(lambda x: x * 2)
    f.vjp(lambda p, c, o, probe=probe: c)
    y = mx.grad(lambda x: f(x))(ONE)
    mx.eval(y)
    del f, probe, y
    gc.collect()
    assert ref() is None
