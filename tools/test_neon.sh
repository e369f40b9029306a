#!/bin/sh
# The kernels for arm64: built with a cross compiler, their tests run under qemu-user. Skipped, with a word,
# where either is missing (Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user).
set -eu
cd "$(dirname "$0")/.."
CC=${CC_ARM64:-aarch64-linux-gnu-gcc}
QEMU=${QEMU_ARM64:-qemu-aarch64}
if ! command -v "$CC" >/dev/null || ! command -v "$QEMU" >/dev/null; then
    echo "NEON tests skipped: $CC or $QEMU is not installed"
    exit 0
fi
out=build/neon
mkdir -p "$out"
command -v ccache >/dev/null && CC="ccache $CC"
flags="-std=gnu11 -O2 -Isrc -Iinclude -Itests -Itests/kernels -Wall -Wextra -Wshadow -ffp-contract=off -fno-math-errno"
objects=
for file in src/base/*.c src/base/*/*.c src/kernels/*.c src/kernels/*/*.c; do
    name=$(basename "$file" .c)
    isa=
    case $name in
        k_ref*) ;;
        k_*_vnni) isa="-DMX_ISA=neon -march=armv8.2-a+dotprod" ;;
        k_*) isa=-DMX_ISA=neon ;;
    esac
    $CC $flags $isa -c "$file" -o "$out/$name.o"
    objects="$objects $out/$name.o"
done
failed=0
for file in tests/kernels/test_k_*.c; do
    name=$(basename "$file" .c)
    $CC $flags -static "$file" $objects -o "$out/$name" -lm -lpthread
    printf '%s: ' "$name"
    MLX_TEST_SOURCE=$PWD $QEMU "$out/$name" || { [ $? -eq 77 ] || failed=1; }
done
exit $failed
