"""export_function, exporter, import_function, export_to_dot."""

import io
import re

from pathlib import Path

import pytest

import mlx.core as mx

ONE, TWO, ROW = mx.array(1.0), mx.array(2.0), mx.array([1.0, 2.0, 3.0])


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "f.mlxfn")


def product(x, y):
    return x * y


def values(result):
    assert isinstance(result, tuple)
    return [x.tolist() for x in result]


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((ROW, TWO), {}),
        (((ROW, TWO),), {}),
        (([ROW, TWO],), {}),
        ((ROW,), {"y": TWO}),
        (((ROW,), {"y": TWO}), {}),
        (({"x": ROW, "y": TWO},), {}),
    ],
)
def test_ways_to_give_arguments(path, args, kwargs):
    mx.export_function(path, product, *args, **kwargs)
    f = mx.import_function(path)
    assert values(f(*args, **kwargs)) == [[2, 4, 6]]
    assert mx.compile(lambda *a: f(*args, **kwargs)[0])(ONE).tolist() == [2, 4, 6]


def test_results(path):
    mx.export_function(path, lambda x: [x, (x * 2).astype(mx.float16)], ROW)
    assert values(mx.import_function(path)(ROW)) == [[1, 2, 3], [2, 4, 6]]
    mx.export_function(path, lambda: ONE + 1)
    assert values(mx.import_function(path)()) == [2]
    for wrong in (lambda x: {"a": x}, lambda x: 3, lambda x: (x, 3)):
        with pytest.raises(
            ValueError, match="Outputs can be either a single array, a tuple, or a list"
        ):
            mx.export_function(path, wrong, ROW)


def test_shapeless_and_derivatives(path):
    mx.export_function(path, lambda x: mx.exp(x) * 2, ROW, shapeless=True)
    f = mx.import_function(path)
    assert f(mx.zeros((2,)))[0].tolist() == [2, 2]
    assert mx.grad(lambda x: f(x)[0].sum())(mx.zeros(3)).tolist() == [2, 2, 2]
    assert mx.vmap(lambda x: f(x)[0])(mx.zeros((2, 3))).tolist() == [[2] * 3] * 2


def test_metadata(path):
    mx.export_function(path, product, ROW, TWO, metadata='{"a": "ä"}')
    f, text = mx.import_function(path, return_metadata=True)
    assert text == '{"a": "ä"}' and values(f(ROW, TWO)) == [[2, 4, 6]]
    mx.export_function(path, product, ROW, TWO)
    assert mx.import_function(path, True)[1] == ""


def test_several_traces(path):
    with mx.exporter(
        path, lambda *a, **k: sum(a, ONE * 0) + k.get("z", ONE * 0), metadata="m"
    ) as e:
        assert isinstance(e, mx.FunctionExporter)
        e(ONE)
        e(ONE, TWO)
        e(ROW, ROW)
        e(ONE, z=TWO)
    f, text = mx.import_function(path, True)
    assert [values(r)[0] for r in (f(ONE), f(ONE, TWO), f(ROW, ROW), f(ONE, z=TWO))] == [
        1,
        3,
        [2, 4, 6],
        3,
    ]
    assert text == "m"
    with pytest.raises(ValueError, match="No imported function found which matches"):
        f(ONE, ONE, ONE)
    e.close()
    with pytest.raises(RuntimeError, match="after exporting is closed"):
        e(ONE)


def test_constants_stand_in_the_file_once(path):
    """Whatever traces use them: as operands, or as results."""
    table, small = mx.arange(4096.0), mx.array([3.0])

    def f(*args):
        if not args:
            return [table]
        if len(args) == 1:
            return [args[0] + small, table]
        return [sum(args) * small + table.sum(), small]

    mx.eval(table, small)
    with mx.exporter(path, f) as e:
        for n in range(5):
            e(*[ONE] * n)
        with pytest.raises(ValueError):
            e(ONE)
    assert table.nbytes < Path(path).stat().st_size < table.nbytes + 4096
    g = mx.import_function(path)
    for n in range(5):
        assert values(g(*[TWO] * n)) == values(tuple(f(*[TWO] * n)))


def test_what_raises_in_its_block_leaves_the_file_that_was_there(path):
    mx.export_function(path, lambda x: x + 1, ONE)
    before = Path(path).read_bytes()
    with pytest.raises(KeyError), mx.exporter(path, lambda x: x * 2) as e:
        e(ONE)
        raise KeyError("mine")
    assert Path(path).read_bytes() == before
    with pytest.raises(RuntimeError):
        e(ONE)


def test_refusals(path):
    def fails(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        mx.export_function(path, fails, ONE)
    mx.export_function(path, product, ONE, y=TWO)
    f = mx.import_function(path)
    for args, kwargs in (
        ((), {}),
        ((ONE, TWO), {}),
        ((ROW,), {"y": TWO}),
        ((mx.array(1),), {"y": TWO}),
        ((ONE,), {"z": TWO}),
    ):
        with pytest.raises(ValueError, match="No imported function found"):
            f(*args, **kwargs)
    for args in ((1.0,), (ONE, 3), ((ONE, 3),), (3, {"y": ONE})):
        with pytest.raises(ValueError, match="single tuple and/or dictionary of arrays"):
            f(*args)
        with pytest.raises(ValueError, match="single tuple and/or dictionary of arrays"):
            mx.export_function(path, product, *args)
    with open(path, "w") as file:
        file.write("hello")
    for wrong in (path, path + ".none"):
        with pytest.raises(RuntimeError, match="import_function"):
            mx.import_function(wrong)
    with pytest.raises(RuntimeError, match="export_function"):
        mx.export_function("/nonexistent/f.mlxfn", product, ONE, TWO)
    with pytest.raises(ValueError, match="metadata argument is only supported"):
        mx.export_function(print, product, ONE, TWO, metadata="x")
    for make in (
        lambda: mx.export_function(path, 3),
        lambda: mx.import_function(3),
        lambda: mx.exporter(path, 3),
        lambda: mx.FunctionExporter(),
    ):
        with pytest.raises(TypeError):
            make()


def test_dot(tmp_path):
    out, name = io.StringIO(), tmp_path / "graph.dot"
    y = ONE * TWO + 3
    mx.export_to_dot(out, [y, {"a": y}], first=ONE, second=TWO)
    assert re.match(r"digraph \{.*\}\s*$", out.getvalue(), re.S)
    for word in ("Multiply", "Add", '"first"', '"second"'):
        assert word in out.getvalue()
    mx.export_to_dot(str(name), y, first=ONE, second=TWO)
    assert name.read_text().count("->") == out.getvalue().count("->")
    with pytest.raises(ValueError, match="file-like objects or strings"):
        mx.export_to_dot(3, y)
    with pytest.raises(ValueError, match="only arrays"):
        mx.export_to_dot(out, 3)
    with pytest.raises(ValueError, match="only arrays"):
        mx.export_to_dot(out, y, a=3)
    with pytest.raises(FileNotFoundError):
        mx.export_to_dot("/nonexistent/graph.dot", y)


VIEWS = {
    "rows": lambda w: w,
    "transposed": lambda w: w.T,
    "batches": lambda w: w.reshape(4, 24, 96).swapaxes(1, 2),
    "inside out": lambda w: w.reshape(24, 4, 96).transpose(1, 2, 0),
}


@pytest.mark.parametrize("shapeless", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_the_same_bits_as_before(path, view, shapeless):
    """Products sum in the order in which their operands lie, which a file keeps."""
    w = mx.random.normal((96, 96))
    mx.eval(w)

    def f(x):
        k = VIEWS[view](w)
        return x @ k + 1, (k * x[:1, :1]).sum(axis=0), k.sum() * x

    x = mx.random.normal((3, 96))
    mx.export_function(path, f, x, shapeless=shapeless)
    for y, z in zip(mx.import_function(path)(x), f(x), strict=True):
        assert mx.array_equal(y, z)


def test_a_transposed_constant_stands_in_a_file_once(path):
    w = mx.random.normal((64, 64))
    k = w.T
    mx.eval(k)
    with mx.exporter(path, lambda x: x @ k) as exporter:
        exporter(mx.ones((1, 64)))
        exporter(mx.ones((2, 64)))
    assert Path(path).stat().st_size < 1.5 * w.nbytes
    f = mx.import_function(path)
    for rows in (1, 2):
        x = mx.random.normal((rows, 64))
        assert mx.array_equal(f(x)[0], x @ k)
