"""What texts say: numbers of CSV and of casts, objects of JSON, and errors that name the line."""

import gzip
import math

import mlx.data as dx
import numpy as np
import pytest

WHOLE = {"1": 1, "-0": 0, "+5": 5, "007": 7, " 12\t": 12, str(2**63 - 1): 2**63 - 1}
REAL = {"1.": 1, ".5": 0.5, "1e3": 1000, "-2.5E-1": -0.25, "nan": math.nan, "-inf": -math.inf}
REAL.update({"Infinity": math.inf, "1": 1, "1e-60": 0})
NONE = ["1_000", "1__0", "0x10", "１", "١٢", "1,5", "1 000", "--1", "1e", ".", "e5", "true", "½"]


def table(folder, *columns):
    """A file with the columns a, b, ..., whose fields are quoted."""
    names = [chr(97 + i) for i in range(len(columns))]
    rows = [names, *zip(*columns)]
    path = folder / "table.csv"
    path.write_text("".join(",".join(f'"{f}"' for f in row) + "\n" for row in rows), "utf-8")
    return path


def column(folder, texts, **options):
    return dx.buffer_from_csv(table(folder, texts), **options).batch(len(texts))[0]["a"]


def test_numbers_of_csv(tmp_path):
    whole = column(tmp_path, list(WHOLE))
    assert whole.dtype == np.int64 and whole.tolist() == list(WHOLE.values())
    real = column(tmp_path, list(REAL))
    assert real.dtype == np.float32
    np.testing.assert_array_equal(real, np.array(list(REAL.values()), np.float32))
    assert column(tmp_path, ["1", "1e3"]).dtype == np.float32


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_number_makes_a_column_of_texts(tmp_path, text):
    assert column(tmp_path, ["1", text]) == ["1", text]
    for dtype in ("int32", np.float32):
        with pytest.raises(ValueError, match=r"table.csv: the column 'a', row 1: '.*' is no "):
            column(tmp_path, ["1", text], dtypes={"a": dtype})


def test_numbers_that_are_too_large(tmp_path):
    names = ["9223372036854775808", "1"]
    assert column(tmp_path, names) == names
    assert column(tmp_path, names, dtypes={"a": "uint64"}).tolist() == [2**63, 1]
    with pytest.raises(ValueError, match="row 0: '1e39' is beyond float32: say dtypes={'a': "):
        column(tmp_path, ["1e39", "1"])
    assert column(tmp_path, ["1e39", "1"], dtypes={"a": float}).tolist() == [1e39, 1]
    for text, dtype in (("1e400", float), ("300", "uint8"), ("-1", "uint8"), ("2", bool)):
        with pytest.raises(ValueError, match=f"row 1: '{text}' is beyond"):
            column(tmp_path, ["1", text], dtypes={"a": dtype})
    for text in ("1.0", "1e3", "nan"):
        with pytest.raises(ValueError, match=f"row 1: '{text}' is no whole number"):
            column(tmp_path, ["1", text], dtypes={"a": int})


def test_dtypes_of_columns(tmp_path):
    path = table(tmp_path, ["02134", "", "90210"], ["1", "2", ""])
    b = dx.buffer_from_csv(path, dtypes={"a": str, "b": "int8"}, fill={"b": -1}).batch(3)[0]
    assert b["a"] == ["02134", "", "90210"]
    assert b["b"].tolist() == [1, 2, -1] and b["b"].dtype == np.int8
    assert dx.buffer_from_csv(path, dtypes={"a": str}, fill={"a": "?", "b": 0})[1]["a"] == "?"
    with pytest.raises(ValueError, match="the column 'b' has an empty field in row 2"):
        dx.buffer_from_csv(path, dtypes={"a": str, "b": int})
    with pytest.raises(ValueError, match="dtypes: there is no column 'c' among a, b"):
        dx.buffer_from_csv(path, dtypes={"c": int})
    with pytest.raises(TypeError, match="NumPy has no dtype"):
        dx.buffer_from_csv(path, dtypes={"a": "number"})
    for odd in (object, bytes, complex, "datetime64[D]"):
        with pytest.raises(TypeError, match="column 'a' is one of numbers or str, not "):
            dx.buffer_from_csv(path, dtypes={"a": odd})


def test_what_fills_numbers_is_a_number(tmp_path):
    with pytest.raises(ValueError, match="fill of the column 'a' is '[?]', its fields are numbers"):
        column(tmp_path, ["1", ""], fill={"a": "?"})
    assert column(tmp_path, ["1", ""], fill={"a": True}).tolist() == [1, 1]
    assert column(tmp_path, ["", ""], fill={"a": 0}).tolist() == [0, 0]
    assert column(tmp_path, ["x", ""], fill={"a": 0}) == ["x", "0"]


def test_numbers_of_casts():
    def cast(value, dtype):
        return dx.buffer_from_vector([{"x": value}]).cast("x", dtype)[0]["x"]

    assert cast("12", int).tolist() == 12 and cast(b"3", "uint8").dtype == np.uint8
    assert cast(["1", "2.5"], "float32").tolist() == [1, 2.5]
    assert cast(np.array([["1"], ["2"]]), int).tolist() == [[1], [2]]
    assert cast([1.9, -1.9], int).tolist() == [1, -1] and cast([0, 2], bool).tolist() == [
        False,
        True,
    ]
    assert cast(2**63 - 1, "float32") == np.float32(2**63) and cast(-(2.0**63), int) == -(2**63)
    assert cast(np.inf, "float16") == np.inf and cast([1 + 2j], "complex64").dtype == np.complex64
    for text in NONE:
        with pytest.raises(dx.SampleError, match="cast of sample 0.*: '.*' is no number"):
            cast(text, "float32")
    for value, dtype in [
        (300, "uint8"),
        (-1, "uint8"),
        (np.nan, "int32"),
        (np.inf, int),
        (2.0**63, int),
        (-129.0, "int8"),
        (1e39, "float32"),
        (70000, "float16"),
    ]:
        with pytest.raises(
            dx.SampleError, match=f"cast of sample 0: .* is beyond {np.dtype(dtype)}"
        ):
            cast(value, dtype)
    with pytest.raises(dx.SampleError, match="None is no float32"):
        cast([None], "float32")
    with pytest.raises(dx.SampleError, match="complex numbers are no float32"):
        cast([1j], "float32")
    with pytest.raises(dx.SampleError, match="'1_0' is no number"):
        dx.buffer_from_vector([{"x": "1_0"}]).normalize("x", 0, 1)[0]


def test_tokens_are_whole_numbers():
    def tokens(*given):
        return dx.buffer_from_vector([{"t": "a"}]).tokenize("t", lambda text: list(given))[0]["t"]

    assert tokens(-1, 2**31 - 1).dtype == np.int32 and tokens().shape == (0,)
    for odd, words in (
        (1.5, "not float64"),
        ("1", "not <U1"),
        (2**31, "2147483648 .*int32"),
    ):
        with pytest.raises(dx.SampleError, match=f"tokenize of sample 0 .*{words}"):
            tokens(odd)


# --- lines that are none --------------------------------------------------------------------------


def rest_of(stream):
    """What a stream gives, errors as their sentences."""
    found = []
    while True:
        try:
            found.append(next(stream))
        except StopIteration:
            return found
        except dx.SampleError as error:
            found.append(str(error))


@pytest.mark.parametrize("threads", [0, 2])
def test_a_broken_line_costs_no_other(tmp_path, threads):
    def read(stream):
        return rest_of(stream.prefetch(3, threads) if threads else stream)

    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"x": 1}\n \r\n{"x": \n{"x": 1, "x": 2}\n[1]\n\xff\n{"x": 3}\n')
    where = f"({path})"
    wanted = [
        {"x": 1},
        f"[data] read of sample 1 {where}: line 3: Expecting value at character 6",
        f"[data] read of sample 2 {where}: line 4: the key 'x' stands there twice",
        f"[data] read of sample 3 {where}: line 5: not an object but list",
        f"[data] read of sample 4 {where}: line 6: 'utf-8' codec can't decode byte 0xff in position 0: "
        "invalid start byte",
        {"x": 3},
    ]
    assert read(dx.stream_jsonl(path)) == wanted
    both = read(dx.stream_jsonl([path, path]))
    assert both[:6] == wanted and both[7] == wanted[1].replace("sample 1", "sample 7")
    b = dx.buffer_from_jsonl(path)
    assert len(b) == 6 and b[5] == {"x": 3}
    assert rest_of(b.to_stream()) == [
        w if isinstance(w, dict) else w.replace(f" {where}: ", f": {path}, ") for w in wanted
    ]
    path = tmp_path / "a.txt"
    path.write_bytes("a\nb\xff\nc".encode("latin1"))
    found = read(dx.stream_line_reader(path))
    assert found[::2] == [{"line": "a"}, {"line": "c"}]
    assert found[1].startswith(f"[data] read of sample 1 ({path}): line 2: 'utf-8' codec")


def test_a_broken_row_costs_no_other(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfa,b\r1,"2\r3"\n4\n5,\xe9\n6,7,8\n9,0\n')
    found = rest_of(dx.stream_csv_reader(path))
    assert found[0] == {"a": "1", "b": "2\r3"} and found[-1] == {"a": "9", "b": "0"}
    for i, words in enumerate(("line 4: 1 fields", "line 5: 'utf-8' codec", "line 6: 3 fields"), 1):
        assert f"read of sample {i} ({path}): {words}" in found[i]
    assert len(found) == 5
    with pytest.raises(ValueError, match="a.csv: line 4: 1 fields where 2 were expected"):
        dx.buffer_from_csv(path)
    path.write_bytes(b"a\n\xe9\n")
    with pytest.raises(ValueError, match="a.csv: line 2: 'utf-8' codec"):
        dx.buffer_from_csv(path)


def test_csv_of_a_text():
    read = dx.stream_csv_reader_from_string
    assert list(read("\ufeffa\n1\n")) == [{"a": "1"}]
    with pytest.raises(dx.SampleError, match="read of sample 1: line 3: 2 fields where 1"):
        list(read("a\n1\n1,2\n"))
    for text, words in (("", "no line of names"), ("a,a\n", "two columns"), ('a\n"', "line 2: ")):
        with pytest.raises(ValueError, match=rf"^\[data\] .*{words}"):
            list(read(text))
    with pytest.raises(ValueError, match="of another pipeline: content of iterable is"):
        read("a\n1\n").load_state_dict(read("a\n2\n").state_dict())
    with pytest.raises(TypeError, match="CSV is a text, not bytes"):
        read(b"a\n")


def test_what_parts_fields(tmp_path):
    path = table(tmp_path, ["x"])
    path.write_text('a\tb\n1\t"x\n')
    for read in (dx.buffer_from_csv, dx.stream_csv_reader):
        assert next(iter(read(path, "\t", "")))["b"] == '"x'
        for sep, quote, words in (
            (";;", '"', "sep is one"),
            ("", '"', "sep is"),
            (",", "ab", "quote"),
        ):
            with pytest.raises(ValueError, match=words):
                read(path, sep, quote)
        with pytest.raises(ValueError, match="sep and quote are both"):
            read(path, "'", "'")


def test_json_of_samples(tmp_path):
    b = dx.buffer_from_vector([{"t": '{"a": {"b": 1, "b": 2}}'}]).load_json("t")
    with pytest.raises(
        dx.SampleError, match="load_json of sample 0 .*: the key 'b' stands there twice"
    ):
        b[0]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"x": NaN}\n'))
    assert math.isnan(next(dx.stream_jsonl(tmp_path / "a.jsonl.gz"))["x"])


# --- numbers that are hard to hold ----------------------------------------------------------------


def cast(value, dtype):
    return dx.buffer_from_vector([{"x": value}]).cast("x", dtype)[0]["x"]


def test_cast_of_large_whole_numbers_is_exact():
    assert cast([2**63 + 1, 1], "uint64").tolist() == [2**63 + 1, 1]
    assert cast([2**53 + 1, 0.5, -0.5], "int64").tolist() == [2**53 + 1, 0, 0]
    assert cast(2**70, "float32") == 2.0**70 and cast([[1.5], [2]], "int8").tolist() == [[1], [2]]
    assert cast([], "int64").shape == (0,)
    for value, dtype in (
        (2**70, "int64"),
        ([2**70, 1], "uint8"),
        ([2**63 + 1, -1], "uint64"),
        (10**400, "float64"),
        ([float("nan")], "int32"),
        ([float("inf"), 2], "int32"),
    ):
        with pytest.raises(dx.SampleError, match=f"is beyond {dtype}"):
            cast(value, dtype)


def test_whole_numbers_of_thousands_of_digits(tmp_path):
    path, long = tmp_path / "a.csv", "1" * 5000
    path.write_text(f"x\n{long}\n5\n")
    assert dx.buffer_from_csv(path)[0]["x"] == long
    for read in (
        lambda: dx.buffer_from_csv(path, dtypes={"x": "int64"}),
        lambda: cast(long, "int64"),
    ):
        with pytest.raises(ValueError, match=r"1\.\.\.' is beyond int64"):
            read()
    assert cast(["-" + "0" * 5000 + "7", "0" * 5000], "int64").tolist() == [-7, 0]


def test_zeros_in_numbers_make_texts(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\0\n5\n")
    assert dx.buffer_from_csv(tmp_path / "a.csv")[0]["x"] == "1\0"
    for value in "1\0", b"1\0", ["1", "1\0"], [["1\0"]]:
        with pytest.raises(dx.SampleError, match="is no number"):
            cast(value, "float32")


def test_packed_lines_are_no_buffer(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"x": 1}\n'))
    with pytest.raises(ValueError, match="a.jsonl.gz: it is packed: stream_jsonl reads such files"):
        dx.buffer_from_jsonl(path)
    assert list(dx.stream_jsonl(path)) == [{"x": 1}]
