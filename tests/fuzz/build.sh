#!/bin/sh
# Build every fuzz target, with its seeds, for a fuzzer that runs for days: $OUT/fuzz_gguf and $OUT/fuzz_gguf_seed_corpus.zip, by the
# conventions of OSS-Fuzz (https://google.github.io/oss-fuzz/getting-started/new-project-guide/#buildsh).
#
#     OUT=folder tests/fuzz/build.sh [target ...]
#
# CC (clang), CFLAGS, LIB_FUZZING_ENGINE (-fsanitize=fuzzer) and SANITIZER (address) as the service sets them; WORK: where it is built.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${OUT:?where do the targets go? OUT=folder tests/fuzz/build.sh}"
export CC="${CC:-clang}"
command -v "$CC" >/dev/null && command -v zip >/dev/null || { echo "skipped: there is no $CC, or no zip"; exit 77; }
work=${WORK:-$root/build/fuzz}
mkdir -p "$OUT"
# Services put their sanitizers into CFLAGS; by hand they are chosen here.
sanitize=
[ -n "${CFLAGS:-}" ] || sanitize=${SANITIZER:-address},fuzzer-no-link
cmake -S "$root" -B "$work" -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1 -g" \
    -DMLXC_FUZZ=ON "-DMLXC_FUZZ_ENGINE=${LIB_FUZZING_ENGINE:--fsanitize=fuzzer}" "-DMLXC_SANITIZE=$sanitize" \
    -DMLXC_BENCH=OFF -DMLXC_EXAMPLES=OFF
targets=${*:-$(cd "$root/tests/fuzz" && ls fuzz_*.c | sed 's/\.c$//')}
for target in $targets; do
    cmake --build "$work" --target "$target" "${target}_seeds"
    seeds=$work/seeds/$target
    rm -rf "$seeds" && mkdir -p "$seeds"
    MLX_TEST_SOURCE=$root "$work/tests/${target}_seeds" "$seeds"
    (cd "$seeds" && zip -q -r "$work/$target.zip" .)
    cp "$work/tests/$target" "$OUT/$target"
    mv "$work/$target.zip" "$OUT/${target}_seed_corpus.zip"
done
ls -l "$OUT"
