#!/usr/bin/env python3
"""Write a bill of materials (CycloneDX 1.5, JSON): what this project is linked with, or loads.

    sbom.py file                  what is installed on this machine
    sbom.py file libs-folder      what tools/carry_libraries.py has put there, with hashes

Sources and licences are those of docs/architecture.md. The same input gives the same bytes; a time
stands there where SOURCE_DATE_EPOCH does.
"""

import datetime
import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.parse
import uuid
from pathlib import Path

from dependencies import listed
from versions import version, wheel_version


def installed():
    """source package -> version, of what dpkg has installed."""
    if not shutil.which("dpkg-query"):
        return {}
    form = "${db:Status-Status} ${source:Package} ${source:Version}\\n"
    found = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True).stdout
    rows = (line.split() for line in found.splitlines())
    return {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "installed"}


def purl(kind, name, number):
    return f"pkg:{kind}/{name}@{urllib.parse.quote(number, safe='')}"


def component(source, number, licence, files=()):
    name = source.removeprefix("PyPI:")
    row = {"type": "library", "bom-ref": name, "name": name}
    if number and name != source:
        row |= {"version": number, "purl": purl("pypi", name, number)}
    elif number:
        row |= {"version": number, "purl": purl("deb/debian", name, number) + "?arch=source"}
    if licence:
        row["licenses"] = [{"expression": licence}]
    if files:
        row["components"] = files
    return row


def from_machine():
    versions = installed()
    for row in listed("linked", "loaded"):
        yield component(row.name, versions.get(row.name), row.licence)


def file_row(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "type": "file",
        "bom-ref": path.name,
        "name": path.name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def from_folder(libs):
    """A component for each source package, with its files."""
    licences = {row.source: row.licence for row in listed()}
    sources = {}
    for row in json.loads((libs / "carried.json").read_text()):
        key = row.get("source", row["file"]), row.get("version")
        sources.setdefault(key, []).append(file_row(libs / row["file"]))
    for (source, number), files in sorted(sources.items()):
        yield component(source, number, licences.get(source), files)


def document(components, subject):
    body = {"metadata": {"component": subject}, "components": components}
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        at = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc)
        body["metadata"]["timestamp"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    name = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    links = [{"ref": subject["bom-ref"], "dependsOn": [c["bom-ref"] for c in components]}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{name}",
        "version": 1,
        **body,
        "dependencies": links,
    }


def subject(carried):
    name, number = ("mlx", wheel_version()) if carried else ("cmlx", version())
    row = {
        "type": "library",
        "bom-ref": name,
        "name": name,
        "version": number,
        "licenses": [{"expression": "MIT"}],
    }
    return row | ({"purl": purl("pypi", "mlx", number)} if carried else {})


def bill(libs=None):
    found = list(from_folder(Path(libs)) if libs else from_machine())
    return json.dumps(document(found, subject(libs)), indent=1) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(bill(*sys.argv[2:3]))
