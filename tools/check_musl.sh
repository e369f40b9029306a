#!/bin/sh
# The library's sources, and the Elixir package's native half where erl_nif.h is, compile against musl's headers (Debian: musl-tools),
# those of the other libraries being glibc's.
set -u
cd "$(dirname "$0")/.."
command -v musl-gcc >/dev/null || { echo "skipped: there is no musl-gcc (musl-tools)"; exit 77; }
include=/usr/include
status=0
for file in $(find src -name '*.c' ! -path 'src/kernels/*/*'); do
    musl-gcc -std=gnu11 -fsyntax-only -Werror -Wall -Wextra -Isrc -Iinclude \
        -idirafter $include -idirafter $include/"$(gcc -print-multiarch)" $(pkg-config --cflags-only-I openblas) "$file" || status=1
done
erlang=$(erl -noshell -eval 'io:format("~ts/erts-~ts/include", [code:root_dir(), erlang:system_info(version)])' -s init stop 2>/dev/null)
for file in $([ -f "$erlang/erl_nif.h" ] && echo bindings/elixir/c_src/*.c); do
    musl-gcc -std=c11 -D_GNU_SOURCE -fsyntax-only -Werror -Wall -Wextra -Wshadow -Iinclude -isystem "$erlang" "$file" || status=1
done
exit $status
