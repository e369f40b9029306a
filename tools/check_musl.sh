#!/bin/sh
# All sources compile against musl's headers (Debian: musl-tools), those of the other libraries being glibc's: the library with the kernels of
# the plainest instruction set, the program, and the Python module and the Elixir package's native half where their headers are.
set -u
cd "$(dirname "$0")/.."
command -v musl-gcc >/dev/null || { echo "skipped: there is no musl-gcc (musl-tools)"; exit 77; }
include=/usr/include
status=0

# check FILES OPTION...
check() {
    files=$1 && shift
    for file in $files; do
        musl-gcc -fsyntax-only -Werror -Wall -Wextra -Iinclude "$@" \
            -idirafter $include -idirafter $include/"$(gcc -print-multiarch)" "$file" || status=1
    done
}

check "$(find src -name '*.c' ! -name 'k_*.c')" -std=gnu11 -Isrc $(pkg-config --cflags-only-I openblas)
check "$(find src/kernels -name 'k_*.c')" -std=gnu11 -Isrc "-DMX_ISA=$([ "$(uname -m)" = aarch64 ] && echo neon || echo baseline)"
check "$(find cli -name '*.c')" -std=gnu11 -D_GNU_SOURCE -Icli -Wno-missing-field-initializers
python=$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["include"])' 2>/dev/null)
[ ! -f "$python/Python.h" ] || check "$(find bindings/python/src -name '*.c')" -std=gnu11 -Ibindings/python/src \
    -Wno-missing-field-initializers -Wno-cast-function-type -isystem "$python"
erlang=$(erl -noshell -eval 'io:format("~ts/erts-~ts/include", [code:root_dir(), erlang:system_info(version)])' -s init stop 2>/dev/null)
[ ! -f "$erlang/erl_nif.h" ] || check "$(echo bindings/elixir/c_src/*.c)" -std=c11 -D_GNU_SOURCE -Wshadow -isystem "$erlang"
exit $status
