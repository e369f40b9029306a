#!/bin/sh
# asan.sh build-folder folder-of-libmlxc [arguments of mix test]: the tests of the Elixir package with its native half under
# AddressSanitizer. What it finds fails, and is printed. 77: something is missing.
set -eu
here=$(dirname "$0")
library=$("${CC:-cc}" -print-file-name=libasan.so)
[ -e "$library" ] || { echo "skipped: there is no libasan.so"; exit 77; }
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
status=0
# the VM allocates for its whole life and has a use for SIGSEGV; NIFs are compiled apart from those of run.sh
CFLAGS="-O1 -g -fsanitize=address -fno-omit-frame-pointer" LDFLAGS=-fsanitize=address LD_PRELOAD=$library MLX_FUZZ_CALLS=${MLX_FUZZ_CALLS:-20000} \
    ASAN_OPTIONS=detect_leaks=0:handle_segv=0:log_path=$logs/log sh "$here/run.sh" "$@" || status=$?
for log in "$logs"/*; do
    [ ! -s "$log" ] || { cat "$log"; status=1; }
done
exit $status
