#!/bin/sh
# README's program in C, built by Meson: on an installed library, found by pkg-config and by CMake; or as a subproject, which is built whole,
# of the archive of sources and the wrap in a folder of a release.
#
#     tests/package/check_meson.sh [folder]          needs meson, ninja and cmake, else 77
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
for program in meson ninja cmake pkg-config; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In the folder $1, with a dependency of the words $2; further words are for meson.
use() {
    name=$1 words=$2
    shift 2
    mkdir -p "$work/$name"
    awk '$0 == "```" { on = 0 } on; $0 == "```c" { on = 1 }' "$root/README.md" >"$work/$name/program.c"
    printf "project('reader', 'c')\nexecutable('program', 'program.c', dependencies: dependency(%s))\n" "$words" >"$work/$name/meson.build"
    { meson setup "$work/$name/build" "$work/$name" "$@" && meson compile -C "$work/$name/build"; } >"$work/log" 2>&1 || { tail -30 "$work/log"; exit 1; }
    LD_LIBRARY_PATH=$(dirname "$(find "$work/prefix" "$work/$name" -name 'libmlxc.so' | tail -1)") "$work/$name/build/program" |
        grep '^array(\[\[0.0900306, 0.489457, 1.99572\],'
    echo "$name: works"
}

installed() {
    cmake --install "${MESON_BUILD:-$root/build/dev}" --prefix "$work/prefix" >/dev/null
    config=$(dirname "$(find "$work/prefix" -name mlxc.pc)")
    use pkg-config "'mlxc', method: 'pkg-config'" --pkg-config-path "$config"
    use cmake "'MLXC', method: 'cmake', modules: ['mlxc']" --cmake-prefix-path "$work/prefix"
}

subproject() {
    mkdir -p "$work/prefix" "$work/subproject/subprojects/packagefiles"
    cp "$1/mlxc.wrap" "$work/subproject/subprojects"
    cp "$1"/cmlx-*.tar.xz "$work/subproject/subprojects/packagefiles"
    use subproject "'mlxc'" --force-fallback-for=mlxc
}

if [ $# = 0 ]; then installed; else subproject "$(cd "$1" && pwd)"; fi
