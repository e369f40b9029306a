# Sourced by cross_wheel.sh and cross_elixir.sh: this project for arm64, built here with a cross compiler, with arm64's libraries unpacked into
# build/arm64/sysroot. Sets root, work, openblas and $MLXC_SYSROOT, and $LDD, which carry_libraries.py asks.
#
#     cross_build target [options]     configures and builds in $work/build
#
# Needs Debian's gcc-aarch64-linux-gnu, qemu-user, mmdebstrap and patchelf, else the script ends with 77.
root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/build/arm64
mkdir -p "$work"
for program in aarch64-linux-gnu-gcc qemu-aarch64 mmdebstrap patchelf; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
export MLXC_MACHINE=aarch64-linux-gnu MLXC_SYSROOT="$work/sysroot" LDD="$work/ldd"

# The loader of arm64 says what a library needs and where that lies.
cat >"$LDD" <<'END'
#!/bin/sh
qemu-aarch64 -L "$MLXC_SYSROOT" "$MLXC_SYSROOT/lib/ld-linux-aarch64.so.1" --list "$1" | while read -r name arrow path rest; do
    [ ! -e "$MLXC_SYSROOT$path" ] || [ -z "$path" ] || path=$MLXC_SYSROOT$path
    echo "$name $arrow $path $rest"
done
END
chmod +x "$LDD"

if [ ! -e "$MLXC_SYSROOT/usr/bin/python3" ] || [ ! -e "$MLXC_SYSROOT/usr/lib/erlang/usr/include/erl_nif.h" ]; then
    packages=libc6-dev,libjansson-dev,libzip-dev,libutf8proc-dev,libpcre2-dev,libjpeg62-turbo-dev,libopenblas0-pthread
    packages=$packages,python3-dev,python3-minimal,libpython3-stdlib,erlang-base,erlang-dev
    mmdebstrap --quiet --variant=extract --arch=arm64 --include=$packages "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" \
        "$MLXC_SYSROOT.new" "${FRESH_MIRROR:-http://deb.debian.org/debian}"
    rm -rf "$MLXC_SYSROOT" && mv "$MLXC_SYSROOT.new" "$MLXC_SYSROOT"
fi

openblas=$(ls "$MLXC_SYSROOT"/usr/lib/aarch64-linux-gnu/openblas-*/libopenblas*.so* | head -1)

# GCC 12 for arm64 fails on a loop of models/rope.c with -O3; kernels say their own -O3.
cross_build() {
    target=$1
    shift
    cmake -S "$root" -B "$work/build" -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=Release "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG" \
        -DCMAKE_TOOLCHAIN_FILE="$root/cmake/sysroot.cmake" -DMLXC_TESTS=OFF -DMLXC_EXAMPLES=OFF -DMLXC_BENCH=OFF "-DOPENBLAS=$openblas" "$@"
    cmake --build "$work/build" --target "$target" -j "$(nproc)"
}
