#!/bin/sh
# A wheel for arm64, built here with a cross compiler and run under qemu-user: the package does arithmetic, gradients and LAPACK there.
#
#     tools/cross_wheel.sh folder        beside the wheel for this machine, from which it takes all that is no binary
#
# Needs what cross_arm64.sh does, and this distribution's own Python, else 77.
set -eu
. "$(dirname "$0")/cross_arm64.sh"
mkdir -p "$1"
folder=$(cd "$1" && pwd)
python=$(/usr/bin/python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])') || exit 77
minor=${python#python3.}
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1000000000}"

cross_build core -DMLXC_PYTHON=ON -DMLXC_PROGRAM=ON -DPython_EXECUTABLE=/usr/bin/python3 "-DPython_INCLUDE_DIR=$MLXC_SYSROOT/usr/include/$python"
rm -rf "$work/stage"
cmake --install "$work/build" --component python --prefix "$work/stage" >/dev/null
for module in core data/_jpeg; do # which CMake gives no full names for another machine
    mv "$work/stage/mlx/$module.so" "$work/stage/mlx/$module.cpython-3$minor-aarch64-linux-gnu.so"
done

native=$(ls "$folder"/mlx-*-cp3"$minor"-cp3"$minor"-*_"$(uname -m)".whl 2>/dev/null | head -1)
[ -n "$native" ] || native=$(env -u MLXC_SYSROOT -u MLXC_MACHINE -u LDD -u PKG_CONFIG_LIBDIR python3 "$root/tools/make_wheel.py" "$folder" /usr/bin/python3)
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
