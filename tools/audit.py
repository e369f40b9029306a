#!/usr/bin/env python3
"""Ask who knows of holes in what this project uses: Debian's security tracker about the libraries
that are linked or loaded, as this machine has them, and pip-audit about what comes from PyPI.

    audit.py folder        pip-audit is put into a virtual environment there

MLX_DEBIAN_TRACKER names the tracker's data, a file or an address, in place of Debian's own.
Ends with 0: nothing is known that a newer version mends; 1: something is; 77: nobody was asked.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

from dependencies import listed
from sbom import installed

TRACKER = "https://security-tracker.debian.org/tracker/data/json"


def release():
    text = Path("/etc/os-release").read_text()
    found = re.search(r"^VERSION_CODENAME=(\w+)$", text, re.M)
    return found.group(1) if found else ""


def tracker():
    """The tracker's document, or None and why."""
    place = os.environ.get("MLX_DEBIAN_TRACKER", TRACKER)
    try:
        if "://" not in place:
            return json.loads(Path(place).read_text()), None
        with urllib.request.urlopen(place, timeout=120) as answer:
            return json.load(answer), None
    except (OSError, ValueError) as error:
        return None, f"{place}: {error}"


def older(one, other):
    return subprocess.run(["dpkg", "--compare-versions", one, "lt", other]).returncode == 0


def holes(document, source, version, suite):
    """(name, state, words) of each that this version has: "mended" where a newer version of the
    suite has it no more, "open" where none does, "minor" where Debian says that it is of no
    importance."""
    for name, hole in sorted(document.get(source, {}).items()):
        row = hole.get("releases", {}).get(suite)
        if not row:
            continue
        words = hole.get("description", "")[:100]
        if row["status"] == "resolved":
            if row["fixed_version"] != "0" and older(version, row["fixed_version"]):
                yield name, "mended", f"since {row['fixed_version']}: {words}"
        elif row.get("urgency") == "unimportant" or row.get("nodsa"):
            yield name, "minor", words
        else:
            yield name, "open", words


def ask_debian(document, versions, suite):
    """True: nothing that an upgrade would mend."""
    good = True
    for row in listed("linked", "loaded"):
        version = versions.get(row.name)
        if not version:
            print(f"{row.name}: not installed here")
            continue
        found = list(holes(document, row.name, version, suite))
        minor = sum(state == "minor" for _, state, _ in found)
        print(f"{row.name} {version}: {len(found) - minor} known, {minor} of no importance")
        for name, state, words in found:
            if state != "minor":
                print(f"    {name} {state} {words}")
        good &= all(state != "mended" for _, state, _ in found)
    return good


def pip_audit(folder):
    """pip-audit, installed where it is not yet; None and why."""
    program = folder / "venv/bin/pip-audit"
    if not program.exists():
        venv.create(folder / "venv", with_pip=True)
        command = [folder / "venv/bin/pip", "install", "-q", "--disable-pip-version-check"]
        done = subprocess.run([*command, "pip-audit"], capture_output=True, text=True)
        if done.returncode:
            return None, done.stderr.strip().splitlines()[-1]
    return program, None


def ask_pypi(folder):
    """True: nothing is known; None: nobody answered."""
    program, why = pip_audit(folder)
    if why:
        print(f"pip-audit could not be installed: {why}")
        return None
    wanted = folder / "requirements.txt"
    names = [row.name for row in listed() if row.registry == "pypi"]
    wanted.write_text("\n".join(names) + "\n")
    command = [program, "--progress-spinner", "off", "-f", "json", "-r", wanted]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"pip-audit could not ask: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
        return None
    return told(rows)


def told(rows):
    """What pip-audit's rows say; a project that its source does not know was not audited."""
    asked = [row for row in rows if "skip_reason" not in row]
    print(f"PyPI: {len(asked)} of {len(rows)} projects are known to pip-audit's source")
    bad = [(row, hole) for row in asked for hole in row["vulns"]]
    for row, hole in bad:
        print(f"    {row['name']} {row['version']}: {hole['id']}, mended in {hole['fix_versions']}")
    return not bad if asked else None


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    document, why = tracker()
    if why:
        print(f"Debian's tracker could not be asked: {why}")
    debian = None if why else ask_debian(document, installed(), release())
    pypi = ask_pypi(folder)
    if debian is None and pypi is None:
        return 77
    return 0 if debian is not False and pypi is not False else 1


if __name__ == "__main__":
    sys.exit(main())
