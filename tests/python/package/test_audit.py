"""The list of dependencies, bills of materials, and what `make audit` makes of answers."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
import audit
import dependencies
import sbom

TRACKER = {
    "jansson": {
        "CVE-1": {
            "description": "mended long ago",
            "releases": {"bookworm": {"status": "resolved", "fixed_version": "2.13-1"}},
        },
        "CVE-2": {
            "description": "mended since",
            "releases": {"bookworm": {"status": "resolved", "fixed_version": "2.14-2+deb12u1"}},
        },
        "CVE-3": {
            "description": "open",
            "releases": {"bookworm": {"status": "open", "urgency": "not yet assigned"}},
        },
        "CVE-4": {
            "description": "no hole",
            "releases": {"bookworm": {"status": "open", "urgency": "unimportant"}},
        },
        "CVE-5": {
            "description": "never there",
            "releases": {"bookworm": {"status": "resolved", "fixed_version": "0"}},
        },
        "CVE-6": {"description": "elsewhere", "releases": {"sid": {"status": "open"}}},
    }
}


def test_dependencies():
    """Everything that the program needs of a machine stands in the list."""
    rows = dependencies.listed()
    assert len({row.source for row in rows}) == len(rows)
    linked = {row.name for row in dependencies.listed("linked")}
    for library, source in {
        "jansson": "jansson",
        "libzip": "libzip",
        "libutf8proc": "utf8proc",
    }.items():
        assert library in (ROOT / "CMakeLists.txt").read_text() and source in linked
    with pytest.raises(SystemExit, match="has the row"):
        list(dependencies.rows("\n## Dependencies\n\n| a | b |\n| x | y | z |\n"))


def has_dpkg():
    if subprocess.run(["sh", "-c", "command -v dpkg"], capture_output=True).returncode:
        pytest.skip("dpkg compares versions")


def test_holes():
    has_dpkg()
    found = {
        name: state for name, state, _ in audit.holes(TRACKER, "jansson", "2.14-2", "bookworm")
    }
    assert found == {"CVE-2": "mended", "CVE-3": "open", "CVE-4": "minor"}
    newer = audit.holes(TRACKER, "jansson", "2.14-2+deb12u1", "bookworm")
    assert [name for name, *_ in newer] == ["CVE-3", "CVE-4"]
    assert not list(audit.holes(TRACKER, "zlib", "1", "bookworm"))


def test_verdicts(capsys):
    has_dpkg()
    assert not audit.ask_debian(TRACKER, {"jansson": "2.14-2"}, "bookworm")
    assert audit.ask_debian(TRACKER, {"jansson": "2.15"}, "bookworm")
    said = capsys.readouterr().out
    assert "CVE-2 mended since 2.14-2+deb12u1" in said and "libzip: not installed here" in said


def test_pip_audit(capsys):
    bad = {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}
    assert audit.told([bad]) is False and "X-1" in capsys.readouterr().out
    assert audit.told([{"name": "a", "version": "1", "vulns": []}]) is True
    assert audit.told([{"name": "a", "skip_reason": "unknown"}]) is None


def test_tracker(tmp_path, monkeypatch):
    place = tmp_path / "tracker.json"
    monkeypatch.setenv("MLX_DEBIAN_TRACKER", str(place))
    assert audit.tracker()[0] is None
    place.write_text(json.dumps(TRACKER))
    assert audit.tracker() == (TRACKER, None)


def test_bill_of_a_machine():
    text = sbom.bill()
    bill = json.loads(text)
    names = {row["name"] for row in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX" and {"jansson", "openblas", "curl"} <= names
    assert set(bill["dependencies"][0]["dependsOn"]) == names
    assert sbom.bill() == text


def test_bill_of_a_folder(tmp_path, monkeypatch):
    """Files that were carried, by source package, with their hashes."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    rows, wheel = [], "PyPI:scipy-openblas32"
    sources = {"liba.so.1": "jansson", "libb.so.2": "jansson", "libc.so.3": None, "libd.so": wheel}
    for name, source in sources.items():
        (tmp_path / name).write_bytes(name.encode())
        rows.append({"file": name, **({"source": source, "version": "1:2+3"} if source else {})})
    (tmp_path / "carried.json").write_text(json.dumps(rows))
    bill = json.loads(sbom.bill(tmp_path))
    assert bill["metadata"]["timestamp"] == "1970-01-02T00:00:00Z"
    openblas, jansson, other = bill["components"]
    assert openblas["purl"] == "pkg:pypi/scipy-openblas32@1%3A2%2B3"
    assert openblas["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert jansson["purl"] == "pkg:deb/debian/jansson@1%3A2%2B3?arch=source"
    assert jansson["licenses"] == [{"expression": "MIT"}] and other["name"] == "libc.so.3"
    content = jansson["components"][0]["hashes"][0]["content"]
    assert content == hashlib.sha256(b"liba.so.1").hexdigest()
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert "timestamp" not in json.loads(sbom.bill(tmp_path))["metadata"]
