#!/bin/sh
# The Elixir package's native half for arm64, as an archive (bindings/elixir/precompile.sh), built here with a cross compiler
# and loaded under qemu-user.
#
#     tools/cross_elixir.sh folder
#
# Needs what cross_arm64.sh does, and Erlang of this distribution, else 77.
set -eu
. "$(dirname "$0")/cross_arm64.sh"
for program in elixir erl; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
mkdir -p "$1"
folder=$(cd "$1" && pwd)
erlang=$MLXC_SYSROOT/usr/lib/erlang
cross_build mlxc -DMLXC_PYTHON=OFF -DMLXC_PROGRAM=OFF

archive=$(TARGET=aarch64-linux-gnu CC=aarch64-linux-gnu-gcc STRIP=aarch64-linux-gnu-strip ERL_INCLUDE="$(ls -d "$erlang"/erts-*/include)" \
    MLXC_LIB="$work/build" MLXC_INCLUDE="$root/include" OPENBLAS="$openblas" \
    sh "$root/bindings/elixir/precompile.sh" "$folder" | tail -1)
echo "$archive"

# Erlang's VM for arm64 ends in qemu-user with a segmentation fault before it begins. So a program in its place, with a function for each that
# the native half asks of it, loads the archive's: all that is asked of libmlxc is there, and libmlxc computes, with the OpenBLAS beside it.
rm -rf "$work/elixir" && mkdir -p "$work/elixir/priv"
tar -C "$work/elixir/priv" -xzf "$archive"
{
    cat <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include "mlx/c/mlx.h"
typedef struct entry { int major, minor; const char *name; int functions; } entry;
int main(void) {
    float numbers[] = {2, 0, 0, 4}, *found;
    int shape[] = {2, 2};
    mlx_stream s = mlx_default_cpu_stream_new();
    mlx_array a = mlx_array_new_data(numbers, shape, 2, MLX_FLOAT32), inverse = mlx_array_new();
    if (mlx_linalg_inv(&inverse, a, s) || mlx_array_eval(inverse))
        return 1;
    found = (float *)mlx_array_data_float32(inverse);
    void *nif = dlopen(NIF, RTLD_NOW);
    entry *(*init)(void) = nif ? (entry * (*)(void)) dlsym(nif, "nif_init") : NULL;
    if (!init || found[0] != 0.5f || found[3] != 0.25f)
        return fprintf(stderr, "%s\n", nif ? "wrong values" : dlerror()), 1;
    printf("%s has %d functions for NIF %d.%d\n", init()->name, init()->functions, init()->major, init()->minor);
    return 0;
}
END
    aarch64-linux-gnu-nm -D --undefined-only "$work/elixir/priv/mlx_nif.so" | sed -n 's/^ *U \(enif_[a-z0-9_]*\).*/void \1(void) {}/p'
} >"$work/elixir/vm.c"
aarch64-linux-gnu-gcc --sysroot="$MLXC_SYSROOT" -rdynamic -I"$root/include" "-DNIF=\"$work/elixir/priv/mlx_nif.so\"" "$work/elixir/vm.c" -o "$work/elixir/vm" \
    "$work/elixir/priv/libmlxc.so.1" "-Wl,-rpath,$work/elixir/priv" -Wl,--allow-shlib-undefined -ldl
qemu-aarch64 -L "$MLXC_SYSROOT" "$work/elixir/vm"
