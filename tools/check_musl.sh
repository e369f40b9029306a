#!/bin/sh
# The library's sources compile against musl's headers (Debian: musl-tools), those of the other libraries being glibc's.
set -u
cd "$(dirname "$0")/.."
command -v musl-gcc >/dev/null || { echo "skipped: there is no musl-gcc (musl-tools)"; exit 77; }
include=/usr/include
status=0
for file in $(find src -name '*.c' ! -path 'src/kernels/*/*'); do
    musl-gcc -std=gnu11 -fsyntax-only -Werror -Wall -Wextra -Isrc -Iinclude -DMX_LIB_VERSION='""' \
        -idirafter $include -idirafter $include/"$(gcc -print-multiarch)" $(pkg-config --cflags-only-I openblas) "$file" || status=1
done
exit $status
