"""mlx bench: figures that belong together; none of them is compared with a clock."""

import pytest

from program import document, run

SMALL = ["--time", "0.002", "--size", "256K", "--matrix", "64"]


def test_all_rows():
    doc = document("bench", *SMALL)
    machine = doc["machine"]
    for key in "read_bytes_per_second", "copy_bytes_per_second", "float32_flops", "float64_flops":
        assert machine[key] > 0
    assert {"copy", "sum", "matmul", "attention", "conv2d"} <= {
        r["name"] for r in doc["operations"]
    }
    for row in doc["operations"]:
        assert row["seconds"] > 0 and row["fraction"] > 0
        assert row["bytes_per_second"] == pytest.approx(row["bytes"] / row["seconds"])
        peak = machine["float64_flops" if row["dtype"] == "float64" else "float32_flops"]
        writes = row["name"] not in ("sum", "vector x matrix", "vector x 4 bits")
        memory = machine["copy_bytes_per_second" if writes else "read_bytes_per_second"]
        limit = max(row["bytes"] / memory, row.get("flops", 0) / peak)
        assert row["fraction"] == pytest.approx(limit / row["seconds"])


def test_words_of_completion_name_rows():
    line = run("completion", "fish").stdout.partition("from bench' -a '")[2]
    words = line.partition("'")[0].split()
    assert {"copy", "matmul", "attention", "vector"} <= set(words)
    assert len(words) == len(set(words))


def test_counts():
    rows = {(r["name"], r["dtype"]): r for r in document("bench", *SMALL)["operations"]}
    assert rows["matmul", "float32"]["flops"] == 2 * 64**3
    assert rows["attention", "float32"]["flops"] == 4 * 8 * 64 * 64 * 64
    assert rows["copy", "float32"]["bytes"] == 2 * (256 << 10)
    assert rows["sum", "float32"]["bytes"] == 256 << 10
    assert rows["astype", "float32"]["bytes"] == 1.5 * (256 << 10)
    assert rows["conv2d", "float32"]["flops"] == 2 * (4 * 8 * 8 * 64) * 9 * 64
    # 4 bits of a value, and of 64 of them a scale and a bias of 16 bits
    packed = rows["vector x 4 bits", "bfloat16"]
    n = packed["shape"][0]
    assert packed["bytes"] == pytest.approx(n * n / 2 + n * n / 64 * 4)


def test_some_rows():
    doc = document("bench", "matmul", "sum", *SMALL)
    assert {row["name"] for row in doc["operations"]} == {"matmul", "sum", "cumsum"}
    text = run("bench", "sum", *SMALL).stdout
    assert "FLOP/s" in text and "Of the limit" in text and "matmul" not in text
    assert "no row 'xyzzy'" in run("bench", "xyzzy", status=2).stderr


def test_threads_are_those_of_the_library():
    doc = document("bench", "sum", *SMALL, env={"MLX_NUM_THREADS": "1"})
    assert doc["machine"]["threads"] == 1


def test_too_much():
    run("bench", "sum", "--size", "900T", "--time", "0", status=1)
    assert "between 16 and 32768" in run("bench", "-m", "3", status=2).stderr
