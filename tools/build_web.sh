#!/bin/sh
# libmlxc for WebAssembly (SIMD of 128 bits, one thread), and the page examples/web with it.
#
#     tools/build_web.sh folder        FOLDER/page: index.html, speak.js, speak.wasm, ...; FOLDER/lib: the library's build
#
# Needs Debian's emscripten, else 77. The libraries beside it are built of the distribution's sources (apt-get source), once,
# into FOLDER/prefix.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
for program in emcc node apt-get; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
mkdir -p "$1"
folder=$(cd "$1" && pwd)
. "$root/tools/libraries.sh"
export NODE_PATH="${NODE_PATH:-/usr/share/nodejs}" # where Debian's parser of JavaScript lies
CMAKE="emcmake cmake" WITH=emmake ZLIB_OPTIONS=--static
# CMake finds no sizes there
LIBZIP_OPTIONS="-DHAVE_SIZEOF_OFF_T=TRUE -DSIZEOF_OFF_T=8 -DHAVE_SIZEOF_SIZE_T=TRUE -DSIZEOF_SIZE_T=4 -DHAVE_NULLABLE=1"
build_libraries -DBUILD_SHARED_LIBS=OFF -DCMAKE_FIND_ROOT_PATH="$prefix" -DPCRE2_SUPPORT_JIT=OFF

emcmake cmake -S "$root" -B "$folder/lib" -G Ninja --log-level=WARNING -Wno-dev -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_FIND_ROOT_PATH="$prefix" -DMLXC_PROGRAM=OFF -DMLXC_TESTS=OFF -DMLXC_EXAMPLES=OFF -DMLXC_BENCH=OFF -DMLXC_WERROR=ON
cmake --build "$folder/lib" --target mlxc -j "$jobs"

mkdir -p "$folder/page"
cp "$root"/examples/web/*.html "$root"/examples/web/*.js "$root"/examples/web/*.mjs "$folder/page"
emcc -O3 -Wall -Wextra -Werror -I "$root/include" "$root/examples/web/speak.c" -o "$folder/page/speak.js" \
    "$folder/lib/libmlxc.a" -L "$prefix/lib" -ljansson -lzip -lz -lutf8proc -lpcre2-8 -lm \
    -sMODULARIZE -sEXPORT_NAME=Speak -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=4GB -sEXPORTED_RUNTIME_METHODS=ccall,UTF8ToString,FS
ls -l "$folder/page"
