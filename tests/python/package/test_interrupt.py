"""Control-C stops a long evaluation, and leaves arrays as they were."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, threading, time
import mlx.core as mx

def later(after=0.3, times=1):
    def strike():
        for _ in range(times):
            time.sleep(after)
            os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=strike, daemon=True).start()

def long(n, size=256):
    x = mx.full((size, size), 1 / size)
    for _ in range(n):
        x = x @ x
    return x

def endless():
    # hours of work: the test's patience ends before
    return long(100000, 2048)

def stopped(f, after=0.3):
    later(after)
    try:
        f()
    except KeyboardInterrupt:
        return
    raise SystemExit("it was not stopped")
"""


def run(program):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + program], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "use",
    [
        "mx.eval(x)",
        "x[0, 0].item()",
        "x.tolist()",
        "mx.eval(mx.compile(lambda y: endless() + y)(x))",
        "(mx.async_eval(x), mx.eval(x + 1))",
        "(mx.async_eval(x), mx.synchronize())",
    ],
)
def test_control_c(use):
    run(f"""
x = endless()
stopped(lambda: {use})
small = mx.ones(3) + 1
if "async" not in {use!r}:
    assert small.tolist() == [2, 2, 2]
os._exit(0)
""")


def test_signals_are_seen_before_the_first_evaluation():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            """
import ctypes, signal
def handler():
    action = ctypes.create_string_buffer(256)  # its first word is the handler
    assert ctypes.CDLL(None).sigaction(signal.SIGINT, None, action) == 0
    return action.raw[:8]
pythons = handler()
import mlx.core
assert handler() != pythons
""",
        ],
        timeout=60,
    )
    assert done.returncode == 0


def test_what_was_stopped_may_be_tried_again():
    run("""
x = long(6000)
stopped(lambda: mx.eval(x), 0.05)
assert abs(x[3, 4].item() - 1 / 256) < 1e-6
""")


def test_a_handler_that_raises_nothing():
    run("""
seen = []
signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
for strike in range(3):
    later(0.05)
    while len(seen) == strike:
        assert abs(long(300)[0, 0].item() - 1 / 256) < 1e-6
assert seen == [signal.SIGINT] * 3, seen
""")


def test_handlers_set_after_an_evaluation():
    run("""
mx.eval(long(10))
class Mine(Exception):
    pass
def handler(number, frame):
    raise Mine
signal.signal(signal.SIGINT, handler)
later()
try:
    mx.eval(endless())
except Mine:
    pass
else:
    raise SystemExit("it was not stopped")
assert signal.getsignal(signal.SIGINT) is handler
signal.signal(signal.SIGINT, signal.SIG_IGN)
later(0.1)
mx.eval(long(1000))
""")


def test_the_default_action_stays():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM
            + """
signal.signal(signal.SIGINT, signal.SIG_DFL)
later()
mx.eval(endless())
""",
        ],
        timeout=300,
    )
    assert done.returncode == -signal.SIGINT


@pytest.mark.parametrize(
    "use", ["mx.eval(x)", "x.tolist()", "(mx.async_eval(x), mx.synchronize())"]
)
def test_other_signals_whose_handlers_raise(use):
    run(f"""
class Late(Exception):
    pass
def handler(number, frame):
    raise Late
signal.signal(signal.SIGALRM, handler)
x = endless()
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    {use}
except Late:
    pass
else:
    raise SystemExit("it was not stopped")
assert "async" in {use!r} or (mx.ones(3) + 1).tolist() == [2, 2, 2]
os._exit(0)
""")


def test_a_signal_just_before_our_handler_is_in_front():
    run("""
class Late(Exception):
    pass
def handler(number, frame):
    raise Late
x = endless()
for after in 1e-6, 0.002, 0.005, 0.01:
    mx.eval(long(10))
    signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, after)
        mx.eval(x)
    except Late:
        continue
    raise SystemExit("it was not stopped")
os._exit(0)
""")


def test_a_timer_that_raises_nothing_does_not_hinder():
    run("""
ticks = []
signal.signal(signal.SIGALRM, lambda number, frame: ticks.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
while not ticks:
    assert abs(long(300)[0, 0].item() - 1 / 256) < 1e-6
signal.setitimer(signal.ITIMER_REAL, 0)
""")


DROPS = """
import numpy as np

class Stop(BaseException):
    pass

class Late(Exception):
    pass

def alarmed(error, f):
    def strike(number, frame):
        raise error("from the handler")
    signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        f()
    except error as e:
        assert str(e) == "from the handler"
        return
    raise SystemExit("it was lost")
"""


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "Stop", "Late"])
@pytest.mark.parametrize(
    "use",
    [
        "np.array(x)",
        "np.asarray(x)",
        "np.add(1, x)",
        "np.float32(x[0, 0])",
        "np.allclose(x, 1)",
        "np.array([x, x])",
        "memoryview(x)",
        "bytes(x)",
        "x.__array__()",
        "np.from_dlpack(x)",
    ],
)
def test_what_numpy_drops_is_raised(use, error):
    run(
        DROPS
        + f"""
x = endless()
alarmed({error}, lambda: {use})
assert np.array(mx.ones(3) + 1).tolist() == [2, 2, 2]
assert (mx.ones(3) + 1).__array__().tolist() == [2, 2, 2]
os._exit(0)
"""
    )


def test_what_was_raised_is_not_raised_again():
    run(
        DROPS
        + """
x = endless()
for f in (memoryview, np.array, mx.eval) * 2:
    for error in (KeyboardInterrupt, Late):
        alarmed(error, lambda: f(x))
        assert (mx.ones(3) + 1).__array__().tolist() == [2, 2, 2]
os._exit(0)
"""
    )


def test_what_nobody_asks_for_again_is_raised_too():
    run(
        DROPS
        + """
x = endless()

def drop():
    try:
        b"".join([x])  # says of every exception that x is not bytes-like
    except TypeError:
        pass
    for _ in range(1000):
        pass

alarmed(Late, drop)
os._exit(0)
"""
    )


@pytest.mark.parametrize(
    "use",
    [
        "a[::-1].tolist() == [3, 2, 1]",
        "mx.broadcast_to(a, (2, 3)).tolist() == [[1, 2, 3]] * 2",
        "mx.as_strided(a, (2, 2), (1, 1)).tolist() == [[1, 2], [2, 3]]",
        "exported(lambda x: x + a[::-1]) == [4, 4, 4]",
        "exported(lambda x: x.at[0].add(1)) == [2, 2, 3]",
        "exported(lambda x: x + mx.broadcast_to(a[1], (3,))) == [3, 4, 5]",
        "shared(a[::-1]) == [3, 2, 1]",
        "list(memoryview(mx.broadcast_to(a[1], (3,)))) == [2, 2, 2]",
        "a[(a > 1)[::-1]].tolist() == [1, 2]",
        "pickle.loads(pickle.dumps(a[::-1])).tolist() == [3, 2, 1]",
        "saved(a[::-1]).tolist() == [3, 2, 1]",
        "written(a[::-1]).tolist() == [3, 2, 1]",
    ],
)
@pytest.mark.parametrize("first", ["", "signal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-4)"])
def test_what_is_computed_on_the_way_is_not_stopped(tmp_path, use, first):
    """By the note that is there from the start, or by a timer whose handler raises nothing."""
    run(f"""
import io, pickle
path = {str(tmp_path / "x")!r}
signal.signal(signal.SIGALRM, lambda *_: None)

def exported(f):
    mx.export_function(path, f, mx.array([1, 2, 3]))
    return mx.import_function(path)(mx.array([1, 2, 3]))[0].tolist()

def shared(x):
    class Shown:
        __dlpack__, __dlpack_device__ = x.__dlpack__, x.__dlpack_device__
    return mx.from_dlpack(Shown()).tolist()

def saved(x):
    file = io.BytesIO()
    mx.save_safetensors(file, {{"x": x, "y": x + 1}})
    return mx.load(io.BytesIO(file.getvalue()), format="safetensors")["x"]

def written(x):
    with mx.create_file(path + ".safetensors") as file:
        file.declare("x", x.shape, x.dtype)
        file.put("x", x)
    return mx.load(path + ".safetensors")["x"]

{first}
a = mx.array([1, 2, 3])
for _ in range({"20" if first else "1"}):
    assert {use}
signal.setitimer(signal.ITIMER_REAL, 0)
""")


def test_one_long_step():
    """It ends in less than half of what the whole step would take, from the time of 1/512 of it: one
    time of five, as the machine may have been busy while it ended, or idle while the part ran."""
    run("""
def timed(f):
    start = time.time()
    f()
    return time.time() - start

a = mx.broadcast_to(mx.array(0.5, mx.float64), (12000, 12000))
part = a[:1500, :1500]
tried = []
while len(tried) < 5 and not any(took < 256 * alone for took, alone in tried):
    alone = max(timed(lambda: mx.eval(part @ part)) for _ in range(3))
    took = timed(lambda: stopped(lambda: mx.eval(a @ a), min(0.3, 100 * alone)))
    tried.append((took, alone))
assert any(took < 256 * alone for took, alone in tried), tried
assert (a[:2, :3] @ a[:3, :2]).tolist() == [[0.75] * 2] * 2
os._exit(0)
""")


def test_saving_into_a_pipe_that_nobody_reads(tmp_path):
    run(f"""
a, path = mx.ones(1_000_000), {str(tmp_path / "p.npy")!r}
os.mkfifo(path)
stopped(lambda: mx.save(path, a))  # waits for a reader
reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
stopped(lambda: mx.save(path, a))  # waits for it to read
os._exit(0)
""")


def test_signals_while_a_pipe_is_written(tmp_path):
    run(f"""
import io
a, path, rang = mx.arange(2_000_000), {str(tmp_path / "p.npy")!r}, []
os.mkfifo(path)
signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
parts = []
def read():
    time.sleep(0.3)
    with open(path, "rb", buffering=0) as f:
        while part := f.read(200_000):
            parts.append(part)
            time.sleep(0.01)
reader = threading.Thread(target=read)
reader.start()
mx.save(path, a)
signal.setitimer(signal.ITIMER_REAL, 0)
reader.join()
assert rang
assert (mx.load(io.BytesIO(b"".join(parts)), format="npy") == a).all().item()
""")
