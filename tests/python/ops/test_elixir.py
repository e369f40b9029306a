"""The Elixir package gives what this one gives: calls of mlx.core with their arguments and results,
from the expressions of the differential test, are made again from Elixir."""

import os
import shutil
import subprocess
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest

import differential_worker
import expressions

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bindings" / "elixir"
FUNCTION = type(mx.add)
# derivatives call functions of Python's; random numbers without a key come from another sequence
FAMILIES = [f for f in expressions.FAMILIES if f.__name__ not in ("derivative", "random_numbers")]
CALLS = 60


def array_term(a):
    name = str(a.dtype).split(".")[-1]
    name = "bool" if name == "bool_" else name
    data = bytes(
        memoryview(mx.contiguous(a.view(mx.uint8) if a.ndim else a.reshape(1).view(mx.uint8)))
    )
    shape = ",".join(map(str, a.shape))
    return f"{{array,{name},{{{shape}}},<<{','.join(map(str, data))}>>}}"


def number_term(x):
    if x != x or x in (float("inf"), float("-inf")):
        return "nan" if x != x else "infinity" if x > 0 else "neg_infinity"
    return (
        repr(x)
        if "." in repr(x)
        else f"{x:e}".replace("e", ".0e")
        if "." not in f"{x:e}"
        else f"{x:e}"
    )


def term(x):
    """A value as a term of Erlang's; KeyError: it has none."""
    if isinstance(x, mx.array):
        return array_term(x)
    if isinstance(x, mx.Dtype):
        return str(x).split(".")[-1].replace("bool_", "bool")
    if x is None or isinstance(x, bool):
        return "nil" if x is None else str(x).lower()
    if isinstance(x, int):
        return str(x)
    if isinstance(x, float):
        return number_term(x)
    if isinstance(x, complex):
        return f"{{{number_term(x.real)},{number_term(x.imag)}}}"
    if isinstance(x, str):
        return f'<<"{x}">>'
    if isinstance(x, (list, tuple)):
        return f"[{','.join(map(term, x))}]"
    raise KeyError(type(x))


class Recorder:
    """A module whose functions note their calls."""

    def __init__(self, module, calls):
        self.module, self.calls = module, calls

    def __getattr__(self, name):
        value = getattr(self.module, name)
        if type(value) is FUNCTION:
            return self.recorded(name, value)
        return Recorder(value, self.calls) if type(value) is type(mx) else value

    def recorded(self, name, function):
        def call(*args, **kwargs):
            result = function(*args, **kwargs)
            self.note(name, args, kwargs, result)
            return result

        return call

    def note(self, name, args, kwargs, result):
        try:
            words = "".join(f",{{{k},{term(v)}}}" for k, v in kwargs.items())[1:]
            self.calls.append(
                f'{{<<"{self.module.__name__}">>,{name},{term(args)},[{words}],{term(result)}}}.\n'
            )
        except KeyError:
            pass


def calls_of(family):
    calls = []
    names = {"mx": Recorder(mx, calls), "A": differential_worker.A, "np": np}
    for expression in expressions.generate(family, CALLS):
        try:
            eval(expression, names)
        except (ValueError, TypeError, RuntimeError, OverflowError):
            pass
    return calls


@pytest.mark.skipif(not shutil.which("mix"), reason="there is no mix")
def test_the_same_results(tmp_path):
    build = Path(mx.__file__).resolve().parents[2]
    library = next((p.parent for p in build.glob("libmlxc.so")), None)
    if library is None:
        pytest.skip("the library is not beside the package")
    calls = [call for family in FAMILIES for call in calls_of(family)]
    assert len(calls) > 600
    (tmp_path / "calls").write_text("".join(calls))
    command = ["sh", PACKAGE / "test" / "run.sh", build, library, "test/calls_test.exs"]
    env = {**os.environ, "MLX_CALLS": str(tmp_path / "calls")}
    run = subprocess.run(command, env=env, capture_output=True, text=True)
    if run.returncode == 77:
        pytest.skip(run.stdout)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
