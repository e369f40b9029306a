"""mlx trace: traces summed up, and shown as a page in a real browser."""

import html
import json
import os
import random
import re
import shutil
import subprocess

import pytest

import seeds
from program import MLX, document, run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def event(name, ts, dur, tid=1, source="a.py:1", **args):
    return {
        "ph": "X", "pid": 7, "tid": tid, "name": name, "ts": ts, "dur": dur,
        "args": {"source": source, "inputs": "float32 (2,3)", "outputs": "float32 (3,2)", **args},
    }  # fmt: skip


def memory(ts, active):
    return {"ph": "C", "pid": 7, "tid": 1, "name": "memory", "ts": ts, "args": {"active": active}}


EVENTS = [
    {"ph": "M", "pid": 7, "tid": 1, "name": "thread_name", "args": {"name": "main thread"}},
    event("Matmul", 110, 50, read=4000, written=1000, flops=1e6),
    event("Add", 170, 10, read=100, written=100, flops=25),
    event("Compiled", 100, 100, source="a.py:2"),
    memory(200, 5000),
    event("Matmul", 300, 50, read=4000, written=1000, flops=1e6),
    event("Matmul", 300, 25, tid=2, source="b.py:9", failed=True),
    memory(350, 2000),
]
TRACE = {
    "otherData": {"dropped": 3, "bandwidth": 1e9, "flops": 1e11, "microseconds": 400},
    "traceEvents": EVENTS,
}


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "out.json"
    path.write_text(json.dumps(TRACE))
    return path


def test_the_summary(trace):
    found = document("trace", trace, "--no-page")
    assert "page" not in found and not list(trace.parent.glob("*.html"))
    assert found["events"] == 5 and found["dropped"] == 3 and found["memory"] == 5000
    assert found["seconds"] == pytest.approx(250e-6) and found["busy"] == pytest.approx(175e-6)
    rows = {(r["name"], r.get("source")): r for r in found["operations"]}
    assert [r["seconds"] for r in found["operations"]] == sorted(
        (r["seconds"] for r in found["operations"]), reverse=True
    )
    product = rows["Matmul", "a.py:1"]
    assert product["calls"] == 2 and product["seconds"] == pytest.approx(100e-6)
    assert product["share"] == pytest.approx(100 / 175)
    assert product["bytes_per_second"] == pytest.approx(10000 / 100e-6)
    assert product["flops_per_second"] == pytest.approx(2e6 / 100e-6)
    assert product["fraction"] == pytest.approx(max(10000 / 1e9, 2e6 / 1e11) / 100e-6)
    # without the events inside
    assert rows["Compiled", "a.py:2"]["seconds"] == pytest.approx(40e-6)
    assert rows["Matmul", "b.py:9"]["calls"] == 1
    assert "bytes_per_second" not in rows["Matmul", "b.py:9"]


def test_for_people(trace):
    text = run("trace", trace).stdout
    assert re.search(r"Matmul +2 +100 µs +57.1% +100 MB/s +20.0 GFLOP/s +20.0% +a.py:1", text)
    assert "out.html" in text and "Events" in text
    short = run("trace", trace, "--no-page", "-n", "1").stdout
    assert "and 3 rows more" in short and "Compiled" not in short
    assert "Compiled" in run("trace", trace, "--no-page", "-n", "0").stdout


def test_the_list_alone_and_unfinished(trace):
    everything = document("trace", trace, "--no-page")
    for text in json.dumps(EVENTS), json.dumps(EVENTS)[:-1], json.dumps(EVENTS)[:-1] + ",\n":
        trace.write_text(text)
        found = document("trace", trace, "--no-page")
        assert found["events"] == everything["events"] and "dropped" not in found
        assert "fraction" not in found["operations"][0]


def test_other_programs_traces(trace):
    """Members that are not ours, events of other kinds, numbers and names of all sorts."""
    trace.write_text(
        json.dumps(
            {
                "controllerTraceDataKey": "system\"Trace\\",
                "metadata": {"a": [1, {"b": "}"}]}, "none": None, "number": -1.5e3,
                "traceEvents": [
                    {"ph": "B", "name": "begin"}, {"ph": "X", "name": 5, "ts": "now"},
                    {"ph": "X"}, {"ph": "C", "name": "cpu", "args": {"load": 3}},
                    event("x", 1, -5, tid=10**18),
                ],
                "stackFrames": {},
            }
        )
    )  # fmt: skip
    found = document("trace", trace)
    assert found["events"] == 3 and found["busy"] == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("hello", "no JSON"),
        ("{}", 'no "traceEvents"'),
        ('{"traceEvents": 3}', 'no "traceEvents"'),
        ('{"traceEvents": [3]}', "an event was expected"),
        ('{"traceEvents": [{"name": "x"}]}', 'it has no "ph"'),
        ('{"traceEvents": [{"ph": "X"', "at byte"),
        ('{"traceEvents": [{"ph": "X",}]}', "at byte"),
        ('{"other', "does not end"),
        ('{"other" 3', "a colon"),
        ('{"other": ', "too early"),
        ("[" * 100000, "an event was expected"),
        ('[{"ph": "X", "args": ' + "[" * 5000, "at byte"),
        ('{"a": ' + "[" * 100000, "at byte"),
        ('[{"ph": "X", "name": "a", "ts": 1e308, "dur": 1e308}]', "out of range"),
        ('[{"ph": "X", "ts": 1, "dur": 1, "args": {"flops": 1e300}}]', "out of range"),
    ],
)
def test_what_is_no_trace(trace, text, why):
    trace.write_text(text)
    done = run("trace", trace, status=1)
    assert why in done.stderr and str(trace) in done.stderr and done.stdout == ""
    assert not list(trace.parent.glob("*.html"))


def test_damaged_traces(trace):
    """Bytes changed, taken out and put in: a summary or an error, never a crash."""
    draw = seeds.choices()
    whole = json.dumps(TRACE).encode()
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data))
            data[at : at + draw.randint(0, 3)] = bytes(
                draw.choice(b'"{}[],:\\0-eXt\xff\x00') for _ in range(draw.randint(0, 2))
            )
        trace.write_bytes(data)
        done = subprocess.run([MLX, "trace", trace, "--json"], capture_output=True, timeout=60)
        assert done.returncode in (0, 1), data
        assert json.loads(done.stdout)
        page = trace.with_suffix(".html")
        assert page.exists() == (done.returncode == 0)
        page.unlink(missing_ok=True)


def test_files_that_are_not_there(trace, tmp_path):
    assert "cannot be opened" in run("trace", tmp_path / "none.json", status=1).stderr
    assert "cannot be" in run("trace", trace, "-o", tmp_path / "no" / "x.html", status=1).stderr
    page = tmp_path / "kept.html"
    page.write_text("before")
    trace.write_text("no")
    run("trace", trace, "--page", page, status=1)
    assert page.read_text() == "before" and {p.name for p in tmp_path.iterdir()} == {
        "out.json", "kept.html"}  # fmt: skip


def test_a_program_s_own_trace(tmp_path):
    """Of this very program, which is one in C."""
    trace = tmp_path / "bench.json"
    run("bench", "matmul", "-t", "0.01", "-s", "1M", "-m", "64", env={"MLX_TRACE": str(trace)})
    found = document("trace", trace, "--here", "--no-page")
    (product,) = (r for r in found["operations"] if r["name"] == "Matmul" and r["calls"] > 2)
    assert product["fraction"] > 0 and found["bandwidth"] > 0 and found["memory"] > 0


# --- the page -------------------------------------------------------------------------------------


def test_the_page_needs_nothing_else(trace):
    run("trace", trace)
    page = trace.with_suffix(".html").read_text()
    assert "default-src 'none'" in page
    assert not re.search(
        r"(?:https?:)?//[a-z]|\b(src|href)\s*=|@import|url\(|\bfetch\(|@DATA@", page
    )


def browse(page, script, folder):
    """Runs a script in the page, as a browser shows it; its result."""
    text = page.read_text()
    assert text.count("</body>") == 1
    script = (
        f"<script>document.documentElement.dataset.result = JSON.stringify((() => {{ {script} }})());"
        "</script>"
    )
    tried = folder / "tried.html"
    tried.write_text(text.replace("</body>", script + "</body>"))
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/chrome",
         "--window-size=1200,900", "--virtual-time-budget=3000", "--dump-dom", tried.as_uri()],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    found = re.search(r'data-result="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found.group(1)))


browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium")


@browser
def test_in_a_browser(trace, tmp_path):
    run("trace", trace)
    found = browse(
        trace.with_suffix(".html"),
        """
        const text = id => document.getElementById(id).textContent;
        const rows = () => [...document.querySelectorAll("tbody tr")].map(r => r.cells[0].textContent);
        const before = width;
        document.getElementById("closer").click();
        const closer = width;
        document.getElementById("all").click();
        const box = document.getElementById("time").getBoundingClientRect();
        const x = xOf(120e3, box.width), lane = lanes[0];
        choose(eventAt(x, lane.top + ROW * 1.5));
        const one = text("detail");
        document.querySelectorAll("tbody tr")[0].click();
        const lit = begin.map((_, i) => matches(i)).filter(Boolean).length;
        document.querySelectorAll("tbody tr")[0].click();
        const found = document.getElementById("find");
        found.value = "b.PY";
        found.dispatchEvent(new Event("input"));
        const few = rows();
        found.value = "";
        found.dispatchEvent(new Event("input"));
        document.querySelectorAll("th button")[1].click();
        drawTime(); drawMemory();
        const pixels = id => { const c = document.getElementById(id);
            return new Set(new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer)).size; };
        return {ready: document.documentElement.dataset.ready, title: document.title, sums: text("sums"), before, closer,
            one, lit, few, rows: rows(), lanes: lanes.map(l => [l.title, l.rows]), drawn: pixels("time"), memory: pixels("memory"),
            sort: document.querySelectorAll("th")[1].getAttribute("aria-sort")};
        """,
        tmp_path,
    )
    assert found["ready"] == "5" and found["title"] == "out.json"
    assert "5 events" in found["sums"] and "4.88 KiB at most" in found["sums"]
    assert "3 earlier events had no room" in found["sums"] and "100 GFLOP/s" in found["sums"]
    assert found["closer"] == pytest.approx(found["before"] / 2)
    assert found["one"].startswith("Matmul 50 µs") and "a.py:1" in found["one"]
    assert "float32 (2,3) -> float32 (3,2)" in found["one"] and "20 GFLOP/s" in found["one"]
    assert found["lit"] == 2 and found["few"] == ["Matmul"]
    assert sorted(found["rows"]) == ["Add", "Compiled", "Matmul", "Matmul"]
    assert found["rows"][0] == "Matmul" and found["sort"] == "descending"
    assert found["lanes"] == [["main thread", 2], ["thread 2", 1]]
    assert found["drawn"] > 20 and found["memory"] > 5


@browser
def test_light_and_dark(trace, tmp_path):
    run("trace", trace)
    first, second, third = browse(
        trace.with_suffix(".html"),
        """
        const ground = () => getComputedStyle(document.body).backgroundColor, found = [ground()];
        for (let i = 0; i < 2; i++) { document.getElementById("theme").click(); found.push(ground()); }
        return found;
        """,
        tmp_path,
    )
    assert first == third == "rgb(251, 251, 250)" and second == "rgb(20, 23, 27)"


@browser
def test_hostile_names_in_a_browser(trace, tmp_path):
    name = "</script><img src=x onerror=alert(1)>\u2028\"'&\U0001f600\x01"
    trace.write_text(json.dumps([event(name, 0, 5, source=name, inputs=name)]))
    run("trace", trace)
    page = trace.with_suffix(".html").read_text()
    assert "<img" not in page
    found = browse(
        trace.with_suffix(".html"),
        """
        choose(0);
        return {name: data.names[name[0]], cell: document.querySelector("tbody tr").cells[0].textContent,
            shown: document.querySelector("#detail b").textContent, images: document.images.length};
        """,
        tmp_path,
    )
    assert found == {"name": name, "cell": name, "shown": name, "images": 0}


@browser
def test_an_empty_trace_in_a_browser(trace, tmp_path):
    trace.write_text("[]")
    assert document("trace", trace)["events"] == 0
    page = trace.with_suffix(".html")
    assert browse(page, "return document.documentElement.dataset.ready;", tmp_path) == "0"


def test_beginnings_and_ends_are_passed_over(tmp_path):
    pairs = [{"ph": k, "pid": 7, "tid": 1, "name": "f", "ts": i} for i, k in enumerate("BBEE")]
    (tmp_path / "t.json").write_text(json.dumps(EVENTS + pairs))
    assert document("trace", tmp_path / "t.json")["passed_over"] == 4
    assert "(B, E), not counted  4" in run("trace", tmp_path / "t.json").stdout
