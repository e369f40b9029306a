# Sourced by build_web.sh and musl_wheel.sh: the libraries beside this one, of the distribution's sources (apt-get source), once, into
# $folder/prefix, whose usr/share/doc has their licences, their versions and the lists of their files. Sets prefix, sources and jobs.
#
#     build_libraries OPTION...     for CMake
#
# Who sources it sets folder, and what the compiler wants: $CMAKE, what configures with CMake; $WITH, what zlib's configure and make run under;
# $ZLIB_OPTIONS and $LIBZIP_OPTIONS.
prefix=$folder/prefix sources=$folder/sources jobs=${JOBS:-$(nproc)}
mkdir -p "$prefix" "$sources"
export PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig"
. /etc/os-release

# get COMMAND...: apt-get with lists of the distribution's sources, apart from those of the machine.
get() {
    if [ ! -e "$folder/sources.list" ]; then
        echo "deb-src ${FRESH_MIRROR:-http://deb.debian.org/debian} $VERSION_CODENAME main" >"$folder/sources.list"
        mkdir -p "$folder/lists/partial"
        get update
    fi
    set -- -o Dir::State::Lists="$folder/lists" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::SourceList="$folder/sources.list" \
        -o APT::Sandbox::User=root "$@"
    (cd "$sources" && apt-get -qq "$@" >/dev/null)
}

# logged NAME COMMAND...: what it says is shown where it fails.
logged() {
    log=$folder/$1.log
    shift
    "$@" >"$log" 2>&1 || { tail -20 "$log"; exit 1; }
}

# documented NAME: its papers, and which libraries came with it.
documented() {
    mkdir -p "$prefix/usr/share/doc/$1"
    (cd "$(ls -d "$sources/$1"-*/)debian" && cp copyright "$prefix/usr/share/doc/$1" && gzip -nc changelog >"$prefix/usr/share/doc/$1/changelog.Debian.gz")
    find "$prefix/lib" -maxdepth 1 -name '*.so*' -newer "$folder/$1.started" >"$prefix/usr/share/doc/$1/files"
}

# build NAME OPTION...: with CMake. One option is for CMake 4, which these projects are older than.
build() {
    name=$1 && shift
    touch "$folder/$name.started"
    build_in() {
        $CMAKE -S "$(ls -d "$sources/$name"-*/)" -B "$folder/$name" -G Ninja -Wno-dev -DCMAKE_POLICY_VERSION_MINIMUM=3.5 \
            -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-w -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib "$@" &&
            cmake --build "$folder/$name" -j "$jobs" --target install
    }
    logged "$name" build_in "$@"
    documented "$name"
}

build_zlib() {
    touch "$folder/zlib.started"
    cd "$(ls -d "$sources"/zlib-*/)"
    logged zlib sh -ec "$WITH ./configure $ZLIB_OPTIONS --prefix='$prefix'; $WITH make -j $jobs; $WITH make install"
    cd "$root"
    documented zlib
}

build_libraries() {
    [ ! -e "$prefix/complete" ] || return 0
    get source zlib jansson utf8proc pcre2 libzip
    build_zlib
    build jansson "$@" -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF
    build utf8proc "$@"
    build pcre2 "$@" -DPCRE2_BUILD_TESTS=OFF -DPCRE2_BUILD_PCRE2GREP=OFF
    build libzip "$@" $LIBZIP_OPTIONS -DENABLE_BZIP2=OFF -DENABLE_LZMA=OFF -DENABLE_GNUTLS=OFF -DENABLE_MBEDTLS=OFF -DENABLE_OPENSSL=OFF \
        -DENABLE_COMMONCRYPTO=OFF -DENABLE_ZSTD=OFF -DBUILD_TOOLS=OFF -DBUILD_REGRESS=OFF -DBUILD_EXAMPLES=OFF -DBUILD_DOC=OFF
    touch "$prefix/complete"
}
