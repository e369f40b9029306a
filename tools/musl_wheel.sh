#!/bin/sh
# A wheel for Linux with musl (Alpine): built here with musl-gcc and run under musl's loader, by a Python of musl's that is built of the
# distribution's sources, as are the libraries beside this one.
#
#     tools/musl_wheel.sh folder        beside the wheel for this machine's C library, from which it takes all that is no binary
#
# Needs Debian's musl-tools, patchelf, and this distribution's own Python, else 77.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
for program in musl-gcc apt-get patchelf /usr/bin/python3; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
mkdir -p "$1" "$root/build/musl"
to=$(cd "$1" && pwd) folder=$root/build/musl
. "$root/tools/libraries.sh"
version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
python=$folder/python/bin/python$version
loader=/lib/ld-musl-$(uname -m).so.1
export MLXC_SYSROOT="$prefix" LDD="$folder/ldd" SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1000000000}"

# The loader says where libraries lie, and of a module also that nobody has Python's functions.
cat >"$LDD" <<END
#!/bin/sh
LD_LIBRARY_PATH=$prefix/lib $loader --list "\$1" 2>&1 | sed -n 's/^Error loading shared library \([^:]*\):.*/\1 => not found/p; / => /p'
END
chmod +x "$LDD"

# The kernel's headers, which belong to no C library.
mkdir -p "$prefix/include"
ln -sfn /usr/include/linux "$prefix/include/linux"
ln -sfn /usr/include/asm-generic "$prefix/include/asm-generic"
ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$prefix/include/asm"
CMAKE=cmake WITH="env CC=musl-gcc" ZLIB_OPTIONS="" LIBZIP_OPTIONS=""
build_libraries -DCMAKE_TOOLCHAIN_FILE="$root/cmake/musl.cmake" -DBUILD_SHARED_LIBS=ON -DJANSSON_BUILD_SHARED_LIBS=ON

# As Python's authors have it: Debian's changes are for its own. It asks the compiler for the system's name, and musl-gcc gives the one of its
# host, whose headers would be taken.
build_python() {
    printf '#!/bin/sh\ncase $1 in *-print-multiarch) echo %s-linux-musl ;; *) exec musl-gcc "$@" ;; esac\n' "$(uname -m)" >"$folder/cc" &&
        chmod +x "$folder/cc" &&
        get source --download-only "python$version" && cd "$sources" && tar -xf "python${version}"_*.orig.tar.* && cd "Python-$version".*/ &&
        ./configure CC="$folder/cc" OPT="-O1 -w" --prefix="$folder/python" --without-static-libpython --disable-test-modules \
            CPPFLAGS="-I$prefix/include" LDFLAGS="-L$prefix/lib -Wl,-rpath,$prefix/lib" &&
        make -j "$jobs" && make install
}
[ -e "$python" ] || (logged python build_python) || exit 1

# LAPACK: OpenBLAS as SciPy's developers build it for musl, of C alone, which the wheel carries as this system's wheels carry the distribution's.
blas=0.3.34.481.3
openblas=$prefix/lib/libscipy_openblas.so
get_openblas() {
    papers=$prefix/usr/share/doc/scipy-openblas32 files=$folder/scipy_openblas32
    rm -rf "$files" && mkdir -p "$papers" "$files"
    python3 -m pip download --quiet --no-deps --only-binary=:all: --platform "musllinux_1_2_$(uname -m)" -d "$files" "scipy-openblas32==$blas" &&
        python3 -m zipfile -e "$files"/*.whl "$files" && cp "$files"/*/lib/libscipy_openblas.so "$prefix/lib" &&
        find "$files" -iname 'LICENSE*' -exec cp {} "$papers/copyright" \; && printf %s "$blas" >"$papers/wheel" && echo "$openblas" >"$papers/files"
}
[ -e "$openblas" ] || logged openblas get_openblas

soabi=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("SOABI"))')

cmake -S "$root" -B "$folder/build" -G Ninja --log-level=WARNING -DCMAKE_TOOLCHAIN_FILE="$root/cmake/musl.cmake" -DCMAKE_BUILD_TYPE=Release \
    -DMLXC_WERROR=ON -DMLXC_PYTHON=ON -DMLXC_PROGRAM=ON -DMLXC_TESTS=OFF -DMLXC_EXAMPLES=OFF -DMLXC_BENCH=OFF "-DOPENBLAS=$openblas" \
    -DPython_EXECUTABLE="$python" "-DPython_INCLUDE_DIR=$folder/python/include/python$version"
cmake --build "$folder/build" --target core -j "$jobs"
rm -rf "$folder/stage"
cmake --install "$folder/build" --component python --prefix "$folder/stage" >/dev/null
mv "$folder/stage/mlx/core.so" "$folder/stage/mlx/core.$soabi.so"

minor=${version#3.}
native=$(ls "$to"/mlx-*-cp3"$minor"-cp3"$minor"-manylinux*_"$(uname -m)".whl 2>/dev/null | head -1)
[ -n "$native" ] || native=$(env -u MLXC_SYSROOT -u MLXC_MACHINE -u LDD -u PKG_CONFIG_LIBDIR python3 "$root/tools/make_wheel.py" "$to" /usr/bin/python3)
wheel=$(python3 "$root/tools/make_wheel.py" --with "$folder/stage" "$native" "$to")
echo "$wheel"
"$python" "$root/tests/package/check_wheel.py" --wheel "$wheel"
