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
prefix=$folder/prefix sources=$folder/sources jobs=${JOBS:-$(nproc)}
mkdir -p "$prefix" "$sources"
export NODE_PATH="${NODE_PATH:-/usr/share/nodejs}" # where Debian's parser of JavaScript lies
export PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig"
. /etc/os-release

# Lists of the distribution's sources, apart from those of the machine.
get() {
    set -- -o Dir::State::Lists="$folder/lists" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::SourceList="$folder/sources.list" \
        -o APT::Sandbox::User=root "$@"
    (cd "$sources" && apt-get -qq "$@")
}
fetch_sources() {
    echo "deb-src ${FRESH_MIRROR:-http://deb.debian.org/debian} $VERSION_CODENAME main" >"$folder/sources.list"
    mkdir -p "$folder/lists/partial"
    get update && get source zlib jansson utf8proc pcre2 libzip >/dev/null
}

# build NAME OPTION...: with CMake. One option is for CMake 4, which these projects are older than.
build() {
    name=$1 && shift
    emcmake cmake -S "$(ls -d "$sources/$name"-*/)" -B "$folder/$name" -G Ninja -Wno-dev -DCMAKE_POLICY_VERSION_MINIMUM=3.5 \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-w -DBUILD_SHARED_LIBS=OFF -DCMAKE_INSTALL_PREFIX="$prefix" \
        -DCMAKE_FIND_ROOT_PATH="$prefix" "$@" >"$folder/$name.log" 2>&1 &&
        cmake --build "$folder/$name" -j "$jobs" --target install >>"$folder/$name.log" 2>&1 ||
        { tail -20 "$folder/$name.log"; exit 1; }
}
build_zlib() {
    cd "$(ls -d "$sources"/zlib-*/)"
    { emconfigure ./configure --static --prefix="$prefix" && emmake make -j "$jobs" libz.a && emmake make install; } \
        >"$folder/zlib.log" 2>&1 || { tail -20 "$folder/zlib.log"; exit 1; }
    cd "$root"
}
build_libraries() {
    build_zlib
    build jansson -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF
    build utf8proc
    build pcre2 -DPCRE2_BUILD_TESTS=OFF -DPCRE2_BUILD_PCRE2GREP=OFF -DPCRE2_SUPPORT_JIT=OFF
    # CMake finds no sizes there
    build libzip -DHAVE_SIZEOF_OFF_T=TRUE -DSIZEOF_OFF_T=8 -DHAVE_SIZEOF_SIZE_T=TRUE -DSIZEOF_SIZE_T=4 -DHAVE_NULLABLE=1 \
        -DENABLE_BZIP2=OFF -DENABLE_LZMA=OFF -DENABLE_GNUTLS=OFF -DENABLE_MBEDTLS=OFF -DENABLE_OPENSSL=OFF \
        -DENABLE_COMMONCRYPTO=OFF -DBUILD_TOOLS=OFF -DBUILD_REGRESS=OFF -DBUILD_EXAMPLES=OFF -DBUILD_DOC=OFF
}
if [ ! -e "$prefix/complete" ]; then
    fetch_sources
    build_libraries
    touch "$prefix/complete"
fi

emcmake cmake -S "$root" -B "$folder/lib" -G Ninja --log-level=WARNING -Wno-dev -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_FIND_ROOT_PATH="$prefix" -DMLXC_PROGRAM=OFF -DMLXC_TESTS=OFF -DMLXC_EXAMPLES=OFF -DMLXC_BENCH=OFF -DMLXC_WERROR=ON
cmake --build "$folder/lib" --target mlxc -j "$jobs"

mkdir -p "$folder/page"
cp "$root"/examples/web/*.html "$root"/examples/web/*.js "$root"/examples/web/*.mjs "$folder/page"
emcc -O3 -Wall -Wextra -Werror -I "$root/include" "$root/examples/web/speak.c" -o "$folder/page/speak.js" \
    "$folder/lib/libmlxc.a" -L "$prefix/lib" -ljansson -lzip -lz -lutf8proc -lpcre2-8 -lm \
    -sMODULARIZE -sEXPORT_NAME=Speak -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=4GB -sEXPORTED_RUNTIME_METHODS=ccall,UTF8ToString,FS
ls -l "$folder/page"
