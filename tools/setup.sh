#!/bin/sh
# Install what the build needs and the machine lacks (Debian 12 and 13, Ubuntu 24.04). Nothing to do: no output.
# setup.sh elixir: also what the Elixir package and its tests need; setup.sh docs: what draws the pictures of make docs; setup.sh web: what
# compiles for WebAssembly.
set -eu

have() {
    command -v "$1" >/dev/null 2>&1
}

cmake_is_new() {
    have cmake && cmake --version | awk 'NR == 1 { split($3, v, "."); exit !(v[1] > 3 || (v[1] == 3 && v[2] >= 25)) }'
}

compiler() {
    for c in "${CC:-cc}" gcc clang; do
        if have "$c"; then
            echo "$c"
            return
        fi
    done
    echo false
}

# OpenBLAS is loaded at run time; bench_matmul includes cblas.h and links against it.
openblas_works() {
    out=$(mktemp)
    if printf '#include <cblas.h>\nint main(void) { return cblas_ddot(0, 0, 1, 0, 1) != 0; }\n' |
        "$(compiler)" -x c - -o "$out" -I/usr/include/openblas -lopenblas 2>/dev/null; then works=0; else works=1; fi
    rm -f "$out"
    return $works
}

jansson_works() {
    have pkg-config && pkg-config --exists 'jansson >= 2.12'
}

libzip_works() {
    have pkg-config && pkg-config --exists 'libzip >= 1.7'
}

utf8proc_works() {
    have pkg-config && pkg-config --exists 'libutf8proc >= 2.6'
}

pcre2_works() {
    have pkg-config && pkg-config --exists 'libpcre2-8 >= 10.40'
}

# JPEG files in mlx.data, which decodes with Pillow where it was built without.
libjpeg_works() {
    have pkg-config && pkg-config --exists libjpeg
}

# mlx serve loads it at run time; the package's name for that part alone is not the same everywhere.
microhttpd_works() {
    have pkg-config && pkg-config --exists 'libmicrohttpd >= 0.9.58'
}

python_headers_work() {
    python3 -c 'import os, sysconfig; open(os.path.join(sysconfig.get_paths()["include"], "Python.h"))' 2>/dev/null
}

# A virtual environment needs pip's wheel, which Debian keeps apart.
python_venv_works() {
    python3 -c 'import ensurepip, venv' 2>/dev/null
}

erlang_headers_work() {
    have erl && erl -noshell -eval 'halt(case filelib:is_regular(code:root_dir() ++ "/usr/include/erl_nif.h") of true -> 0; _ -> 1 end)'
}

# The parts of Erlang that mix and its tests use; erlang-nox has them all.
mix_works() {
    have mix && erl -noshell -eval 'halt(case [A || A <- [tools, parsetools, crypto], code:lib_dir(A) =:= {error, bad_name}] of [] -> 0; _ -> 1 end)'
}

libc_works() {
    echo '#include <stdio.h>' | "$(compiler)" -E -x c - >/dev/null 2>&1
}

missing=
need() {
    missing="$missing $1"
}

[ "$(compiler)" != false ] || need gcc
libc_works || need libc6-dev
cmake_is_new || need cmake
have ninja || need ninja-build
have ccache || need ccache
have pkg-config || need pkg-config
have python3 || need python3
python_headers_work python3 || need python3-dev
python_venv_works || need python3-venv
openblas_works || need libopenblas-dev
jansson_works || need libjansson-dev
libzip_works || need libzip-dev
utf8proc_works || need libutf8proc-dev
pcre2_works || need libpcre2-dev
libjpeg_works || need libjpeg-dev
microhttpd_works || need libmicrohttpd-dev
if [ "${1:-}" = elixir ]; then
    mix_works || need "elixir erlang-nox"
    erlang_headers_work || need erlang-dev
fi
if [ "${1:-}" = docs ]; then
    have dot || need graphviz
fi
if [ "${1:-}" = web ]; then
    have emcc || need emscripten
    have node || need nodejs
fi
[ -n "$missing" ] || exit 0

echo "setup: missing:$missing"
if ! have apt-get; then
    echo "setup: there is no apt-get here; install what these Debian packages hold, and run again" >&2
    exit 1
fi
root=
if [ "$(id -u)" != 0 ]; then
    have sudo || { echo "setup: neither root nor sudo; run: apt-get install$missing" >&2; exit 1; }
    root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { $root apt-get update -qq && $root apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "setup: apt-get could not install$missing" >&2
    exit 1
fi
cmake_is_new || { echo "setup: CMake 3.25 or newer is needed, this system's is older" >&2; exit 1; }
