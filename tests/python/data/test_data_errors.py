"""What is wrong with what was given is said with its place, and paths stay those that were given."""

import json
import math

import mlx.core as mx
import mlx.data as dx
import numpy as np
import pytest
from mlx.data import SampleError

# --- iterables ------------------------------------------------------------------------------------


class Odd:
    """Five samples; the third raises an error, what is behind it comes all the same."""

    def __init__(self, error):
        self.error, self.n = error, -1

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        if self.n == 2:
            raise self.error
        if self.n > 4:
            raise StopIteration
        return {"x": self.n}


def broken(error):
    yield {"x": 0}
    yield {"x": 1}
    raise error


def sources(error):
    made = dx.stream_python_iterable(lambda: broken(error))
    given = dx.stream_from_dataset(broken(error))
    return [made, given, dx.stream_python_iterable(lambda: broken(error)).prefetch(4, 2)]


@pytest.mark.parametrize("error", [OSError(5, "no disk"), KeyError("x"), ZeroDivisionError("zero")])
def test_errors_of_iterables_name_the_sample(error):
    for stream in sources(error):
        assert [next(stream)["x"] for _ in range(2)] == [0, 1]
        with pytest.raises(SampleError, match=r"^\[data\] read of sample 2: ") as raised:
            next(stream)
        assert raised.value.__cause__ is error and raised.value.index == 2
        assert next(stream, None) is None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_what_is_no_error_stays_as_it_is(error):
    stream = dx.stream_python_iterable(lambda: broken(error))
    assert [next(stream)["x"] for _ in range(2)] == [0, 1]
    with pytest.raises(type(error)) as raised:
        next(stream)
    assert raised.value is error


def test_an_iterable_that_goes_on_behind_its_error():
    def stream():
        return dx.stream_python_iterable(lambda: Odd(ValueError("odd")))

    for made in (stream, lambda: stream().prefetch(2, 2), lambda: stream().shuffle(1)):
        one, found = made(), []
        for _ in range(5):
            try:
                found.append(next(one)["x"])
            except SampleError as error:
                found.append(str(error))
        assert found == [0, 1, "[data] read of sample 2: odd", 3, 4] and next(one, None) is None
    one = stream()
    for _ in range(2):
        next(one)
    with pytest.raises(SampleError):
        next(one)
    again = stream()
    again.load_state_dict(json.loads(json.dumps(one.state_dict())))
    assert [sample["x"] for sample in again] == [3, 4]


def test_a_batch_that_an_iterable_fails_in_names_what_is_lost():
    stream = dx.stream_python_iterable(lambda: Odd(ValueError("odd"))).batch(2)
    assert next(stream)["x"].tolist() == [0, 1]
    with pytest.raises(SampleError, match="sample 2: odd .*lost with samples 3"):
        next(stream)
    assert next(stream)["x"].tolist() == [4]


def test_a_function_that_gives_no_iterable():
    stream = dx.stream_python_iterable(lambda: 1 / 0)
    with pytest.raises(SampleError, match="read of sample 0: division by zero") as raised:
        next(stream)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    with pytest.raises(TypeError, match="the function gave int, an iterable was expected"):
        next(dx.stream_python_iterable(lambda: 3))
    inner = SampleError("load", 7, None, ValueError("its own"))
    with pytest.raises(SampleError) as raised:
        next(dx.stream_python_iterable(lambda: broken(inner)).filter(lambda s: False))
    assert raised.value is inner


# --- JSON -----------------------------------------------------------------------------------------

LARGE = ["1e400", "-1E400", "1e309", "-2.5e+308", "9" * 400 + ".5"]


@pytest.mark.parametrize("number", LARGE)
@pytest.mark.parametrize(
    "line",
    ['{"x": %s}', '{"x": [%s]}', '{"x": [' + "0.5, " * 99 + "%s]}", '{"x": {"y": [{"z": %s}]}}'],
)
def test_numbers_beyond_float64(tmp_path, number, line):
    path = tmp_path / "x.jsonl"
    path.write_text(f'{{"x": 1}}\n{line % number}\n{{"x": 3}}\n')
    said = "line 2: '.*' is beyond float64"
    buffer = dx.buffer_from_jsonl(path)
    with pytest.raises(SampleError, match=said):
        buffer[1]
    stream = dx.stream_jsonl(path)
    assert next(stream) == {"x": 1}
    with pytest.raises(SampleError, match=said):
        next(stream)
    assert next(stream) == {"x": 3}
    with pytest.raises(SampleError, match="beyond float64"):
        dx.buffer_from_vector([{"t": line % number}]).load_json("t")[0]


def test_numbers_that_float64_has(tmp_path):
    texts = ["1.7976931348623157e308", "1e-400", "-0.0", "12345678901234567890", "1E2"]
    values = [json.loads(text) for text in texts]
    path = tmp_path / "x.jsonl"
    for count in (1, 100):
        path.write_text(json.dumps({"x": [0.5] * count})[:-2] + f", {', '.join(texts)}]}}\n")
        assert dx.buffer_from_jsonl(path)[0]["x"] == [0.5] * count + values
    path.write_text('{"x": [NaN, Infinity, -Infinity]}\n')
    found = dx.buffer_from_jsonl(path)[0]["x"]
    assert math.isnan(found[0]) and found[1:] == [math.inf, -math.inf]


# --- nulls ----------------------------------------------------------------------------------------

NULL = r"there is a null in the column 'x' in row 1{}: fill it before"


def refused(column, more=""):
    with pytest.raises(ValueError, match=NULL.format(more)):
        dx.buffer_from_arrays(x=column)
    with pytest.raises(SampleError, match="there is a null under 'x' in row 1"):
        dx.buffer_from_vector([{"x": column}]).batch(1)[0]


def test_nulls_of_pandas():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    for values, dtype in (
        ([1, None, 3], "Int64"),
        ([1.5, None], "Float64"),
        ([True, None], "boolean"),
    ):
        refused(pd.Series(values, dtype=dtype))
        whole = pd.Series(values[:1] * 2, dtype=dtype)
        assert dx.buffer_from_arrays(x=whole)[1]["x"] == values[0]
    refused(pd.Series(["a", None, "b", None], dtype="string"), ", the first of 2")
    frame = pd.DataFrame({"n": [1, 2], "t": ["a", "b"]})
    assert dx.buffer_from_arrays(frame)[1] == {"n": 2, "t": "b"}
    assert math.isnan(dx.buffer_from_arrays(x=pd.Series([1.0, math.nan]))[1]["x"])


def test_nulls_of_pyarrow_and_polars():
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    refused(pa.array([1, None]))
    refused(pa.chunked_array([[1, None], [None]]), ", the first of 2")
    assert dx.buffer_from_arrays(x=pa.array([1, 2]))[1]["x"] == 2
    pl = pytest.importorskip("polars", reason="polars is not installed")
    refused(pl.Series([1, None, 3]))
    assert dx.buffer_from_arrays(pl.DataFrame({"x": [1, 2]}).to_dict())[1]["x"] == 2


def test_numbers_that_are_masked():
    refused(np.ma.array([1, 2, 3], mask=[0, 1, 0]))
    assert dx.buffer_from_arrays(x=np.ma.array([1, 2, 3]))[1]["x"] == 2


# --- folders --------------------------------------------------------------------------------------


def test_files_stay_those_that_were_given(tmp_path, monkeypatch):
    """A program that goes to another folder reads the same files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("x\n1\n")
    (tmp_path / "a.jsonl").write_text('{"x": 1}\n[3]\n')
    mx.save("in/a.npy", mx.array([1]))
    streams = [dx.stream_csv_reader("in/a.csv"), dx.stream_line_reader(["in/a.csv"])]
    jsonl = dx.stream_jsonl("a.jsonl")
    below = dx.buffer_from_vector([{"file": "a.npy"}]).load_numpy("file", "in")
    named = dx.files_from_folder("in", "*.npy").load_numpy("file", output_key="x")
    bytes_ = dx.buffer_from_vector([{"file": "in/a.csv"}]).load_file("file")
    state = dx.stream_csv_reader("in/a.csv").state_dict()
    for folder in (tmp_path / "in", "/"):
        monkeypatch.chdir(folder)
        for stream in streams:
            assert len(list(stream.reset(0))) == (1 if "x" in next(stream.reset(0)) else 2)
        assert next(jsonl.reset(0)) == {"x": 1}
        with pytest.raises(SampleError, match=r"sample 1 \(.*a.jsonl\): line 2: not an object"):
            next(jsonl)
        assert below[0]["file"].tolist() == [1] and bytes_[0]["file"] == b"x\n1\n"
        assert named[0]["x"].tolist() == [1]
    streams[0].load_state_dict(state)  # of the same file by its name and size
    monkeypatch.chdir(tmp_path)
    absent = dx.buffer_from_vector([{"file": "none.npy"}]).load_file("file")
    with pytest.raises(SampleError, match=r"sample 0 \(none.npy\): No such file"):
        absent[0]
