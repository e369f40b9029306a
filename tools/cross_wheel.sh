#!/bin/sh
# A wheel for arm64, built here with a cross compiler and run under qemu-user: the package does arithmetic, gradients and LAPACK there.
#
#     tools/cross_wheel.sh folder        beside the wheel for this machine, from which it takes all that is no binary
#
# Needs Debian's gcc-aarch64-linux-gnu, qemu-user and mmdebstrap, and this distribution's own Python, else 77. The libraries of arm64 are
# unpacked into build/arm64/sysroot.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1" "$root/build/arm64"
folder=$(cd "$1" && pwd)
work=$root/build/arm64
for program in aarch64-linux-gnu-gcc qemu-aarch64 mmdebstrap patchelf; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
python=$(/usr/bin/python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])') || exit 77
minor=${python#python3.}
export MLXC_MACHINE=aarch64-linux-gnu MLXC_SYSROOT="$work/sysroot" SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1000000000}"

if [ ! -e "$MLXC_SYSROOT/usr/bin/$python" ]; then
    packages=libc6-dev,libjansson-dev,libzip-dev,libutf8proc-dev,libpcre2-dev,libjpeg62-turbo-dev,libopenblas0-pthread
    mmdebstrap --quiet --variant=extract --arch=arm64 --include=$packages,python3-dev,python3-minimal,libpython3-stdlib \
        "$suite" "$MLXC_SYSROOT.new" "${FRESH_MIRROR:-http://deb.debian.org/debian}"
    rm -rf "$MLXC_SYSROOT" && mv "$MLXC_SYSROOT.new" "$MLXC_SYSROOT"
fi

# The loader of arm64 says what a library needs and where that lies.
cat >"$work/ldd" <<'END'
#!/bin/sh
qemu-aarch64 -L "$MLXC_SYSROOT" "$MLXC_SYSROOT/lib/ld-linux-aarch64.so.1" --list "$1" | while read -r name arrow path rest; do
    [ ! -e "$MLXC_SYSROOT$path" ] || [ -z "$path" ] || path=$MLXC_SYSROOT$path
    echo "$name $arrow $path $rest"
done
END
chmod +x "$work/ldd"
export LDD="$work/ldd"

# GCC 12 for arm64 fails on a loop of models/rope.c with -O3; kernels say their own -O3.
cmake -S "$root" -B "$work/build" -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=Release "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG" -DCMAKE_TOOLCHAIN_FILE="$root/cmake/sysroot.cmake" \
    -DMLXC_PYTHON=ON -DMLXC_TESTS=OFF -DMLXC_EXAMPLES=OFF -DMLXC_BENCH=OFF -DPython_EXECUTABLE=/usr/bin/python3 \
    -DPython_INCLUDE_DIR="$MLXC_SYSROOT/usr/include/$python" \
    -DOPENBLAS="$(ls "$MLXC_SYSROOT"/usr/lib/aarch64-linux-gnu/openblas-*/libopenblas*.so* | head -1)"
cmake --build "$work/build" --target core -j "$(nproc)"
rm -rf "$work/stage"
cmake --install "$work/build" --component python --prefix "$work/stage" >/dev/null
find "$work/stage" -name '*-x86_64-linux-gnu.so' | while read -r module; do
    mv "$module" "${module%-x86_64-linux-gnu.so}-aarch64-linux-gnu.so"
done

native=$(ls "$folder"/mlx-*-cp3"$minor"-cp3"$minor"-*_"$(uname -m)".whl 2>/dev/null | head -1)
[ -n "$native" ] || native=$(python3 "$root/tools/make_wheel.py" "$folder" /usr/bin/python3)
wheel=$(python3 "$root/tools/make_wheel.py" --with "$work/stage" "$native" "$folder")
echo "$wheel"

rm -rf "$work/use" && mkdir "$work/use" && python3 -m zipfile -e "$wheel" "$work/use" && chmod +x "$work/use/mlx/bin/mlx"
cd "$work/use"
PYTHONPATH=$work/use PYTHONHOME=$MLXC_SYSROOT/usr PYTHONDONTWRITEBYTECODE=1 qemu-aarch64 -L "$MLXC_SYSROOT" "$MLXC_SYSROOT/usr/bin/$python" -c '
import platform
import mlx.core as mx
x = mx.array([1.0, 2.0, 3.0])
assert (x * x).sum().item() == 14
assert mx.grad(lambda v: (v * v).sum())(x).tolist() == [2.0, 4.0, 6.0]
assert mx.linalg.inv(mx.array([[2.0, 0], [0, 4.0]]), stream=mx.cpu).tolist() == [[0.5, 0], [0, 0.25]]
assert abs(mx.linalg.svd(mx.array([[3.0, 0], [0, 4.0]]), stream=mx.cpu)[1][0].item() - 4) < 1e-6
print("works on", platform.machine())'
qemu-aarch64 -L "$MLXC_SYSROOT" mlx/bin/mlx devices
